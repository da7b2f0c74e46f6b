#include "directory/directory.h"

#include "common/shape/declare.h"

#define A_USER_ID  "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""
#define OWN_ID     "The caller's own id; a UUID is made where none is given."
#define A_USERTIME "\"2025-04-19T08:30:38.538812\""
#define A_LABTIME  "\"2025-04-19T08:31:38.605877\""

#define OF struct user
static const struct field user_create_fields[] = {
    FIELD(TEXT, username, .flags = FIELD_REQUIRED, .limit = NAME_LIMIT, .help = "Unique among all users.",
          .example = "\"testuser1\""),
    FIELD(TEXT, full_name, SENT(full_name_sent), .flags = FIELD_NULLABLE, .help = "The name to show.",
          .example = "\"Test User\""),
    FIELD(EMAIL, email, .flags = FIELD_REQUIRED,
          .help = "Unique among all users; kept with its domain in lower case.",
          .example = "\"testuser1@example.com\""),
    FIELD(TEXT, id, .flags = FIELD_NULLABLE, .limit = NAME_LIMIT, .help = OWN_ID),
};

/* An update takes the same fields except the id. */
const struct shape user_create_shape = SHAPE("UserCreate", "A new user.", user_create_fields);
const struct shape user_update_shape = SHAPE_BUT_LAST(
    "UserUpdate", "A user's new fields; a full_name not sent stays as it is.", user_create_fields);

static const struct field user_fields[] = {
    FIELD(TEXT, username, .flags = FIELD_NULLABLE, .example = "\"testuser1\""),
    FIELD(TEXT, full_name, .flags = FIELD_NULLABLE, .example = "\"Test User\""),
    FIELD(TEXT, email, .flags = FIELD_NULLABLE, .example = "\"testuser1@example.com\""),
    FIELD(TEXT, id, .example = A_USER_ID),
    FIELD(TIME_NAIVE, created_at, .flags = FIELD_NULLABLE, .help = "UTC.", .example = A_USERTIME),
    FIELD(TIME_NAIVE, last_active, .flags = FIELD_NULLABLE, .help = "UTC; renewed by every update.",
          .example = A_USERTIME),
};

const struct shape user_shape = SHAPE("User", "A user.", user_fields);
#undef OF

#define OF struct lab
static const struct field lab_create_fields[] = {
    FIELD(TEXT, name, .flags = FIELD_REQUIRED, .limit = NAME_LIMIT, .help = "Unique among all labs.",
          .example = "\"Filesystem Lab\""),
    FIELD(TEXT, description, .flags = FIELD_REQUIRED, .example = "\"Learn about filesystem operations\""),
    FIELD(TEXT, lab_type, .flags = FIELD_REQUIRED, .limit = NAME_LIMIT,
          .help = "What attempts, records and events name.", .example = "\"filesystem\""),
    FIELD(TEXT, difficulty, .flags = FIELD_REQUIRED, .example = "\"beginner\""),
    FIELD(TEXT, id, .flags = FIELD_NULLABLE, .limit = NAME_LIMIT, .help = OWN_ID),
};

const struct shape lab_create_shape = SHAPE("LabCreate", "A new lab.", lab_create_fields);
const struct shape lab_update_shape = SHAPE_BUT_LAST("LabUpdate", "A lab's new fields.", lab_create_fields);

static const struct field lab_fields[] = {
    FIELD(TEXT, name, .flags = FIELD_NULLABLE, .example = "\"Filesystem Lab\""),
    FIELD(TEXT, description, .flags = FIELD_NULLABLE, .example = "\"Learn about filesystem operations\""),
    FIELD(TEXT, lab_type, .flags = FIELD_NULLABLE, .example = "\"filesystem\""),
    FIELD(TEXT, difficulty, .flags = FIELD_NULLABLE, .example = "\"beginner\""),
    FIELD(TEXT, id, .example = "\"e92c5db5-8d10-4bf7-b824-60a760481db9\""),
    FIELD(TIME_NAIVE, created_at, .flags = FIELD_NULLABLE, .help = "UTC.", .example = A_LABTIME),
    FIELD(TIME_NAIVE, updated_at, .flags = FIELD_NULLABLE, .help = "UTC; renewed by every update.",
          .example = A_LABTIME),
};

const struct shape lab_shape = SHAPE("Lab", "A lab.", lab_fields);
#undef OF

#define OF struct page
static const struct field page_fields[] = {
    FIELD(INT, skip, .min = 0, .max = INT64_MAX - 1, .fallback = "0", .help = "Number of records to skip."),
    FIELD(INT, limit, .min = 0, .max = 1000, .fallback = "100",
          .help = "Maximum number of records to return."),
    FIELD(BOOL, total, .fallback = "false", .help = "Whether to count all records, in X-Total-Count."),
};

const struct shape page_shape = SHAPE("Page", NULL, page_fields);
#undef OF

#define OF struct user_path
static const struct field user_path_fields[] = {FIELD(TEXT, user_id, .flags = FIELD_REQUIRED)};
const struct shape user_path_shape = SHAPE("UserId", NULL, user_path_fields);
#undef OF

#define OF struct lab_path
static const struct field lab_path_fields[] = {FIELD(TEXT, lab_id, .flags = FIELD_REQUIRED)};
const struct shape lab_path_shape = SHAPE("LabId", NULL, lab_path_fields);
#undef OF

#define OF struct lab_type_path
static const struct field lab_type_path_fields[] = {FIELD(TEXT, lab_type, .flags = FIELD_REQUIRED)};
const struct shape lab_type_path_shape = SHAPE("LabType", NULL, lab_type_path_fields);
#undef OF

struct message {
    struct text status, message;
};

#define OF struct message
static const struct field message_fields[] = {
    FIELD(TEXT, status, .example = "\"success\""),
    FIELD(TEXT, message, .example = "\"User 7 deleted\""),
};

const struct shape message_shape = SHAPE("Message", "What was done.", message_fields);
#undef OF
