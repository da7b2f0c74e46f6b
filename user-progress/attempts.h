/* Lab attempts: what a user did in a lab, and with what result. */
#ifndef USER_PROGRESS_ATTEMPTS_H
#define USER_PROGRESS_ATTEMPTS_H

#include "common/table/api.h"
#include "user-progress/person_rows.h"

handler_fn attempts_record, attempts_record_many, attempts_get, attempts_list_all, attempts_export,
    attempts_list, attempts_update, attempts_delete;

extern const struct shape attempt_in_shape, attempt_item_shape, attempt_shape, attempt_path_shape,
    attempts_query_shape, attempts_page_shape, attempts_export_shape, listed_attempt_shape;

/* A user's attempts in the export of a person. */
extern const struct person_rows attempts_of_person;

#endif
