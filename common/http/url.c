#include "common/http/url.h"

#include <arpa/inet.h>
#include <stddef.h>

#include "common/json/writer.h"

#define HOST_MAX 253 /* bytes of a name (RFC 1035, section 2.3.4) */
#define PORT_MAX 65535

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

/* Takes the longest prefix that consists of the characters. */
static struct text take(struct text *left, const char *characters)
{
    struct text taken = {left->at, 0};

    while (taken.len < left->len && strchr(characters, left->at[taken.len]))
        taken.len++;
    *left = (struct text){left->at + taken.len, left->len - taken.len};
    return taken;
}

static bool take_byte(struct text *left, char c)
{
    if (!left->len || left->at[0] != c)
        return false;
    *left = (struct text){left->at + 1, left->len - 1};
    return true;
}

static bool take_scheme(struct text *left, unsigned parts)
{
    struct text scheme = take(left, LETTERS DIGITS "+-.");

    if (!scheme.len || left->len < 3 || memcmp(left->at, "://", 3) != 0)
        return false;
    *left = (struct text){left->at + 3, left->len - 3};
    if (parts & URL_ORIGIN)
        return true;
    return (parts & URL_HTTP && text_equal_folded(scheme, TEXT("http"))) ||
           (parts & URL_HTTPS && text_equal_folded(scheme, TEXT("https")));
}

/* A name, or an IPv4 or bracketed IPv6 address. */
static bool take_host(struct text *left)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;

    if (!take_byte(left, '[')) {
        struct text host = take(left, LETTERS DIGITS "-._");
        return host.len && host.len <= HOST_MAX && host.at[0] != '.' && host.at[0] != '-' &&
               !memmem(host.at, host.len, "..", 2);
    }
    struct text host = take(left, "0123456789abcdefABCDEF:.");
    if (!take_byte(left, ']') || host.len >= sizeof(address))
        return false;
    memcpy(address, host.at, host.len);
    address[host.len] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

static bool take_port(struct text *left)
{
    int port = 0;

    if (!take_byte(left, ':'))
        return true;
    struct text digits = take(left, DIGITS);
    for (size_t i = 0; i < digits.len && port <= PORT_MAX; i++)
        port = port * 10 + (digits.at[i] - '0');
    return port > 0 && port <= PORT_MAX;
}

static bool is_printable(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.at[i] <= ' ' || t.at[i] > '~')
            return false;
    return true;
}

static const char *fault_of(struct text left, unsigned parts)
{
    if (!left.len)
        return "is empty";
    if (!is_printable(left))
        return "holds a space, a control character or a non-ASCII byte, which must be percent-encoded in a "
               "URL";
    if (!take_scheme(&left, parts))
        return parts & URL_ORIGIN ? "holds an entry that does not begin with a scheme such as https://"
               : parts & URL_HTTP ? "does not begin with http:// or https://"
                                  : "does not begin with https://";
    struct text rest = left;
    size_t authority = 0;
    while (authority < rest.len && !strchr("/?#", rest.at[authority]))
        authority++;
    if (memchr(rest.at, '@', authority))
        return "holds a user or a password, which is not allowed there";
    if (!take_host(&left))
        return "has no valid host";
    if (left.len && !strchr(":/?#", left.at[0]))
        return "has no valid host";
    if (!take_port(&left) || (left.len && !strchr("/?#", left.at[0])))
        return "has a port that is not a number from 1 to 65535";
    if (parts & URL_ORIGIN && left.len)
        return "holds an entry with something after its host and port: an origin has no path, not even /";
    if (memchr(left.at, '#', left.len))
        return "has a fragment";
    if (!(parts & URL_QUERY) && memchr(left.at, '?', left.len))
        return "has a query";
    return NULL;
}

static bool has_capital(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.at[i] >= 'A' && t.at[i] <= 'Z')
            return true;
    return false;
}

/* Whether a bracketed IPv6 address is in the form that browsers send: the shortest, without an IPv4 part. */
static bool is_shortest(struct text host)
{
    char address[INET6_ADDRSTRLEN], shortest[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    size_t len = host.len - 2;

    if (memchr(host.at, '.', host.len))
        return false;
    memcpy(address, host.at + 1, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1 &&
           inet_ntop(AF_INET6, &parsed, shortest, sizeof(shortest)) &&
           (strchr(shortest, '.') || strcmp(address, shortest) == 0);
}

/*
 * A valid origin that would match nothing, because browsers send another form of it (RFC 6454, section 6.2;
 * WHATWG URL, section 4.5). Only names of http and https have one form.
 */
static const char *form_fault(struct text origin)
{
    struct text left = origin, scheme = take(&left, LETTERS DIGITS "+-.");
    bool http = text_equal_folded(scheme, TEXT("http")), https = text_equal_folded(scheme, TEXT("https"));

    left = (struct text){left.at + 3, left.len - 3};
    struct text host = left;
    if (!take_host(&left))
        return NULL;
    host.len = (size_t)(left.at - host.at);
    if (has_capital(scheme) || ((http || https) && has_capital(host)))
        return "holds an entry with capital letters, while browsers send origins in small ones";
    if ((http && text_equal(left, TEXT(":80"))) || (https && text_equal(left, TEXT(":443"))))
        return "holds an entry with the default port of its scheme, which browsers leave out";
    if (left.len > 1 && left.at[1] == '0')
        return "holds an entry whose port begins with a zero, which browsers leave out";
    if (host.at[0] == '[' && !is_shortest(host))
        return "holds an entry with an IPv6 address that is not in the short form that browsers send";
    return NULL;
}

const char *url_fault(const char *url, unsigned parts)
{
    return fault_of(text_of(url), parts);
}

const char *url_origins_fault(const char *list)
{
    struct text left = text_of(list);

    while (left.len) {
        struct text entry = text_trimmed(text_take(&left, ','));
        if (!entry.len || text_equal(entry, TEXT("*")) || text_equal(entry, TEXT("null")))
            continue;
        const char *fault = fault_of(entry, URL_ORIGIN);
        if (!fault)
            fault = form_fault(entry);
        if (fault)
            return fault;
    }
    return NULL;
}

struct text url_base(const char *url)
{
    struct text base = text_of(url);

    while (base.len && base.at[base.len - 1] == '/')
        base.len--;
    return base;
}

bool url_is_segment(struct text t)
{
    return t.len && !text_equal(t, TEXT(".")) && !text_equal(t, TEXT(".."));
}

char *url_below(struct arena *arena, const char *base, const char *path, struct text segment)
{
    struct writer w = writer_start(arena);

    write_text(&w, url_base(base));
    write_text(&w, text_of(path));
    write_url(&w, segment, "");
    write_char(&w, '\0');
    return w.failed ? NULL : w.at;
}

bool url_host(const char *url, char *host, size_t size)
{
    struct text left = text_of(url);

    if (!take_scheme(&left, URL_HTTP | URL_HTTPS))
        return false;
    struct text taken = left;
    if (!take_host(&left))
        return false;
    taken.len = (size_t)(left.at - taken.at);
    if (taken.at[0] == '[')
        taken = (struct text){taken.at + 1, taken.len - 2};
    if (taken.len >= size)
        return false;
    memcpy(host, taken.at, taken.len);
    host[taken.len] = '\0';
    return true;
}
