#include "common/pg/url.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

#define OPTION_WORDS 8   /* values that an option may have, the NULL after the last included */
#define ITEM_MAX     255 /* bytes of a name of a host (RFC 1035, section 2.3.4) */

/* Options whose values libpq checks only when it connects. */
static const struct choice {
    const char *option;
    const char *values[OPTION_WORDS];
    const char *fault;
} choices[] = {
    {"sslmode",
     {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
     "has an unknown sslmode"},
    {"target_session_attrs",
     {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
     "has unknown target_session_attrs"},
    {"gssencmode", {"disable", "prefer", "require"}, "has an unknown gssencmode"},
    {"channel_binding", {"disable", "prefer", "require"}, "has an unknown channel_binding"},
    {"load_balance_hosts", {"disable", "random"}, "has an unknown load_balance_hosts"},
    {"ssl_min_protocol_version",
     {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
     "has an unknown ssl_min_protocol_version"},
    {"ssl_max_protocol_version",
     {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"},
     "has an unknown ssl_max_protocol_version"},
    {"sslnegotiation", {"postgres", "direct"}, "has an unknown sslnegotiation"},
    {"sslcertmode", {"disable", "allow", "require"}, "has an unknown sslcertmode"},
    {"sslcompression", {"0", "1"}, "has an sslcompression other than 0 and 1"},
    {"sslsni", {"0", "1"}, "has an sslsni other than 0 and 1"},
};

/* Options that are whole numbers. */
static const char *const numbers[] = {"connect_timeout",     "keepalives",       "keepalives_idle",
                                      "keepalives_interval", "keepalives_count", "tcp_user_timeout"};

static bool is_number(const char *value, long low, long high)
{
    char *end;
    long n = strtol(value, &end, 10);

    return end != value && *end == '\0' && n >= low && n <= high && value[strspn(value, " \t")] == value[0];
}

static bool is_address(const char *value)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, value, address) == 1 || inet_pton(AF_INET6, value, address) == 1;
}

/*
 * A name, an address, or the path of a socket. After an @ in a password that is not percent-encoded, libpq
 * takes the rest of the password for the beginning of the host, which would then be looked up.
 */
static bool is_host(const char *value)
{
    return value[0] == '/' || value[0] == '@' || !strchr(value, '@');
}

static bool is_port(const char *value)
{
    return is_number(value, 1, 65535);
}

/* How many items a comma-separated list has; 0 if `good` refuses one that is not empty. */
static size_t count_items(const char *list, bool (*good)(const char *item))
{
    char item[ITEM_MAX + 1];
    size_t count = 0;

    for (const char *at = list;; at++) {
        size_t len = strcspn(at, ",");
        if (good && len) {
            if (len >= sizeof(item))
                return 0;
            memcpy(item, at, len);
            item[len] = '\0';
            if (!good(item))
                return 0;
        }
        count++;
        at += len;
        if (!*at)
            return count;
    }
}

static const char *value_of(const PQconninfoOption *options, const char *name)
{
    for (; options->keyword; options++)
        if (strcmp(options->keyword, name) == 0)
            return options->val && *options->val ? options->val : NULL;
    return NULL;
}

static const char *hosts_fault(const PQconninfoOption *options)
{
    const char *hosts = value_of(options, "host"), *addresses = value_of(options, "hostaddr");
    const char *ports = value_of(options, "port");
    const char *names = addresses ? addresses : hosts;
    size_t count = names ? count_items(names, NULL) : 1;

    if (hosts && !count_items(hosts, is_host))
        return "has a host that cannot be one: an @ in the user or password must be percent-encoded (%40)";
    if (ports && !count_items(ports, is_port))
        return "has a port that is not a number from 1 to 65535";
    if (addresses && !count_items(addresses, is_address))
        return "has a hostaddr that is not an IP address";
    if (addresses && hosts && count_items(hosts, NULL) != count)
        return "has a different number of hosts and hostaddrs";
    if (ports && count_items(ports, NULL) != 1 && count_items(ports, NULL) != count)
        return "has a different number of ports and hosts";
    return NULL;
}

static const char *choices_fault(const PQconninfoOption *options)
{
    for (size_t i = 0; i < COUNT(choices); i++) {
        const char *value = value_of(options, choices[i].option);
        bool known = !value;
        for (size_t k = 0; !known && choices[i].values[k]; k++)
            known = strcmp(value, choices[i].values[k]) == 0;
        if (!known)
            return choices[i].fault;
    }
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const char *value = value_of(options, numbers[i]);
        if (value && !is_number(value, -1, INT_MAX))
            return "has a time or count that is not a whole number";
    }
    return NULL;
}

/* Takes the driver out of `postgresql+driver://…`; false when memory is exhausted. */
static bool drop_driver(const char **url)
{
    const char *separator = strstr(*url, "://");
    const char *plus = memchr(*url, '+', separator ? (size_t)(separator - *url) : 0);
    size_t scheme = plus ? (size_t)(plus - *url) : 0;

    if (!plus || (strncmp(*url, "postgresql", scheme) != 0 && strncmp(*url, "postgres", scheme) != 0) ||
        scheme < strlen("postgres"))
        return true;
    char *plain;
    if (asprintf(&plain, "postgresql%s", separator) < 0)
        return false;
    *url = plain;
    return true;
}

static const char *fault_of(const char *url)
{
    char *said = NULL;

    if (strncmp(url, "postgresql://", 13) != 0 && strncmp(url, "postgres://", 11) != 0)
        return "does not begin with postgresql://";
    if (text_has_control(text_of(url)))
        return "has a line break or another control character";
    PQconninfoOption *options = PQconninfoParse(url, &said);
    PQfreemem(said); /* it repeats the URL */
    if (!options)
        return "is not a URL that libpq reads: an unknown option, or a character of the user or password "
               "that must be percent-encoded";
    /* libpq would look up its hosts by itself, on the loop; those of PGSERVICE are known before. */
    const char *fault = value_of(options, "service") ? "has a service: name it in PGSERVICE instead" : NULL;
    if (!fault)
        fault = hosts_fault(options);
    if (!fault)
        fault = choices_fault(options);
    PQconninfoFree(options);
    return fault;
}

const char *pg_url_fault(const char **url)
{
    const char *plain = *url;

    if (!drop_driver(&plain))
        return "cannot be read: no memory";
    const char *fault = fault_of(plain);
    if (!fault)
        *url = plain;
    else if (plain != *url)
        free((char *)(uintptr_t)plain);
    return fault;
}

const char *pg_url_user(struct arena *arena, const char *url)
{
    PQconninfoOption *given = PQconninfoParse(url, NULL), *defaults = PQconndefaults();
    const char *user = given ? value_of(given, "user") : NULL;

    if (!user && defaults)
        user = value_of(defaults, "user");
    user = user ? arena_printf(arena, "%s", user) : NULL;
    PQconninfoFree(given);
    PQconninfoFree(defaults);
    return user;
}
