#include "common/pg/hosts.h"

#include <libpq-fe.h>
#include <string.h>

#define ITEMS_MAX (HOSTS_MAX * RESOLVER_ADDRESSES)

/* One address of a host, or a host that needs no lookup. */
struct item {
    const char *name, *address, *port;
};

/* Reading */

/* Splits a comma-separated list into at most HOSTS_MAX items; how many, 0 if memory is exhausted. */
static size_t split(struct arena *arena, const char *list, const char *items[static HOSTS_MAX])
{
    char *copy = arena_string(arena, text_of(list));
    size_t count = 0;

    while (copy && count < HOSTS_MAX) {
        items[count++] = copy;
        copy = strchr(copy, ',');
        if (copy)
            *copy++ = '\0';
    }
    return count;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

/* The options of a URL and of the environment; one of the URL wins, even if it is empty, as in libpq. */
struct sources {
    PQconninfoOption *url, *defaults;
};

static size_t read_list(struct arena *arena, const struct sources *from, const char *keyword,
                        const char *items[static HOSTS_MAX])
{
    const char *given = value_of(from->url, keyword);
    const char *value = given ? given : value_of(from->defaults, keyword);

    return value && *value ? split(arena, value, items) : 0;
}

static bool read_url(struct hosts *hosts, struct arena *arena, const char *url)
{
    /* The message of the first may contain the password. No URL has a service (url.c). */
    struct sources from = {PQconninfoParse(url, NULL), PQconndefaults()};
    const char *names[HOSTS_MAX], *addresses[HOSTS_MAX], *ports[HOSTS_MAX];

    hosts->count = hosts->unanswered = 0;
    if (!from.url) {
        PQconninfoFree(from.defaults);
        return false;
    }
    size_t name_count = read_list(arena, &from, "host", names);
    size_t address_count = read_list(arena, &from, "hostaddr", addresses);
    size_t port_count = read_list(arena, &from, "port", ports);
    PQconninfoFree(from.url);
    PQconninfoFree(from.defaults);
    hosts->count = name_count ? name_count : address_count;
    for (size_t i = 0; i < hosts->count; i++) {
        struct host *host = &hosts->list[i];
        *host = (struct host){.hosts = hosts};
        host->name = i < name_count ? names[i] : "";
        host->address = i < address_count ? addresses[i] : "";
        host->port = i < port_count ? ports[i] : port_count == 1 ? ports[0] : "";
        /* A path or an abstract name is a Unix socket. */
        host->needs_address =
            !*host->address && *host->name && !strchr("/@", *host->name) && !resolver_is_address(host->name);
    }
    return true;
}

bool hosts_read(struct hosts *hosts, struct arena *arena, const char *url)
{
    if (!read_url(hosts, arena, url))
        return false;
    for (size_t i = 0; i < hosts->count; i++)
        hosts->list[i].needs_address = false;
    return true;
}

/* Looking up */

static void answered(struct resolver_question *question)
{
    struct host *host = container_of(question, struct host, question);

    if (question->found)
        host->found = *question->found;
    if (--host->hosts->unanswered == 0)
        host->hosts->known(host->hosts);
}

enum hosts_status hosts_look_up(struct hosts *hosts, struct resolver *resolver, struct arena *arena,
                                const char *url)
{
    if (!read_url(hosts, arena, url))
        return HOSTS_FAILED;
    for (size_t i = 0; i < hosts->count; i++) {
        struct host *host = &hosts->list[i];
        if (!host->needs_address)
            continue;
        host->question.done = answered;
        if (!resolver_ask(resolver, host->name, false, &host->question))
            hosts->unanswered++;
        else if (host->question.found)
            host->found = *host->question.found;
    }
    return hosts->unanswered ? HOSTS_ASKED : HOSTS_KNOWN;
}

void hosts_forget(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        resolver_withdraw(&hosts->list[i].question);
    hosts->unanswered = 0;
}

/* Listing */

static size_t list_items(const struct hosts *hosts, struct item items[static ITEMS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < hosts->count; i++) {
        const struct host *host = &hosts->list[i];
        if (!host->needs_address)
            items[count++] = (struct item){host->name, host->address, host->port};
        for (size_t a = 0; a < host->found.count; a++)
            items[count++] = (struct item){host->name, host->found.text[a], host->port};
    }
    return count;
}

bool hosts_list(const struct hosts *hosts, struct arena *arena, unsigned turn, struct host_lists *lists)
{
    struct item items[ITEMS_MAX];
    size_t count = list_items(hosts, items);

    *lists = (struct host_lists){NULL, NULL, NULL};
    if (!hosts->count)
        return true;
    for (size_t i = 0; i < count; i++) {
        const struct item *item = &items[(turn + i) % count];
        const char *comma = i ? "," : "";
        lists->host = arena_printf(arena, "%s%s%s", i ? lists->host : "", comma, item->name);
        lists->hostaddr = arena_printf(arena, "%s%s%s", i ? lists->hostaddr : "", comma, item->address);
        lists->port = arena_printf(arena, "%s%s%s", i ? lists->port : "", comma, item->port);
        if (!lists->host || !lists->hostaddr || !lists->port)
            return false;
    }
    return count > 0;
}
