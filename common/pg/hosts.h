/*
 * The hosts of a database and their addresses, which are looked up off the loop: libpq itself would block it
 * for as long as a name server is silent. They are those of the URL, or of libpq's environment (PGHOST,
 * PGHOSTADDR, PGPORT, PGSERVICE) where the URL names none.
 */
#ifndef COMMON_PG_HOSTS_H
#define COMMON_PG_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/resolver.h"

#define HOSTS_MAX 8 /* the most of a URL; further ones are not tried */

struct hosts;

struct host {
    struct resolver_question question;
    struct hosts *hosts;
    const char *name, *address, *port; /* empty: not given */
    bool needs_address;                /* the name is to be looked up */
    struct addresses found;
};

struct hosts {
    size_t count, unanswered;
    void (*known)(struct hosts *hosts);
    struct host list[HOSTS_MAX];
};

/* Lists with an item for each address, for libpq's settings of these names; NULL: libpq's own defaults. */
struct host_lists {
    const char *host, *hostaddr, *port;
};

enum hosts_status { HOSTS_KNOWN, HOSTS_ASKED, HOSTS_FAILED };

/*
 * Reads the hosts of a database into the arena and looks up their names. HOSTS_ASKED: the loop calls `known`
 * when all are answered. HOSTS_FAILED: no memory, or not a valid URL.
 */
enum hosts_status hosts_look_up(struct hosts *hosts, struct resolver *resolver, struct arena *arena,
                                const char *url) MUST_CHECK;

/*
 * The same without looking up any name: libpq does that, and blocks. False: no memory, or not a valid URL.
 */
bool hosts_read(struct hosts *hosts, struct arena *arena, const char *url) MUST_CHECK;

/* Withdraws open questions; `known` is not called. */
void hosts_forget(struct hosts *hosts);

/*
 * The lists of all addresses, beginning with number `turn`: libpq tries its hosts in order, but tries the
 * next only if a connection is refused. False: no memory, or no address was found for any host.
 */
bool hosts_list(const struct hosts *hosts, struct arena *arena, unsigned turn,
                struct host_lists *lists) MUST_CHECK;

#endif
