/*
 * Users and labs: their shapes and endpoints, which all three services show, and the structs behind them.
 */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include "common/shape/shape.h"
#include "common/table/api.h"

struct user_in {
    struct text username, full_name, email, id;
    bool full_name_sent;
};

struct user {
    struct text username, full_name, email, id;
    struct moment created_at, last_active;
};

struct lab_in {
    struct text name, description, lab_type, difficulty, id;
};

struct lab {
    struct text name, description, lab_type, difficulty, id;
    struct moment created_at, updated_at;
};

struct page {
    int64_t skip, limit;
    int8_t total;
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

/*
 * The rows of /users/… and /labs/… in a table of endpoints: User Progress names its handlers, the services
 * that forward them mark them so.
 */
#define USER_TAKEN                                                                                           \
    {400, "Email already registered"},                                                                       \
    {                                                                                                        \
        400, "Username already taken"                                                                        \
    }
#define NO_USER                                                                                              \
    {                                                                                                        \
        404, "User not found"                                                                                \
    }
#define NO_LAB                                                                                               \
    {                                                                                                        \
        404, "Lab not found"                                                                                 \
    }

#define USERS_ENDPOINTS(mark, create, list, get, update, delete)                                             \
    {.method = METHOD_POST,                                                                                  \
     .path = "/users/",                                                                                      \
     .tag = "Users",                                                                                         \
     .summary = "Create a user",                                                                             \
     .body_in = &user_create_shape,                                                                          \
     .answer = &user_shape,                                                                                  \
     .failures = {USER_TAKEN, {400, "User id already exists"}},                                              \
     .flags = (mark) | ENDPOINT_CREATES,                                                                     \
     .handle = (create)},                                                                                    \
        {.method = METHOD_GET,                                                                               \
         .path = "/users/",                                                                                  \
         .tag = "Users",                                                                                     \
         .summary = "List users",                                                                            \
         .help = "By the time they were made.",                                                              \
         .query_in = &page_shape,                                                                            \
         .answer = &user_shape,                                                                              \
         .flags = (mark) | ENDPOINT_LIST | ENDPOINT_REPORT,                                                  \
         .handle = (list)},                                                                                  \
        {.method = METHOD_GET,                                                                               \
         .path = "/users/{user_id}",                                                                         \
         .tag = "Users",                                                                                     \
         .summary = "Get a user",                                                                            \
         .path_in = &user_id_shape,                                                                          \
         .answer = &user_shape,                                                                              \
         .failures = {NO_USER},                                                                              \
         .flags = (mark) | ENDPOINT_TAGGED,                                                                  \
         .handle = (get)},                                                                                   \
        {.method = METHOD_PUT,                                                                               \
         .path = "/users/{user_id}",                                                                         \
         .tag = "Users",                                                                                     \
         .summary = "Update a user",                                                                         \
         .path_in = &user_id_shape,                                                                          \
         .body_in = &user_update_shape,                                                                      \
         .answer = &user_shape,                                                                              \
         .failures = {USER_TAKEN, NO_USER},                                                                  \
         .flags = (mark),                                                                                    \
         .handle = (update)},                                                                                \
    {                                                                                                        \
        .method = METHOD_DELETE, .path = "/users/{user_id}", .tag = "Users", .summary = "Delete a user",     \
        .help = "What the user did stays: it is history.", .path_in = &user_id_shape,                        \
        .answer = &message_shape, .failures = {NO_USER}, .flags = (mark), .handle = (delete)                 \
    }

#define LABS_ENDPOINTS(mark, create, list, get, list_of_type, update, delete)                                \
    {.method = METHOD_POST,                                                                                  \
     .path = "/labs/",                                                                                       \
     .tag = "Labs",                                                                                          \
     .summary = "Create a lab",                                                                              \
     .body_in = &lab_create_shape,                                                                           \
     .answer = &lab_shape,                                                                                   \
     .failures = {{400, "Lab name already exists"}, {400, "Lab id already exists"}},                         \
     .flags = (mark) | ENDPOINT_CREATES,                                                                     \
     .handle = (create)},                                                                                    \
        {.method = METHOD_GET,                                                                               \
         .path = "/labs/",                                                                                   \
         .tag = "Labs",                                                                                      \
         .summary = "List labs",                                                                             \
         .help = "By the time they were made.",                                                              \
         .query_in = &page_shape,                                                                            \
         .answer = &lab_shape,                                                                               \
         .flags = (mark) | ENDPOINT_LIST | ENDPOINT_REPORT,                                                  \
         .handle = (list)},                                                                                  \
        {.method = METHOD_GET,                                                                               \
         .path = "/labs/{lab_id}",                                                                           \
         .tag = "Labs",                                                                                      \
         .summary = "Get a lab",                                                                             \
         .path_in = &lab_id_shape,                                                                           \
         .answer = &lab_shape,                                                                               \
         .failures = {NO_LAB},                                                                               \
         .flags = (mark) | ENDPOINT_TAGGED,                                                                  \
         .handle = (get)},                                                                                   \
        {.method = METHOD_GET,                                                                               \
         .path = "/labs/type/{lab_type}",                                                                    \
         .tag = "Labs",                                                                                      \
         .summary = "List the labs of a type",                                                               \
         .path_in = &lab_type_shape,                                                                         \
         .answer = &lab_shape,                                                                               \
         .flags = (mark) | ENDPOINT_LIST | ENDPOINT_REPORT,                                                  \
         .handle = (list_of_type)},                                                                          \
        {.method = METHOD_PUT,                                                                               \
         .path = "/labs/{lab_id}",                                                                           \
         .tag = "Labs",                                                                                      \
         .summary = "Update a lab",                                                                          \
         .path_in = &lab_id_shape,                                                                           \
         .body_in = &lab_update_shape,                                                                       \
         .answer = &lab_shape,                                                                               \
         .failures = {{400, "Lab name already exists"}, NO_LAB},                                             \
         .flags = (mark),                                                                                    \
         .handle = (update)},                                                                                \
    {                                                                                                        \
        .method = METHOD_DELETE, .path = "/labs/{lab_id}", .tag = "Labs", .summary = "Delete a lab",         \
        .help = "What was done in it stays: it is history.", .path_in = &lab_id_shape,                       \
        .answer = &message_shape, .failures = {NO_LAB}, .flags = (mark), .handle = (delete)                  \
    }

#endif
