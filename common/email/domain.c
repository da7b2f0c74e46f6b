#include "common/email/domain.h"

#include "common/email/idna.h"

#define DOMAIN_LIMIT 253 /* octets as printed (RFC 1035, section 2.3.4) */
#define LABEL_LIMIT  63  /* octets (RFC 1035, section 2.3.1) */

static bool not_host(uint32_t c, bool first)
{
    (void)first;
    return !class_has(HOST, c);
}

/* The rules for periods and hyphens in a domain (RFC 952, RFC 1123, section 2.1). */
static bool check_punctuation(struct check *check, struct text domain)
{
    if (text_last(domain) == '.')
        return check_refuse(check, "An email address cannot end with a period.");
    if (domain.at[0] == '.')
        return check_refuse(check, "An email address cannot have a period immediately after the @-sign.");
    if (text_contains(domain, ".."))
        return check_refuse(check, "An email address cannot have two periods in a row.");
    if (text_last(domain) == '-')
        return check_refuse(check, "An email address cannot end with a hyphen.");
    if (domain.at[0] == '-')
        return check_refuse(check, "An email address cannot have a hyphen immediately after the @-sign.");
    if (text_contains(domain, ".-") || text_contains(domain, "-."))
        return check_refuse(check, "An email address cannot have a period and a hyphen next to each other.");
    return true;
}

static struct text next_label(struct text *rest)
{
    const char *dot = memchr(rest->at, '.', rest->len);
    struct text label = text_until(*rest, dot ? (size_t)(dot - rest->at) : rest->len);

    *rest = text_from(*rest, label.len + (dot != NULL));
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
            return check_refuse(check,
                                "An email address cannot have two letters followed by two dashes immediately "
                                "after the @-sign or after a period, except Punycode.");
    }
    return true;
}

static bool check_lengths(struct check *check, struct text domain, bool changed)
{
    if (domain.len > DOMAIN_LIMIT) {
        size_t over = domain.len - DOMAIN_LIMIT;
        return check_refuse(
            check, arena_printf(check->arena,
                                "The email address is too long after the @-sign (%zu %s%s too many%s).", over,
                                changed ? "byte" : "character", plural(over),
                                changed ? " after IDNA encoding" : ""));
    }
    while (domain.len) {
        struct text label = next_label(&domain);
        if (label.len > LABEL_LIMIT)
            return check_refuse(
                check, arena_printf(check->arena,
                                    "After the @-sign, periods cannot be separated by so many characters "
                                    "(%zu character%s too many).",
                                    label.len - LABEL_LIMIT, plural(label.len - LABEL_LIMIT)));
    }
    return true;
}

/* Checks the top-level domain: there must be one that is not reserved (RFC 6761, RFC 6762, RFC 7686). */
static bool check_top_level(struct check *check, struct text domain)
{
    static const struct text reserved[] = {TEXT("arpa"),      TEXT("invalid"), TEXT("local"),
                                           TEXT("localhost"), TEXT("onion"),   TEXT("test")};
    const char *dot = memrchr(domain.at, '.', domain.len);

    if (!dot)
        return check_refuse(check, "The part after the @-sign is not valid. It should have a period.");
    if (text_last(domain) < 'a' || text_last(domain) > 'z')
        return check_refuse(
            check, "The part after the @-sign is not valid. It is not within a valid top-level domain.");
    struct text top = text_from(domain, (size_t)(dot - domain.at) + 1);
    for (size_t i = 0; i < COUNT(reserved); i++)
        if (text_equal(top, reserved[i]))
            return check_refuse(
                check, "The part after the @-sign is a special-use or reserved name that cannot be used "
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
        return check_refuse(check, "The part after the @-sign is invalid (Label too long).");
    case IDNA_INVALID:
        return check_punctuation(check, domain) &&
               check_refuse(check, "The part after the @-sign is not valid IDNA.");
    case IDNA_NO_MEMORY:
        break;
    }
    return check_refuse(check, NULL);
}

/* `[1.2.3.4]` and the like: never accepted. */
static bool refuse_literal(struct check *check, struct text address)
{
    bool tagged = memchr(address.at, ':', address.len) != NULL;
    bool numeric = address.len > 0;

    for (size_t i = 0; i < address.len; i++)
        numeric = numeric && ((address.at[i] >= '0' && address.at[i] <= '9') || address.at[i] == '.');
    return check_refuse(check, tagged || numeric
                                   ? "A bracketed IP address after the @-sign is not allowed here."
                                   : "The part after the @-sign in brackets is not an IPv4 address and "
                                     "has no address literal tag.");
}

bool domain_normalise(struct check *check, struct text domain, struct text *normal, struct text *ascii)
{
    if (!domain.len)
        return check_refuse(check, "There must be something after the @-sign.");
    if (domain.at[0] == '[' && text_last(domain) == ']')
        return refuse_literal(check, text_until(text_from(domain, 1), domain.len - 2));
    if (!class_has_all(HOST, domain) &&
        !check_characters(check, domain, not_host, CHARACTERS_AS_SHOWN,
                          "The part after the @-sign contains invalid characters"))
        return false;
    if (text_is_ascii(domain)) {
        *normal = *ascii = text_lower_cased(check->arena, domain);
        if (!ascii->at)
            return check_refuse(check, NULL);
    } else if (!check_safe(check, domain) || !normalise_international(check, domain, ascii, normal)) {
        return false;
    }
    if (!check_punctuation(check, *ascii) || !check_reserved_hyphens(check, *ascii) ||
        !check_lengths(check, *ascii, !text_equal(*ascii, domain)) || !check_top_level(check, *ascii))
        return false;
    return !text_is_ascii(domain) || !has_encoded_label(*ascii) ||
           normalise_international(check, *ascii, ascii, normal);
}
