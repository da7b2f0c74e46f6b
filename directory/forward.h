/* Forwarding to User Progress: `/users/…` and `/labs/…` on the other two services, with any method. */
#ifndef DIRECTORY_FORWARD_H
#define DIRECTORY_FORWARD_H

#include "common/table/api.h"

/* The paths that belong to User Progress, for a service's api. */
extern const struct forwarding directory_forwarding;

/*
 * Sends a request to User Progress as it is, and its answer back to the client: status, relevant headers,
 * body. Waits.
 */
handler_fn forward;

#endif
