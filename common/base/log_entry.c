#include "common/base/log_entry.h"

#define END_MAX 2 /* bytes of `}\n`, which always fit */

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static void add(struct log_entry *entry, const char *bytes, size_t len)
{
    size_t room = LOG_ENTRY_MAX - END_MAX - entry->len;

    if (len > room)
        len = room;
    memcpy(entry->at + entry->len, bytes, len);
    entry->len += len;
}

/* Adds all of it or nothing: half an escape or half a character would make the line unreadable. */
static void add_whole(struct log_entry *entry, const char *bytes, size_t len)
{
    if (len <= LOG_ENTRY_MAX - END_MAX - entry->len)
        add(entry, bytes, len);
}

/* Whether a byte stands for itself in a JSON string and on a terminal. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void add_escaped(struct log_entry *entry, struct text value)
{
    for (size_t i = 0; i < value.len;) {
        size_t run = i;
        while (run < value.len && is_plain((unsigned char)value.at[run]))
            run++;
        add(entry, value.at + i, run - i);
        i = run;
        if (i == value.len)
            return;
        char c = value.at[i];
        size_t sequence = text_sequence(value, i);
        bool control = (unsigned char)c < 0x20 || c == 0x7f ||
                       (sequence == 2 && (unsigned char)c == 0xc2 && (unsigned char)value.at[i + 1] < 0xa0);
        if (control || sequence == 0)
            add(entry, " ", 1);
        else if (sequence == 1 && !entry->plain)
            add_whole(entry, c == '"' ? "\\\"" : "\\\\", 2);
        else
            add_whole(entry, value.at + i, sequence);
        i += sequence ? sequence : 1;
    }
}

/* Adds the name of a member and the punctuation before its value. */
static void add_name(struct log_entry *entry, const char *name)
{
    add(entry, entry->plain ? " " : ",\"", entry->plain ? 1 : 2);
    add(entry, name, strlen(name));
    add(entry, entry->plain ? "=" : "\":", entry->plain ? 1 : 2);
}

static void add_quote(struct log_entry *entry)
{
    if (!entry->plain)
        add(entry, "\"", 1);
}

/* Whether a name and a value of `len` bytes still fit. */
static bool fits(const struct log_entry *entry, const char *name, size_t len)
{
    return entry->len + strlen(name) + len + 8 < LOG_ENTRY_MAX - END_MAX;
}

struct log_entry log_entry_start(char *room, bool plain, struct text time, enum log_level level,
                                 const char *service, struct text event)
{
    struct log_entry entry = {room, 0, plain};

    if (plain) {
        add(&entry, time.at, time.len);
        add(&entry, " ", 1);
        add(&entry, level_names[level], strlen(level_names[level]));
        add(&entry, " ", 1);
        add(&entry, service, strlen(service));
        add(&entry, ": ", 2);
        add_escaped(&entry, event);
        return entry;
    }
    add(&entry, "{\"time\":\"", 9);
    add(&entry, time.at, time.len);
    add(&entry, "\"", 1);
    log_entry_text(&entry, "level", text_of(level_names[level]));
    log_entry_text(&entry, "service", text_of(service));
    log_entry_text(&entry, "event", event);
    return entry;
}

void log_entry_text(struct log_entry *entry, const char *name, struct text value)
{
    if (!value.at || !fits(entry, name, 0))
        return;
    add_name(entry, name);
    add_quote(entry);
    size_t room = LOG_ENTRY_MAX - END_MAX - 1 - entry->len; /* the closing quote's */
    add_escaped(entry, value.len < room / 2 ? value : (struct text){value.at, room / 2});
    add_quote(entry);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '(' || c == ')' || c == '<' || c == '>';
}

/* An address has an @ or its percent-encoding; a JWT begins with a base64url `{"`. */
static bool is_secret(struct text word)
{
    return memchr(word.at, '@', word.len) || memmem(word.at, word.len, "%40", 3) ||
           memmem(word.at, word.len, "eyJ", 3);
}

void log_entry_masked(struct log_entry *entry, const char *name, struct text value)
{
    if (!value.at || !is_secret(value)) {
        log_entry_text(entry, name, value);
        return;
    }
    if (!fits(entry, name, 2 * value.len))
        return;
    add_name(entry, name);
    add_quote(entry);
    for (size_t i = 0; i < value.len;) {
        size_t end = i;
        while (end < value.len && is_space(value.at[end]) == is_space(value.at[i]))
            end++;
        struct text word = {value.at + i, end - i};
        add_escaped(entry, is_secret(word) ? TEXT("***") : word);
        i = end;
    }
    add_quote(entry);
}

/* Digits from the right; returns how many there are. */
static size_t digits_print(char *out, uint64_t n, size_t least)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n || sizeof(digits) - at < least);
    memcpy(out, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

size_t milliseconds_print(char *out, int64_t nanoseconds)
{
    uint64_t microseconds = nanoseconds > 0 ? (uint64_t)nanoseconds / 1000 : 0;
    size_t len = digits_print(out, microseconds / 1000, 1);

    out[len++] = '.';
    return len + digits_print(out + len, microseconds % 1000, 3);
}

void log_entry_int(struct log_entry *entry, const char *name, int64_t n)
{
    char digits[24] = "-";
    size_t sign = n < 0;

    if (!fits(entry, name, sizeof(digits)))
        return;
    add_name(entry, name);
    add(entry, digits, sign + digits_print(digits + sign, n < 0 ? -(uint64_t)n : (uint64_t)n, 1));
}

void log_entry_milliseconds(struct log_entry *entry, const char *name, int64_t nanoseconds)
{
    char digits[MILLISECONDS_MAX];

    if (!fits(entry, name, sizeof(digits)))
        return;
    add_name(entry, name);
    add(entry, digits, milliseconds_print(digits, nanoseconds));
}

size_t log_entry_end(struct log_entry *entry)
{
    memcpy(entry->at + entry->len, entry->plain ? "\n" : "}\n", entry->plain ? 1 : 2);
    return entry->len + (entry->plain ? 1 : 2);
}
