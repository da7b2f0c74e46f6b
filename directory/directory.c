#include "directory/directory.h"

#include "common/base/declare.h"

static const struct field user_create_fields[] = {
    {.name = "username",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct user_in, username),
     .limit = NAME_LIMIT,
     .help = "Unique among all users.",
     .example = "\"testuser1\""},
    {.name = "full_name",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user_in, full_name),
     .sent_at = offsetof(struct user_in, full_name_sent),
     .help = "The name to show.",
     .example = "\"Test User\""},
    {.name = "email",
     .type = FIELD_EMAIL,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct user_in, email),
     .help = "Unique among all users; kept with its domain in lower case.",
     .example = "\"testuser1@example.com\""},
    {.name = "id",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user_in, id),
     .limit = NAME_LIMIT,
     .help = "The caller's own id; a UUID is made where none is given."},
};

/* An update takes the same fields but the id. */
const struct shape user_create_shape = {"UserCreate", "A new user.", sizeof(struct user_in),
                                        user_create_fields, 4};
const struct shape user_update_shape = {"UserUpdate",
                                        "A user's new fields; a full_name not sent stays as it is.",
                                        sizeof(struct user_in), user_create_fields, 3};

static const struct field user_fields[] = {
    {.name = "username",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user, username),
     .example = "\"testuser1\""},
    {.name = "full_name",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user, full_name),
     .example = "\"Test User\""},
    {.name = "email",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user, email),
     .example = "\"testuser1@example.com\""},
    {.name = "id",
     .type = FIELD_TEXT,
     .at = offsetof(struct user, id),
     .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""},
    {.name = "created_at",
     .type = FIELD_TIME_NAIVE,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user, created_at),
     .help = "UTC.",
     .example = "\"2025-04-19T08:30:38.538812\""},
    {.name = "last_active",
     .type = FIELD_TIME_NAIVE,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct user, last_active),
     .help = "UTC; renewed by every update.",
     .example = "\"2025-04-19T08:30:38.538812\""},
};

const struct shape user_shape = {"User", "A user.", sizeof(struct user), user_fields, COUNT(user_fields)};

static const struct field lab_create_fields[] = {
    {.name = "name",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct lab_in, name),
     .limit = NAME_LIMIT,
     .help = "Unique among all labs.",
     .example = "\"Filesystem Lab\""},
    {.name = "description",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct lab_in, description),
     .example = "\"Learn about filesystem operations\""},
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct lab_in, lab_type),
     .limit = NAME_LIMIT,
     .help = "What attempts, records and events name.",
     .example = "\"filesystem\""},
    {.name = "difficulty",
     .type = FIELD_TEXT,
     .flags = FIELD_REQUIRED,
     .at = offsetof(struct lab_in, difficulty),
     .example = "\"beginner\""},
    {.name = "id",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab_in, id),
     .limit = NAME_LIMIT,
     .help = "The caller's own id; a UUID is made where none is given."},
};

const struct shape lab_create_shape = {"LabCreate", "A new lab.", sizeof(struct lab_in), lab_create_fields,
                                       5};
const struct shape lab_update_shape = {"LabUpdate", "A lab's new fields.", sizeof(struct lab_in),
                                       lab_create_fields, 4};

static const struct field lab_fields[] = {
    {.name = "name",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab, name),
     .example = "\"Filesystem Lab\""},
    {.name = "description",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab, description),
     .example = "\"Learn about filesystem operations\""},
    {.name = "lab_type",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab, lab_type),
     .example = "\"filesystem\""},
    {.name = "difficulty",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab, difficulty),
     .example = "\"beginner\""},
    {.name = "id",
     .type = FIELD_TEXT,
     .at = offsetof(struct lab, id),
     .example = "\"e92c5db5-8d10-4bf7-b824-60a760481db9\""},
    {.name = "created_at",
     .type = FIELD_TIME_NAIVE,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab, created_at),
     .help = "UTC.",
     .example = "\"2025-04-19T08:31:38.605877\""},
    {.name = "updated_at",
     .type = FIELD_TIME_NAIVE,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lab, updated_at),
     .help = "UTC; renewed by every update.",
     .example = "\"2025-04-19T08:31:38.605877\""},
};

const struct shape lab_shape = {"Lab", "A lab.", sizeof(struct lab), lab_fields, COUNT(lab_fields)};

static const struct field page_fields[] = {
    {.name = "skip",
     .type = FIELD_INT,
     .at = offsetof(struct page, skip),
     .min = 0,
     .max = INT64_MAX - 1,
     .fallback = "0",
     .help = "Number of records to skip."},
    {.name = "limit",
     .type = FIELD_INT,
     .at = offsetof(struct page, limit),
     .min = 0,
     .max = 1000,
     .fallback = "100",
     .help = "Maximum number of records to return."},
    {.name = "total",
     .type = FIELD_BOOL,
     .at = offsetof(struct page, total),
     .fallback = "false",
     .help = "Whether to count all records, in X-Total-Count."},
};

const struct shape page_shape = {"Page", NULL, sizeof(struct page), page_fields, COUNT(page_fields)};

static const struct field user_id_fields[] = {
    {.name = "user_id", .type = FIELD_TEXT, .flags = FIELD_REQUIRED}};
static const struct field lab_id_fields[] = {{.name = "lab_id", .type = FIELD_TEXT, .flags = FIELD_REQUIRED}};
static const struct field lab_type_fields[] = {
    {.name = "lab_type", .type = FIELD_TEXT, .flags = FIELD_REQUIRED}};

const struct shape user_id_shape = {"UserId", NULL, sizeof(struct key), user_id_fields, 1};
const struct shape lab_id_shape = {"LabId", NULL, sizeof(struct key), lab_id_fields, 1};
const struct shape lab_type_shape = {"LabType", NULL, sizeof(struct key), lab_type_fields, 1};

struct message {
    struct text status, message;
};

static const struct field message_fields[] = {
    {.name = "status", .type = FIELD_TEXT, .at = offsetof(struct message, status), .example = "\"success\""},
    {.name = "message",
     .type = FIELD_TEXT,
     .at = offsetof(struct message, message),
     .example = "\"User 7 deleted\""},
};

const struct shape message_shape = {"Message", "What was done.", sizeof(struct message), message_fields, 2};
