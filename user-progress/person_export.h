/*
 * The export of a person: everything that the three services have about a user, as lines of JSON.
 *
 * Rows are read page by page, here and from the other two services, no faster than the client takes them;
 * between two pages nothing is held.
 */
#ifndef USER_PROGRESS_PERSON_EXPORT_H
#define USER_PROGRESS_PERSON_EXPORT_H

#include "common/table/api.h"

handler_fn person_export;

extern const struct shape person_line_shape;

#endif
