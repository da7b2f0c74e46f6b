#include "common/email/email.h"

#include <stdint.h>

#include "common/email/check.h"
#include "common/email/domain.h"
#include "common/email/unicode.h"

#define INPUT_LIMIT 2048 /* code points, name and white space included: Pydantic's limit */
#define LOCAL_LIMIT 64   /* code points (RFC 5321, section 4.5.3.1.1, has octets) */

static bool not_local(uint32_t c, bool first)
{
    (void)first;
    return !class_has(LOCAL, c);
}

static bool not_in_a_name(uint32_t c, bool first)
{
    (void)first;
    return c != ' ' && (c >= 0x80 || !class_has(ATEXT, c));
}

static bool check_local(struct check *check, struct text local)
{
    if (!local.len)
        return check_refuse(check, "There must be something before the @-sign.");
    size_t length = text_code_points(local);
    if (length > LOCAL_LIMIT)
        return check_refuse(
            check, arena_printf(check->arena,
                                "The email address is too long before the @-sign (%zu character%s too many).",
                                length - LOCAL_LIMIT, plural(length - LOCAL_LIMIT)));
    if (!class_has_all(LOCAL, local) &&
        !check_characters(check, local, not_local, CHARACTERS_AS_SHOWN,
                          "The email address contains invalid characters before the @-sign"))
        return false;
    if (text_last(local) == '.')
        return check_refuse(check, "An email address cannot have a period immediately before the @-sign.");
    if (local.at[0] == '.')
        return check_refuse(check, "An email address cannot start with a period.");
    if (text_contains(local, ".."))
        return check_refuse(check, "An email address cannot have two periods in a row.");
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

static bool normalise_local(struct check *check, struct text local, struct text *normal)
{
    if (!check_local(check, local))
        return false;
    *normal = local;
    if (is_case_insensitive(local))
        *normal = text_lower_cased(check->arena, local);
    else if (!text_is_ascii(local))
        *normal = unicode_composed(check->arena, local);
    if (!normal->at)
        return check_refuse(check, NULL);
    if (text_equal(*normal, local) || check_local(check, *normal))
        return true;
    return check_refuse(
        check,
        check->reason ? arena_printf(check->arena, "After Unicode normalization: %s", check->reason) : NULL);
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

/*
 * Checks the length of the whole address as it was sent: how many characters are too many depends on which
 * are left out.
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
    return check_refuse(
        check,
        least == over
            ? arena_printf(check->arena, "The email address is too long (%zu character%s too many).", over,
                           plural(over))
            : arena_printf(check->arena, "The email address is too long (%zu-%zu character%s too many).",
                           least, over, plural(over)));
}

/* The same limit after a change that `when` names. */
static bool check_length(struct check *check, struct text local, struct text domain, const char *when)
{
    size_t length = local.len + 1 + domain.len;

    if (length <= EMAIL_LIMIT)
        return true;
    size_t over = length - EMAIL_LIMIT;
    return check_refuse(check,
                        arena_printf(check->arena, "The email address is too long %s (%zu byte%s too many).",
                                     when, over, plural(over)));
}

struct parts {
    struct text local, domain;
    bool named; /* there were angle brackets, perhaps with a name */
};

/* Whether the character combines with the next one, so that it is a different character. */
static bool is_composed(struct text t, size_t at)
{
    static const struct text solidus = TEXT("\xcc\xb8"); /* U+0338, which makes U+226E of `<` */

    return t.len - at > solidus.len && text_equal(text_until(text_from(t, at + 1), solidus.len), solidus);
}

/*
 * The position of the first `@`, or `<` if that counts, that is not in quotes; the length if there is none.
 */
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

/* Takes the address out of `name <address>` whose name Pydantic did not recognise. */
static bool split_name(struct check *check, struct text input, size_t bracket, struct text *address)
{
    struct text name = unicode_trimmed(text_until(input, bracket)), right = text_from(input, bracket + 1);

    if ((!name.len || name.at[0] != '"') &&
        !check_characters(check, name, not_in_a_name, CHARACTERS_AS_SHOWN,
                          "The display name contains invalid characters when not quoted"))
        return false;
    if (!memchr(right.at, '>', right.len))
        return check_refuse(check,
                            "An open angle bracket at the start of the email address has to be followed by a "
                            "close angle bracket at the end.");
    while (text_last(right) == ' ')
        right.len--;
    if (text_last(right) != '>')
        return check_refuse(check, "There can't be anything after the email address.");
    while (text_last(right) == '>')
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
        return check_refuse(check, "An email address must have an @-sign.");
    parts->local = text_until(address, at);
    parts->domain = text_from(address, at + 1);
    if (parts->local.len && parts->local.at[0] == '"')
        return check_refuse(check, "Quoting the part before the @-sign is not allowed here.");
    return true;
}

static bool normalise(struct check *check, struct text input, struct text *normal)
{
    struct parts parts = {TEXT_NULL, TEXT_NULL, false};
    struct text local = TEXT_NULL, domain = TEXT_NULL, ascii = TEXT_NULL;

    if (!split(check, input, &parts) || !normalise_local(check, parts.local, &local) ||
        !domain_normalise(check, parts.domain, &domain, &ascii) ||
        !check_original_length(check, parts.local, parts.domain) ||
        !check_length(check, local, domain, "after normalization") ||
        !check_length(check, local, ascii, "when the part after the @-sign is converted to IDNA ASCII"))
        return false;
    if (parts.named)
        return check_refuse(check,
                            "A display name and angle brackets around the email address are not permitted "
                            "here.");
    char *at = arena_printf(check->arena, "%.*s@%.*s", (int)local.len, local.at, (int)domain.len, domain.at);
    if (!at)
        return check_refuse(check, NULL);
    *normal = (struct text){at, local.len + 1 + domain.len};
    return true;
}

static bool is_name_character(uint32_t c)
{
    if (c < 0x80)
        return class_has(ATEXT, c);
    return unicode_category(c)[0] == 'L' || unicode_category(c)[0] == 'N';
}

/* The position of the `<` after a name without quotes, or after no name; the length if there is none. */
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

/* The same after a name in quotes, the longest possible. */
static size_t after_quoted_name(struct text t)
{
    for (size_t quote = t.len - 1; quote > 1; quote--) {
        if (t.at[quote] != '"')
            continue;
        struct text rest = unicode_trimmed(text_from(t, quote + 1));
        if (rest.len > 2 && rest.at[0] == '<' && !memchr(rest.at, '\n', rest.len))
            return (size_t)(rest.at - t.at);
    }
    return t.len;
}

/* The address in `Name <address>` as Pydantic finds it, otherwise the whole text; trimmed. */
static struct text address_of(struct text input)
{
    struct text t = unicode_trimmed(input);

    if (text_last(t) != '>')
        return t;
    size_t bracket = t.at[0] == '"' ? after_quoted_name(t) : after_plain_name(t);
    if (bracket == t.len)
        return t;
    struct text address = text_until(text_from(t, bracket + 1), t.len - bracket - 2);
    return address.len && !memchr(address.at, '\n', address.len) ? unicode_trimmed(address) : t;
}

bool email_normalise(struct arena *arena, struct text input, struct text *normal, const char **reason)
{
    struct check check = {.arena = arena};
    bool good;

    if (input.len > INPUT_LIMIT && text_code_points(input) > INPUT_LIMIT)
        good = check_refuse(&check, "Length must not exceed 2048 characters");
    else
        good = normalise(&check, address_of(input), normal);
    if (!good)
        *reason = check.reason;
    return good;
}
