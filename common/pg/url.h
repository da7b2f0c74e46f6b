/*
 * URLs of databases, checked before anything connects.
 */
#ifndef COMMON_PG_URL_H
#define COMMON_PG_URL_H

#include "common/base/arena.h"
#include "common/base/declare.h"

/*
 * Checks a database's URL by libpq's rules (its manual, section "Connection URIs"), the values of its options
 * included. SQLAlchemy's spelling with a driver, `postgresql+psycopg2://`, is accepted: `*url` is replaced by
 * libpq's spelling, in memory that lives as long as the process. The result is what is wrong, as the end of a
 * sentence that begins with the name of a setting, or NULL. It repeats nothing of the URL, which may contain
 * a password, nor of libpq's message, which repeats the URL. A static text. Does not wait.
 */
const char *pg_url_fault(const char **url) MUST_CHECK;

/* The role that a checked URL, or libpq's environment, names; NULL: none, or no memory. In the arena. */
const char *pg_url_user(struct arena *arena, const char *url) MUST_CHECK;

#endif
