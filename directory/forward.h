/*
 * Forwarding to User Progress: `/users/…` and `/labs/…` on the other two services, whatever the method.
 */
#ifndef DIRECTORY_FORWARD_H
#define DIRECTORY_FORWARD_H

#include "common/table/api.h"

/* Whether a request's path belongs to User Progress. */
bool forward_takes(const struct request *rq);

/* Sends a request on as it is, and its answer back: status, the headers that matter, body. Waits. */
handler_fn forward;

#endif
