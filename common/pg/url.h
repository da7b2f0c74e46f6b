/*
 * URLs of databases, checked before anything connects.
 */
#ifndef COMMON_PG_URL_H
#define COMMON_PG_URL_H

#include "common/base/declare.h"

/*
 * Checks a database's URL as libpq reads it (its manual, section "Connection URIs"), the values of its
 * options included. SQLAlchemy's spelling with a driver, `postgresql+psycopg2://`, is understood: `*url`
 * becomes libpq's own, in memory that lives as long as the process. What is wrong with it is told as the end
 * of a sentence that begins with the name of a setting; NULL where it is good. It never repeats anything of
 * the URL, which holds a password, nor what libpq says of it, which does. A static text. Does not wait.
 */
const char *pg_url_fault(const char **url) MUST_CHECK;

#endif
