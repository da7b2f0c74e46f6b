#include "common/email/email.h"

#include <stdint.h>

#include "common/base/declare.h"
#include "common/email/characters.h"
#include "common/email/idna.h"
#include "common/email/unicode.h"

#define INPUT_LIMIT  2048 /* code points, with a name and white space: Pydantic's limit */
#define LOCAL_LIMIT  64   /* code points (RFC 5321, section 4.5.3.1.1, has octets) */
#define DOMAIN_LIMIT 253  /* octets as printed (RFC 1035, section 2.3.4) */
#define LABEL_LIMIT  63   /* octets (RFC 1035, section 2.3.1) */

/* The check of one address: each step answers whether it is good, and leaves the reason where it is not. */
struct check {
    struct arena *arena;
    const char *reason; /* NULL: memory is exhausted */
};

/* What an ASCII character may be part of; every other may be part of a local part and of a domain. */
enum character_class {
    ATEXT = 1 << 0, /* a word (RFC 5322, section 3.2.3) */
    LOCAL = 1 << 1, /* a local part: words joined by periods */
    HOST = 1 << 2,  /* a domain: letters, digits, hyphens and periods */
};

#define WORD (ATEXT | LOCAL)
static const unsigned char classes[128] = {
    ['0' ... '9'] = WORD | HOST,
    ['A' ... 'Z'] = WORD | HOST,
    ['a' ... 'z'] = WORD | HOST,
    ['-'] = WORD | HOST,
    ['.'] = LOCAL | HOST,
    ['!'] = WORD,
    ['#' ... '\''] = WORD,
    ['*' ... '+'] = WORD,
    ['/'] = WORD,
    ['='] = WORD,
    ['?'] = WORD,
    ['^' ... '`'] = WORD,
    ['{' ... '~'] = WORD,
};

static bool is_of(uint32_t c, enum character_class class)
{
    return c >= 0x80 || (classes[c] & class);
}

/* Whether each of the bytes is of the class, as those beyond ASCII are. */
static bool all_of(struct text t, enum character_class class)
{
    for (size_t i = 0; i < t.len; i++)
        if (!is_of((unsigned char)t.at[i], class))
            return false;
    return true;
}

static bool is_ascii(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.at[i] >= 0x80)
            return false;
    return true;
}

static struct text from(struct text t, size_t at)
{
    return (struct text){t.at + at, t.len - at};
}

static struct text until(struct text t, size_t at)
{
    return (struct text){t.at, at};
}

static char last_of(struct text t)
{
    return (char)(t.len ? t.at[t.len - 1] : '\0');
}

static bool contains(struct text t, const char *pair)
{
    return memmem(t.at, t.len, pair, 2) != NULL;
}

static const char *plural(size_t n)
{
    return n > 1 ? "s" : "";
}

static bool refuse(struct check *check, const char *reason)
{
    check->reason = reason;
    return false;
}

static bool not_local(uint32_t c, bool first)
{
    (void)first;
    return !is_of(c, LOCAL);
}

static bool not_host(uint32_t c, bool first)
{
    (void)first;
    return !is_of(c, HOST);
}

static bool not_in_a_name(uint32_t c, bool first)
{
    (void)first;
    return c != ' ' && (c >= 0x80 || !is_of(c, ATEXT));
}

/* White space and control characters, and a mark that would combine with what stands before the text. */
static bool not_safe(uint32_t c, bool first)
{
    char category = unicode_category(c)[0];

    return category == 'Z' || category == 'C' || (category == 'M' && first);
}

/* Refuses a text that has characters of which the test is true; `complaint` is the reason's start. */
static bool check_characters(struct check *check, struct text t, character_test *wrong,
                             enum characters_order order, const char *complaint)
{
    struct text list = characters_listed(check->arena, t, wrong, order);

    if (list.at && !list.len)
        return true;
    return refuse(check, list.at ? arena_printf(check->arena, "%s: %.*s.", complaint, (int)list.len, list.at)
                                 : NULL);
}

static bool check_safe(struct check *check, struct text t)
{
    return is_ascii(t) || check_characters(check, t, not_safe, CHARACTERS_BY_CODE,
                                           "The email address contains unsafe characters");
}

static bool check_local(struct check *check, struct text local)
{
    if (!local.len)
        return refuse(check, "There must be something before the @-sign.");
    size_t length = text_code_points(local);
    if (length > LOCAL_LIMIT)
        return refuse(
            check, arena_printf(check->arena,
                                "The email address is too long before the @-sign (%zu character%s too many).",
                                length - LOCAL_LIMIT, plural(length - LOCAL_LIMIT)));
    if (!all_of(local, LOCAL) &&
        !check_characters(check, local, not_local, CHARACTERS_AS_SHOWN,
                          "The email address contains invalid characters before the @-sign"))
        return false;
    if (last_of(local) == '.')
        return refuse(check, "An email address cannot have a period immediately before the @-sign.");
    if (local.at[0] == '.')
        return refuse(check, "An email address cannot start with a period.");
    if (contains(local, ".."))
        return refuse(check, "An email address cannot have two periods in a row.");
    return check_safe(check, local);
}

/* Mailbox names that are the same in upper and lower case (RFC 2142, sections 3 to 5). */
static bool is_case_insensitive(struct text local)
{
    static const struct text names[] = {
        TEXT("info"), TEXT("marketing"), TEXT("sales"),      TEXT("support"),    TEXT("abuse"),
        TEXT("noc"),  TEXT("security"),  TEXT("postmaster"), TEXT("hostmaster"), TEXT("usenet"),
        TEXT("news"), TEXT("webmaster"), TEXT("www"),        TEXT("uucp"),       TEXT("ftp"),
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (text_equal_folded(local, names[i]))
            return true;
    return false;
}

static struct text lower_cased(struct arena *arena, struct text t)
{
    char *lower = arena_alloc(arena, t.len);

    if (!lower)
        return TEXT_NULL;
    for (size_t i = 0; i < t.len; i++)
        lower[i] = (char)(t.at[i] >= 'A' && t.at[i] <= 'Z' ? t.at[i] | 0x20 : t.at[i]);
    return (struct text){lower, t.len};
}

static bool normalise_local(struct check *check, struct text local, struct text *normal)
{
    if (!check_local(check, local))
        return false;
    *normal = local;
    if (is_case_insensitive(local))
        *normal = lower_cased(check->arena, local);
    else if (!is_ascii(local))
        *normal = unicode_composed(check->arena, local);
    if (!normal->at)
        return refuse(check, NULL);
    if (text_equal(*normal, local) || check_local(check, *normal))
        return true;
    return refuse(check, check->reason
                             ? arena_printf(check->arena, "After Unicode normalization: %s", check->reason)
                             : NULL);
}

/* The rules for periods and hyphens in a domain (RFC 952, RFC 1123, section 2.1). */
static bool check_punctuation(struct check *check, struct text domain)
{
    if (last_of(domain) == '.')
        return refuse(check, "An email address cannot end with a period.");
    if (domain.at[0] == '.')
        return refuse(check, "An email address cannot have a period immediately after the @-sign.");
    if (contains(domain, ".."))
        return refuse(check, "An email address cannot have two periods in a row.");
    if (last_of(domain) == '-')
        return refuse(check, "An email address cannot end with a hyphen.");
    if (domain.at[0] == '-')
        return refuse(check, "An email address cannot have a hyphen immediately after the @-sign.");
    if (contains(domain, ".-") || contains(domain, "-."))
        return refuse(check, "An email address cannot have a period and a hyphen next to each other.");
    return true;
}

static struct text next_label(struct text *rest)
{
    const char *dot = memchr(rest->at, '.', rest->len);
    struct text label = until(*rest, dot ? (size_t)(dot - rest->at) : rest->len);

    *rest = from(*rest, label.len + (dot != NULL));
    return label;
}

static bool is_encoded(struct text label)
{
    return label.len >= 4 && memcmp(label.at, "xn--", 4) == 0;
}

static bool has_encoded_label(struct text domain)
{
    while (domain.len)
        if (is_encoded(next_label(&domain)))
            return true;
    return false;
}

static bool check_reserved_hyphens(struct check *check, struct text domain)
{
    while (domain.len) {
        struct text label = next_label(&domain);
        if (label.len >= 4 && label.at[2] == '-' && label.at[3] == '-' && !is_encoded(label))
            return refuse(check,
                          "An email address cannot have two letters followed by two dashes immediately "
                          "after the @-sign or after a period, except Punycode.");
    }
    return true;
}

static bool check_lengths(struct check *check, struct text domain, bool changed)
{
    if (domain.len > DOMAIN_LIMIT) {
        size_t over = domain.len - DOMAIN_LIMIT;
        return refuse(check,
                      arena_printf(check->arena,
                                   "The email address is too long after the @-sign (%zu %s%s too many%s).",
                                   over, changed ? "byte" : "character", plural(over),
                                   changed ? " after IDNA encoding" : ""));
    }
    while (domain.len) {
        struct text label = next_label(&domain);
        if (label.len > LABEL_LIMIT)
            return refuse(check,
                          arena_printf(check->arena,
                                       "After the @-sign, periods cannot be separated by so many characters "
                                       "(%zu character%s too many).",
                                       label.len - LABEL_LIMIT, plural(label.len - LABEL_LIMIT)));
    }
    return true;
}

/* The top-level domain: there is one, and none that is reserved (RFC 6761, RFC 6762, RFC 7686). */
static bool check_top_level(struct check *check, struct text domain)
{
    static const struct text reserved[] = {TEXT("arpa"),      TEXT("invalid"), TEXT("local"),
                                           TEXT("localhost"), TEXT("onion"),   TEXT("test")};
    const char *dot = memrchr(domain.at, '.', domain.len);

    if (!dot)
        return refuse(check, "The part after the @-sign is not valid. It should have a period.");
    if (last_of(domain) < 'a' || last_of(domain) > 'z')
        return refuse(check,
                      "The part after the @-sign is not valid. It is not within a valid top-level domain.");
    struct text top = from(domain, (size_t)(dot - domain.at) + 1);
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (text_equal(top, reserved[i]))
            return refuse(check,
                          "The part after the @-sign is a special-use or reserved name that cannot be used "
                          "with email.");
    return true;
}

static bool normalise_international(struct check *check, struct text domain, struct text *ascii,
                                    struct text *normal)
{
    switch (idna_normalise(check->arena, domain, ascii, normal)) {
    case IDNA_OK:
        return check_characters(check, *ascii, not_host, CHARACTERS_AS_SHOWN,
                                "The part after the @-sign contains invalid characters after Unicode "
                                "normalization");
    case IDNA_LABEL_TOO_LONG:
        return refuse(check, "The part after the @-sign is invalid (Label too long).");
    case IDNA_INVALID:
        return check_punctuation(check, domain) &&
               refuse(check, "The part after the @-sign is not valid IDNA.");
    case IDNA_NO_MEMORY:
        break;
    }
    return refuse(check, NULL);
}

/* `[1.2.3.4]` and the like: never accepted. */
static bool refuse_literal(struct check *check, struct text address)
{
    bool tagged = memchr(address.at, ':', address.len) != NULL;
    bool numeric = address.len > 0;

    for (size_t i = 0; i < address.len; i++)
        numeric = numeric && ((address.at[i] >= '0' && address.at[i] <= '9') || address.at[i] == '.');
    return refuse(check, tagged || numeric
                             ? "A bracketed IP address after the @-sign is not allowed here."
                             : "The part after the @-sign in brackets is not an IPv4 address and "
                               "has no address literal tag.");
}

/* Leaves the domain as it is printed, in U-labels, and as it is sent, in A-labels. */
static bool normalise_domain(struct check *check, struct text domain, struct text *normal, struct text *ascii)
{
    if (!domain.len)
        return refuse(check, "There must be something after the @-sign.");
    if (domain.at[0] == '[' && last_of(domain) == ']')
        return refuse_literal(check, until(from(domain, 1), domain.len - 2));
    if (!all_of(domain, HOST) && !check_characters(check, domain, not_host, CHARACTERS_AS_SHOWN,
                                                   "The part after the @-sign contains invalid characters"))
        return false;
    if (is_ascii(domain)) {
        *normal = *ascii = lower_cased(check->arena, domain);
        if (!ascii->at)
            return refuse(check, NULL);
    } else if (!check_safe(check, domain) || !normalise_international(check, domain, ascii, normal)) {
        return false;
    }
    if (!check_punctuation(check, *ascii) || !check_reserved_hyphens(check, *ascii) ||
        !check_lengths(check, *ascii, !text_equal(*ascii, domain)) || !check_top_level(check, *ascii))
        return false;
    return !is_ascii(domain) || !has_encoded_label(*ascii) ||
           normalise_international(check, *ascii, ascii, normal);
}

static size_t longest_character(struct text t)
{
    size_t longest = 1;

    for (struct text rest = t; rest.len;) {
        const char *at = rest.at;
        unicode_next(&rest);
        if ((size_t)(rest.at - at) > longest)
            longest = (size_t)(rest.at - at);
    }
    return longest;
}

/* The limit of the whole address as it came: how many characters are too many depends on which are left out.
 */
static bool check_original_length(struct check *check, struct text local, struct text domain)
{
    size_t length = local.len + 1 + domain.len;

    if (length <= EMAIL_LIMIT)
        return true;
    size_t over = length - EMAIL_LIMIT;
    size_t longest = longest_character(local);
    if (longest_character(domain) > longest)
        longest = longest_character(domain);
    size_t least = over / longest ? over / longest : 1;
    return refuse(check, least == over
                             ? arena_printf(check->arena,
                                            "The email address is too long (%zu character%s too many).", over,
                                            plural(over))
                             : arena_printf(check->arena,
                                            "The email address is too long (%zu-%zu character%s too many).",
                                            least, over, plural(over)));
}

/* The same limit after a change that `when` names. */
static bool check_length(struct check *check, struct text local, struct text domain, const char *when)
{
    size_t length = local.len + 1 + domain.len;

    if (length <= EMAIL_LIMIT)
        return true;
    size_t over = length - EMAIL_LIMIT;
    return refuse(check, arena_printf(check->arena, "The email address is too long %s (%zu byte%s too many).",
                                      when, over, plural(over)));
}

struct parts {
    struct text local, domain;
    bool named; /* there were angle brackets, and a name perhaps */
};

/* Whether the character composes with the one that follows, so that it is not what it seems to be. */
static bool is_composed(struct text t, size_t at)
{
    static const struct text solidus = TEXT("\xcc\xb8"); /* U+0338, which makes U+226E of `<` */

    return t.len - at > solidus.len && text_equal(until(from(t, at + 1), solidus.len), solidus);
}

/* Where the first `@`, or `<` if that counts, is that is not in quotes; the length where there is none. */
static size_t find_special(struct text t, bool bracket_counts)
{
    bool quoted = false;

    for (size_t i = 0; i < t.len; i++) {
        if (t.at[i] == '"')
            quoted = !quoted;
        else if (quoted && t.at[i] == '\\')
            i++;
        else if (!quoted && (t.at[i] == '@' || (t.at[i] == '<' && bracket_counts && !is_composed(t, i))))
            return i;
    }
    return t.len;
}

/* Takes the address out of `name <address>`, a name that Pydantic did not take for one. */
static bool split_name(struct check *check, struct text input, size_t bracket, struct text *address)
{
    struct text name = unicode_trimmed(until(input, bracket)), right = from(input, bracket + 1);

    if ((!name.len || name.at[0] != '"') &&
        !check_characters(check, name, not_in_a_name, CHARACTERS_AS_SHOWN,
                          "The display name contains invalid characters when not quoted"))
        return false;
    if (!memchr(right.at, '>', right.len))
        return refuse(check,
                      "An open angle bracket at the start of the email address has to be followed by a "
                      "close angle bracket at the end.");
    while (last_of(right) == ' ')
        right.len--;
    if (last_of(right) != '>')
        return refuse(check, "There can't be anything after the email address.");
    while (last_of(right) == '>')
        right.len--;
    *address = right;
    return true;
}

static bool split(struct check *check, struct text input, struct parts *parts)
{
    struct text address = input;
    size_t at = find_special(address, true);

    parts->named = at < address.len && address.at[at] == '<';
    if (parts->named) {
        if (!split_name(check, input, at, &address))
            return false;
        at = find_special(address, false);
    }
    if (at == address.len)
        return refuse(check, "An email address must have an @-sign.");
    parts->local = until(address, at);
    parts->domain = from(address, at + 1);
    if (parts->local.len && parts->local.at[0] == '"')
        return refuse(check, "Quoting the part before the @-sign is not allowed here.");
    return true;
}

static bool normalise(struct check *check, struct text input, struct text *normal)
{
    struct parts parts;
    struct text local = TEXT_NULL, domain = TEXT_NULL, ascii = TEXT_NULL;

    if (!split(check, input, &parts) || !normalise_local(check, parts.local, &local) ||
        !normalise_domain(check, parts.domain, &domain, &ascii) ||
        !check_original_length(check, parts.local, parts.domain) ||
        !check_length(check, local, domain, "after normalization") ||
        !check_length(check, local, ascii, "when the part after the @-sign is converted to IDNA ASCII"))
        return false;
    if (parts.named)
        return refuse(check, "A display name and angle brackets around the email address are not permitted "
                             "here.");
    char *at = arena_alloc(check->arena, local.len + 1 + domain.len);
    if (!at)
        return refuse(check, NULL);
    memcpy(at, local.at, local.len);
    at[local.len] = '@';
    memcpy(at + local.len + 1, domain.at, domain.len);
    *normal = (struct text){at, local.len + 1 + domain.len};
    return true;
}

static bool is_name_character(uint32_t c)
{
    if (c < 0x80)
        return is_of(c, ATEXT);
    return unicode_category(c)[0] == 'L' || unicode_category(c)[0] == 'N';
}

/* Where the `<` is that follows a name without quotes, or none; the length where there is none. */
static size_t after_plain_name(struct text t)
{
    for (struct text rest = t; rest.len;) {
        size_t at = t.len - rest.len;
        uint32_t c = unicode_next(&rest);
        if (c == '<')
            return at;
        if (!is_name_character(c) && !unicode_is_space(c))
            break;
    }
    return t.len;
}

/* The same after a name in quotes, the longest that can be. */
static size_t after_quoted_name(struct text t)
{
    for (size_t quote = t.len - 1; quote > 1; quote--) {
        if (t.at[quote] != '"')
            continue;
        struct text rest = unicode_trimmed(from(t, quote + 1));
        if (rest.len > 2 && rest.at[0] == '<' && !memchr(rest.at, '\n', rest.len))
            return (size_t)(rest.at - t.at);
    }
    return t.len;
}

/* The address in `Name <address>` as Pydantic finds it, or else the text, trimmed. */
static struct text address_of(struct text input)
{
    struct text t = unicode_trimmed(input);

    if (last_of(t) != '>')
        return t;
    size_t bracket = t.at[0] == '"' ? after_quoted_name(t) : after_plain_name(t);
    if (bracket == t.len)
        return t;
    struct text address = until(from(t, bracket + 1), t.len - bracket - 2);
    return address.len && !memchr(address.at, '\n', address.len) ? unicode_trimmed(address) : t;
}

bool email_normalise(struct arena *arena, struct text input, struct text *normal, const char **reason)
{
    struct check check = {.arena = arena};
    bool good;

    if (input.len > INPUT_LIMIT && text_code_points(input) > INPUT_LIMIT)
        good = refuse(&check, "Length must not exceed 2048 characters");
    else
        good = normalise(&check, address_of(input), normal);
    if (!good)
        *reason = check.reason;
    return good;
}
