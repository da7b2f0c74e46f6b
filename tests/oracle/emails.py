"""E-mail addresses, good and bad."""

import json
import random

# fmt: off
ADDRESSES = [
    "a@example.com", "A@example.com", "a@EXAMPLE.com", "a@Example.Com", "  a@example.com",
    "a2@example.com\t", "\na3@example.com\r\n", "a.b@example.com", "a+tag@example.com",
    "a_b-c@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", "1@example.com", "a@1.com", "a@1.2",
    "a@1.2.3.4", "a@b.c", "a@b.co", "a@b-c.co", "a@sub.sub.example.com", "a@example.co.uk",
    "a@xn--bcher-kva.com", "a@bücher.com", "a@BÜCHER.com", "ü@example.com", "Ü2@example.com",
    "u\u0308@example.com", "日本@例え.jp", "a@日本.jp", "é.à@example.com", "a@faß.de", "a@ﬁ.com", "", " ", "a",
    "@", "a@", "@b.co", "@@b.co", "a@@b.co", "a@b@c.co", "a b@c.co", "a @b.co", "a@ b.co", "a@b .co",
    "a@b.co x", "x a@b.co", ".a@b.co", "a.@b.co", "a..b@b.co", "a@.b.co", "a@b.co.", "a@b..co",
    "a@-b.co", "a@b-.co", "a@b.-co", "a@b.co-", "a@b--c.co", "a@ab--c.co", "a@b_c.co", "a@b!.co",
    "a@b,c.co", "a,b@c.co", "a;b@c.co", "a:b@c.co", "a(b)@c.co", "a[b]@c.co", "a\\b@c.co", '"a b"@c.co',
    '"ab"@c.co', '"a"b@c.co', "a\"b@c.co", "<a@b.co>", "Name <a4@b.co>", "Ada L <a5@b.co>",
    '"Ada, L" <a6@b.co>', "Name<a7@b.co>", "Name <a8@b.co> x", "Name <>", "Name <x>", "<>", "Name <a@b>",
    "Name  <  a9@b.co  >", "Ада <a10@b.co>", "a@b.co, c@d.co", "a@localhost", "a@local", "a@b.local",
    "a@b.test", "a@test", "a@b.invalid", "a@b.onion", "a@b.arpa", "a@b.localhost", "a@x.in-addr.arpa",
    "a@b.TEST", "a@example", "a11@b.example", "a@example.net", "a@[1.2.3.4]", "a@[IPv6:::1]", "a@[x]",
    "a@[", "a@1.2.3.4.5", "a@b.123", "a@b.1a", "a@b.a1", "a" * 64 + "@b.co", "a" * 65 + "@b.co",
    "a@" + "b" * 63 + ".co", "a@" + "b" * 64 + ".co", "a@" + "b." * 100 + "co", "\u00a0a@b.co",
    "a\u00a0@b.co", "a\u200b@b.co", "a@b\u200b.co", "a\u0001@b.co", "a\t@b.co", "a\n@b.co", "a@b\n.co",
    "\u202ea@b.co", "a@b。co", "a12@b．co", "ａ@b.co", "a13@ｂ.co", "☃@b.co", "a@☃.com", "😀@b.co", "a@😀.com",
    "\u0301a@b.co", "a@\u0301b.co", "a@xn--.co", "a@xn--a.co", "a@XN--BCHER-KVA.com", "a14@b.CO",
    "a@b.c_o", "postmaster@b.co", "a%b@c.co", "a@b%20.co", "mailto:a@b.co", "a@b.co?x=y", "a@b/c.co",
    "a@http://b.co", "’a@b.co", "a@b.рф", "a@пример.рф", "admin@mailserver1", "x@y.z.", "..@b.co",
    ".@b.co", "a@.", "a@..", "a@-", "a@-.co", "a@b.c-", "＠b.co", "a＠b.co", "a﹫b.co", "a@@", "ab<c@d.co",
    "a>b@c.co",
]
# fmt: on

# As members of a body, with the JSON escapes that a client may use.
AS_JSON = [
    json.dumps(a, ensure_ascii=False)
    for a in ("a@x.example.com", " Up@EXAMPLE.COM ", "x", "x@", "@y.com", "a@b", "Name <n@b.co>")
]

# fmt: off
LOCAL = [
    "a", "a.b", "a-b", "A_9", "x+y", "é", ".a", "a.", "a..b", "a b", '"q"', "a,b", "ж", "a\u0301", "",
    "o'neil",
]
# fmt: on
# fmt: off
DOMAIN = [
    "example.com", "EXAMPLE.org", "a-b.co", "a--b.co", "xn--e1afmkfd.com", "é.fr", "b", "b.", ".b.co",
    "-b.co", "b-.co", "b..co", "b_c.co", "b c.co", "1.1", "b.test", "b.co", "ß.de", "x.y.z.w.co",
    "[::1]",
]
# fmt: on


def made(chance: random.Random, count: int) -> list[str]:
    """Combinations of the parts above, each once."""
    every = [f"{local}@{domain}" for local in LOCAL for domain in DOMAIN]
    return chance.sample(every, count)
