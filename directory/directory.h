/* Users and labs: their structs, shapes and endpoints, which all three services have. */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include "common/shape/shape.h"
#include "common/table/api.h"

struct user {
    struct text username, full_name, email, id;
    struct moment created_at, last_active;
    int8_t full_name_sent; /* 1: an update contains it */
};

struct lab {
    struct text name, description, lab_type, difficulty, id;
    struct moment created_at, updated_at;
};

struct page {
    int64_t skip, limit;
    int8_t total;
};

/* The parameter of a path. */
struct user_path {
    struct text user_id;
};

struct lab_path {
    struct text lab_id;
};

struct lab_type_path {
    struct text lab_type;
};

extern const struct shape user_create_shape, user_update_shape, user_shape;
extern const struct shape lab_create_shape, lab_update_shape, lab_shape;
extern const struct shape page_shape;
extern const struct shape user_path_shape, lab_path_shape, lab_type_path_shape;
extern const struct shape message_shape; /* the answer to a deletion */

/*
 * The rows for /users/… and /labs/… in a table of endpoints: User Progress gives them handlers, the other
 * services mark them as forwarded.
 */
#define EMAIL_TAKEN    FAILURE(400, "Email already registered")
#define USERNAME_TAKEN FAILURE(400, "Username already taken")
#define USER_ID_TAKEN  FAILURE(400, "User id already exists")
#define LAB_NAME_TAKEN FAILURE(400, "Lab name already exists")
#define LAB_ID_TAKEN   FAILURE(400, "Lab id already exists")
#define NO_USER        FAILURE(404, "User not found")
#define NO_LAB         FAILURE(404, "Lab not found")

#define USERS_ENDPOINTS(mark, create, list, get, update, delete)                                             \
    POST("/users/", create, "Users", "Create a user", .body_in = &user_create_shape, .answer = &user_shape,  \
         .flags = (mark) | ENDPOINT_CREATES, .failures = {EMAIL_TAKEN, USERNAME_TAKEN, USER_ID_TAKEN}),      \
        GET("/users/", list, "Users", "List users", .help = "By the time they were made.",                   \
            .query_in = &page_shape, .answer = &user_shape,                                                  \
            .flags = (mark) | ENDPOINT_LIST | ENDPOINT_REPORT),                                              \
        GET("/users/{user_id}", get, "Users", "Get a user", .path_in = &user_path_shape,                     \
            .answer = &user_shape, .flags = (mark) | ENDPOINT_TAGGED, .failures = {NO_USER}),                \
        PUT("/users/{user_id}", update, "Users", "Update a user", .path_in = &user_path_shape,               \
            .body_in = &user_update_shape, .answer = &user_shape, .flags = (mark),                           \
            .failures = {EMAIL_TAKEN, USERNAME_TAKEN, NO_USER}),                                             \
        DELETE("/users/{user_id}", delete, "Users", "Delete a user",                                         \
               .help = "What the user did stays: it is history.", .path_in = &user_path_shape,               \
               .answer = &message_shape, .flags = (mark), .failures = {NO_USER})

#define LABS_ENDPOINTS(mark, create, list, get, list_of_type, update, delete)                                \
    POST("/labs/", create, "Labs", "Create a lab", .body_in = &lab_create_shape, .answer = &lab_shape,       \
         .flags = (mark) | ENDPOINT_CREATES, .failures = {LAB_NAME_TAKEN, LAB_ID_TAKEN}),                    \
        GET("/labs/", list, "Labs", "List labs", .help = "By the time they were made.",                      \
            .query_in = &page_shape, .answer = &lab_shape,                                                   \
            .flags = (mark) | ENDPOINT_LIST | ENDPOINT_REPORT),                                              \
        GET("/labs/{lab_id}", get, "Labs", "Get a lab", .path_in = &lab_path_shape, .answer = &lab_shape,    \
            .flags = (mark) | ENDPOINT_TAGGED, .failures = {NO_LAB}),                                        \
        GET("/labs/type/{lab_type}", list_of_type, "Labs", "List the labs of a type",                        \
            .path_in = &lab_type_path_shape, .answer = &lab_shape,                                           \
            .flags = (mark) | ENDPOINT_LIST | ENDPOINT_REPORT),                                              \
        PUT("/labs/{lab_id}", update, "Labs", "Update a lab", .path_in = &lab_path_shape,                    \
            .body_in = &lab_update_shape, .answer = &lab_shape, .flags = (mark),                             \
            .failures = {LAB_NAME_TAKEN, NO_LAB}),                                                           \
        DELETE("/labs/{lab_id}", delete, "Labs", "Delete a lab",                                             \
               .help = "What was done in it stays: it is history.", .path_in = &lab_path_shape,              \
               .answer = &message_shape, .flags = (mark), .failures = {NO_LAB})

#endif
