/*
 * Lookups where User Progress is the original: one plain GET each.
 */
#ifndef DIRECTORY_LOOKUP_PLAIN_H
#define DIRECTORY_LOOKUP_PLAIN_H

#include <stdint.h>

#include "common/http/client.h"
#include "directory/lookup.h"

/* Asks one after the other; false when something cannot be known. Waits. */
bool lookup_plain(struct request *rq, int64_t deadline, const struct text *user_ids, size_t user_count,
                  struct known_user *users, const struct text *lab_types, size_t lab_count,
                  struct known_lab *labs);

/* The headers that go along with every call of our own to User Progress: id, trace, the token of the
 * services. */
void lookup_own_headers(struct client_call *call, struct request *rq);

#endif
