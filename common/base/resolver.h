/*
 * Names of hosts to addresses, off the loop.
 *
 * getaddrinfo blocks, for many seconds if a name server does not answer. Here each question has a thread of
 * its own, at most one per name and RESOLVER_NAMES in all, and the loop learns the answer through an eventfd.
 * Addresses are kept: ones older than RESOLVER_FRESH are still given at once, and looked up again meanwhile,
 * so that a silent name server delays no request for a name that was known before; an answer that the name
 * does not exist drops them. A resolver belongs to one loop.
 */
#ifndef COMMON_BASE_RESOLVER_H
#define COMMON_BASE_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/loop.h"

#define RESOLVER_NAMES       32           /* that one resolver keeps */
#define RESOLVER_ADDRESSES   8            /* of one name; further ones are left out */
#define RESOLVER_ADDRESS_MAX 46           /* bytes of a printed address with its end */
#define RESOLVER_NAME_MAX    255          /* bytes of a name (RFC 1035, section 2.3.4) */
#define RESOLVER_FRESH       (SECOND / 2) /* addresses of this age are not asked for again */

struct resolver;

/* What a name stands for, in the order in which the addresses are to be tried. */
struct addresses {
    size_t count;
    unsigned version; /* changes whenever the addresses do; from 1 */
    char text[RESOLVER_ADDRESSES][RESOLVER_ADDRESS_MAX];
};

/* A question. It must stay at its address until it is answered or withdrawn. */
struct resolver_question {
    /*
     * NULL: the name does not exist, or that cannot be found out now. To be copied before the loop goes on.
     */
    const struct addresses *found;
    void (*done)(struct resolver_question *question); /* called by the loop */

    /* resolver.c's own */
    struct resolver_question *next;
    struct resolver_name *name;
};

/* NULL when there is no memory or descriptor. */
struct resolver *resolver_open(struct loop *loop);

/*
 * Drops the open questions without calling back; threads that wait for a name server end by themselves. NULL
 * is allowed.
 */
void resolver_close(struct resolver *resolver);

/* Whether a host is written as an IPv4 or IPv6 address, so that there is nothing to look up. */
bool resolver_is_address(const char *host);

/*
 * Asks for a name's addresses. True: `found` says what is known now; `refresh` ignores what was known before,
 * for a caller that could not connect to it. False: `done` follows. Does not wait.
 */
bool resolver_ask(struct resolver *resolver, const char *name, bool refresh,
                  struct resolver_question *question);

/* Withdraws a question; harmless when it has been answered already. */
void resolver_withdraw(struct resolver_question *question);

#endif
