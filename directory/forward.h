/*
 * Forwarding to User Progress: `/users/…` and `/labs/…` on the other two services, whatever the method.
 */
#ifndef DIRECTORY_FORWARD_H
#define DIRECTORY_FORWARD_H

#include "common/table/api.h"

/* The paths of User Progress, for a service's api. */
extern const struct forwarding directory_forwarding;

/* Sends a request on as it is, and its answer back: status, the headers that matter, body. Waits. */
handler_fn forward;

#endif
