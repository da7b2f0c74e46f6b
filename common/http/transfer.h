/*
 * libcurl in a loop: used by client.c only, which decides when a call is made.
 *
 * A fixed number of transfers, each with at most one call; libcurl's sockets and its timer are watched by the
 * loop. Connections are kept alive and reused only for the same addresses.
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
    TRANSFER_NOT_SENT, /* there was no connection; nothing of the request was sent */
    TRANSFER_BROKEN,   /* whether the other side acted on the request is unknown */
};

/* Counts the memory of libcurl from then on; call it before any thread starts. */
void transfers_prepare_library(void);

/* `ended` is called by the loop; the call's transfer is free again by then. NULL: no memory. */
struct transfers *transfers_open(struct loop *loop, size_t count,
                                 void (*ended)(struct client_call *call, enum transfer_end how)) MUST_CHECK;

/* Cancels calls in progress without calling `ended`. NULL is allowed. */
void transfers_close(struct transfers *transfers);

/* Whether a transfer is free. */
bool transfers_idle(const struct transfers *transfers);

/*
 * Begins a call in a free transfer, to connect within `connect` milliseconds; false if it cannot be started.
 */
bool transfer_begin(struct transfers *transfers, struct client_call *call, int64_t connect) MUST_CHECK;

#endif
