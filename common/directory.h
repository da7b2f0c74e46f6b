/*
 * Users and labs: their shapes, which all three services show, and the structs behind them.
 */
#ifndef COMMON_DIRECTORY_H
#define COMMON_DIRECTORY_H

#include "common/shape.h"

struct user_in {
    struct text username, full_name, email, id;
    bool full_name_sent;
};

struct user {
    struct text username, full_name, email, id;
    int64_t created_at, last_active;
};

struct lab_in {
    struct text name, description, lab_type, difficulty, id;
};

struct lab {
    struct text name, description, lab_type, difficulty, id;
    int64_t created_at, updated_at;
};

struct page {
    int64_t skip, limit;
};

/* Path parameters: one text each. */
struct key {
    struct text value;
};

extern const struct shape user_create_shape, user_update_shape, user_shape;
extern const struct shape lab_create_shape, lab_update_shape, lab_shape;
extern const struct shape page_shape;
extern const struct shape user_id_shape, lab_id_shape, lab_type_shape;
extern const struct shape message_shape; /* what a deletion answers */

#endif
