"""Prints generated addresses with the verdict of Pydantic's EmailStr: the lines of emails.txt.

    emails.py COUNT SEED

needs Pydantic 2.10 and email-validator 2.2 (Debian 13: python3-pydantic, python3-email-validator). The
first are BASICS. A line is `input TAB good|bad TAB normal form|reason`; backslash, control characters and
line separators are a backslash and `xNN` for each of their bytes.
"""

import random
import sys

from pydantic.networks import validate_email
from pydantic_core import PydanticCustomError

LETTERS = "abcxyzABCXYZ0189"
ATEXT = LETTERS + "!#$%&'*+-/=?^_`{|}~"
ODD = " \t\n@<>\"\\()[],:;.-_'\x7f\x1f"
INTERNATIONAL = (
    "éÉüßẞñøçığ"  # Latin
    "αΩςΣ" "ЖжЙй" "אבד" "ابت" "हिन्दी" "ไทย" "日本語ー・한국어" "ꙮ"  # scripts
    "\u0301\u0308\u0338\u094d\u05b0"  # marks
    "\u00b7\u0375\u05f3\u05f4\u30fb\u0661\u06f1\u200c\u200d\u3007\u06fd\u0f0b"  # contexts, exceptions
    "\u3002\uff0e\uff61\u2024\u2488\u1fef\u037e\u212b\uff21\uff20\ufb01"  # mapped
    "\u00a0\u2003\u00ad\u200b\u2028\u202e\ufeff\ue000\u0378\U0001f600☃¼٪"  # unsafe or symbols
)
TOPS = ["com", "co", "org", "COM", "local", "test", "invalid", "localhost", "onion", "arpa", "c0m", "com1", "123",
        "рф", "中国", "xn--p1ai", "xn--fiqs8s", "XN--P1AI", "example"]
MAILBOXES = ["info", "INFO", "Postmaster", "www", "Ftp", "sales", "Salesman"]
ENCODED = ["xn--bcher-kva", "xn--", "xn--a", "xn--abc-", "xn--e1afmkfd", "XN--E1AFMKFD", "xn--zca", "xn--ls8h",
           "xn--80ak6aa92e", "xn--mgbh0fb", "xn--11b4c3d", "xn--a-ecp", "xn--ab-cd", "xn--0ca", "xn--l-fda",
           "xn--ihqwcrb4cv8a8dqg056pqjye"]
NAMES = ["Ada", "Ada Lovelace", "Dr. Who", "Ada  L", "José", "O'Neil", '"Ada"', '"A. \\" L"', '"', "", " ", "日本", "a@b",
         "x\n y", "(c)", "No¼", "Ad\u0301a", "-", '"a" "b"', '"a"b']

BASICS = [
    "ada@example.com", "  Up@EXAMPLE.COM ", "Ada <ada@example.com>", "Ada Lovelace <a@b.co>", "<a@b.co>", '"A, B" <a@b.co>',
    "Jos\u00e9 <a@b.co>", "a+b@b.co", "a@b.museum", "x", "x@", "@y.com", "", " ", "@", "a@b", "a b@c.com", "a@b..com",
    "a@-b.com", "a@b-.com", "a@b.com-", "a@b.com.", "a@.com", "a@localhost", "a@test.test", "a@b.local", "a@b.onion",
    "a@[1.2.3.4]", "a@[x]", ".a@example.com", "a.@example.com", "a..b@example.com", "a@exam_ple.com", "a@b@c.com",
    "a@b.c1", "a@ab--cd.com", "a@xn--bcher-kva.example", "a@b\u00fccher.example", "a@B\u00dcCHER.example", "INFO@b.co",
    "informant@b.co", "Dr. Who <a@b.co>", "Ada <a@b.co", "Ada <a@b.co> x", "Ada <a@b>", "<>", "Ada <<a@b.co>>", '"a"@b.co',
    "\u00e9@b.co", "e\u0301@b.co", "\u0301a@b.co", "a\u00a0b@c.co", "a@b\u00a0c.co", "a\tb@c.co", "a\\b@c.co", "(a)'\"@c.co",
    "a@b\u3002co", "a@xn---p1ai.co", "a@XN---P1AI.\u0440\u0444", "a@xn---a-b.co", "a@xn---.co", "a@B\u1e9e.co", "a@\u2603.com", "a@\U0001f600.com", "a@l\u00b7l.com", "a@a\u00b7b.com", "a@\u05d0b.com",
    "a" * 64 + "@b.co", "a" * 65 + "@b.co", "a" * 66 + "@b.co", "a@" + "b" * 63 + ".co", "a@" + "b" * 64 + ".co",
    "a@" + "b." * 125 + "com", "a@" + "b." * 126 + "com", "A@" + "B." * 126 + "com", "a" * 50 + "@" + "b." * 101 + "c",
    "a" * 50 + "@" + "b." * 101 + "cc", "\u00e9" * 64 + "@" + "b." * 62 + "cc", "\u00e9" * 64 + "@" + "b." * 63 + "cc",
    "a@" + "\u00e9" * 57 + ".com", "a@" + "\u00e9" * 58 + ".com", "a" * 2048, "a" * 2049,
]


class Generator:
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def word(self, alphabet, most):
        return "".join(self.rng.choice(alphabet) for _ in range(self.rng.randint(0 if self.chance(0.05) else 1, most)))

    def chance(self, p):
        return self.rng.random() < p

    def label(self, alphabet):
        if self.chance(0.06):
            return self.rng.choice(ENCODED)
        if self.chance(0.03):
            return self.rng.choice("aé") * self.rng.randint(55, 66)
        if self.chance(0.03):
            return "xn--" + self.word("abcdefghijklmnopqrstuvwxyz0123456789-", 8)
        return self.word(alphabet, 6)

    def domain(self, international):
        alphabet = LETTERS + "-" * self.chance(0.2)
        if international and self.chance(0.7):
            alphabet += INTERNATIONAL if self.chance(0.4) else "".join(self.rng.sample(INTERNATIONAL, 2)) * 5
        if self.chance(0.04):
            return "[" + self.rng.choice(["127.0.0.1", "IPv6:::1", "x", "", "1.2.3", "a:b", "300.1.1.1"]) + "]"
        labels = [self.label(alphabet) for _ in range(self.rng.choice([0, 1, 1, 1, 1, 2, 2, 3, 30 if self.chance(0.1) else 1]))]
        labels.append(self.rng.choice(TOPS) if self.chance(0.8) else self.label(alphabet))
        return self.rng.choice("。．｡") .join(labels) if international and self.chance(0.05) else ".".join(labels)

    def local(self, international):
        if self.chance(0.05):
            return self.rng.choice(MAILBOXES)
        if self.chance(0.03):
            return self.rng.choice("aé") * self.rng.randint(62, 67)
        if self.chance(0.03):
            return '"' + self.word(ATEXT + " @\\", 5) + '"'
        alphabet = ATEXT
        if international and self.chance(0.7):
            alphabet += INTERNATIONAL if self.chance(0.4) else "".join(self.rng.sample(INTERNATIONAL, 2)) * 8
        return ".".join(self.word(alphabet, 7) for _ in range(self.rng.choice([1, 1, 2, 3])))

    def address(self):
        international = self.chance(0.5)
        address = self.local(international) + "@" * (not self.chance(0.02)) + self.domain(international)
        if self.chance(0.1):
            at = self.rng.randint(0, len(address))
            address = address[:at] + self.rng.choice(ODD) + address[at:]
        if self.chance(0.12):
            address = self.rng.choice(NAMES) + self.rng.choice(["<", " <", " <", "  < "]) + address
            address += self.rng.choice([">", ">", ">", " > ", ">>", "", "> x", "\n>", ">\t"])
        if self.chance(0.1):
            address = self.rng.choice(" \t\n\u00a0\u2003\x1f") * self.rng.randint(0, 3) + address + self.rng.choice("  \n\u3000")
        if self.chance(0.002):
            address = "a" * self.rng.randint(2030, 2050) + address
        return address


def escaped(text):
    odd = {c for c in text if c == "\\" or c < " " or c in "\x7f\x85\u2028\u2029"}
    return "".join("".join(f"\\x{byte:02x}" for byte in c.encode()) if c in odd else c for c in text)


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    generator = Generator(seed)
    seen = set()
    basics = iter(BASICS)
    while len(seen) < count:
        address = next(basics, None)
        if address is None:
            address = generator.address()
        if address in seen:
            continue
        seen.add(address)
        try:
            verdict, result = "good", validate_email(address)[1]
        except PydanticCustomError as error:
            verdict, result = "bad", error.context["reason"]
        print(escaped(address), verdict, escaped(result), sep="\t")


main()
