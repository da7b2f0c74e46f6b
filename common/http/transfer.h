/*
 * libcurl in a loop: for client.c alone, which decides what is called when.
 *
 * A fixed number of transfers, each with at most one call; libcurl's sockets and its timer are watched by the
 * loop. Connections are kept alive and used again only for the addresses that they were made to.
 */
#ifndef COMMON_HTTP_TRANSFER_H
#define COMMON_HTTP_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"

struct client_call;
struct loop;
struct transfers;

/* How a call ended. */
enum transfer_end {
    TRANSFER_ANSWERED,
    TRANSFER_NOT_SENT, /* there was no connection; nothing of the request has left */
    TRANSFER_BROKEN,   /* nobody knows what the other side has done */
};

/* `ended` is called by the loop; the call's transfer is free again by then. NULL: no memory. */
struct transfers *transfers_open(struct loop *loop, size_t count,
                                 void (*ended)(struct client_call *call, enum transfer_end how)) MUST_CHECK;

/* Cancels what is on its way, without `ended`. NULL is fine. */
void transfers_close(struct transfers *transfers);

/* Whether one is free. */
bool transfers_idle(const struct transfers *transfers);

/* Begins a call in a free transfer, to connect within `connect` milliseconds; false when it cannot be begun.
 */
bool transfer_begin(struct transfers *transfers, struct client_call *call, int64_t connect) MUST_CHECK;

/* The host of a URL, as it is to be looked up, into `size` bytes; false: there is none, or it is longer. */
bool transfer_host(const char *url, char *host, size_t size) MUST_CHECK;

#endif
