#include "user-progress/lookups.h"

#include "common/http/request.h"
#include "common/serve/query.h"

#define DETAILS_LIMIT ((int64_t)8 << 20) /* bytes of descriptions and difficulties in one answer */

struct lookup_in {
    struct texts user_ids, lab_types;
    int8_t details;
    int64_t details_limit;
};

static const struct field lookup_in_fields[] = {
    {.name = "user_ids",
     .type = FIELD_TEXTS,
     .at = offsetof(struct lookup_in, user_ids),
     .fallback = "[]",
     .help = "Users to look up.",
     .example = "[\"7be06c80-fbc6-4280-aed1-16f8749df77b\"]"},
    {.name = "lab_types",
     .type = FIELD_TEXTS,
     .at = offsetof(struct lookup_in, lab_types),
     .fallback = "[]",
     .help = "Lab types to look up.",
     .example = "[\"filesystem\"]"},
    {.name = "details",
     .type = FIELD_BOOL,
     .at = offsetof(struct lookup_in, details),
     .fallback = "true",
     .help = "Whether to tell the labs' descriptions and difficulties, which are null else.",
     .example = "false"},
};

const struct shape lookup_in_shape = {"LookupRequest", "What to look up.", sizeof(struct lookup_in),
                                      lookup_in_fields, 3};

/* One answer: a user, or the oldest lab of a type. */
struct found {
    int8_t there, too_large;
    struct text key, username; /* the lab's name is the second text too */
    struct text description, difficulty;
};

/* For the document; lookup_answer writes null where nothing is found. */
static const struct field user_fields[] = {
    {.name = "id",
     .type = FIELD_TEXT,
     .at = offsetof(struct found, key),
     .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""},
    {.name = "username",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct found, username),
     .example = "\"testuser1\""},
};
static const struct shape user_found_shape = {"LookupUser", "A user that exists.", sizeof(struct found),
                                              user_fields, 2};

static const struct field lab_fields[] = {
    {.name = "lab_type", .type = FIELD_TEXT, .at = offsetof(struct found, key), .example = "\"filesystem\""},
    {.name = "name",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct found, username),
     .example = "\"Filesystem Lab\""},
    {.name = "description",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct found, description),
     .example = "\"Learn about filesystem operations\""},
    {.name = "difficulty",
     .type = FIELD_TEXT,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct found, difficulty),
     .example = "\"beginner\""},
};
static const struct shape lab_found_shape = {"LookupLab", "The oldest lab of a type.", sizeof(struct found),
                                             lab_fields, 4};

struct lookup_out {
    struct rows users, labs;
};

static const struct field lookup_fields[] = {
    {.name = "users",
     .type = FIELD_LIST,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lookup_out, users),
     .of = &user_found_shape,
     .help = "In the order of user_ids; null where there is no such user."},
    {.name = "labs",
     .type = FIELD_LIST,
     .flags = FIELD_NULLABLE,
     .at = offsetof(struct lookup_out, labs),
     .of = &lab_found_shape,
     .help = "In the order of lab_types; null where there is no lab of the type."},
};

const struct shape lookup_shape = {"Lookup", "What was found.", sizeof(struct lookup_out), lookup_fields, 2};

static const struct statement find_all = {
    .name = "find_users_and_labs",
    .sql = "SELECT there, key, name, CASE WHEN size <= $4 THEN description END,"
           " CASE WHEN size <= $4 THEN difficulty END, size > $4 FROM ("
           "SELECT 1 AS part, n, u.id IS NOT NULL AS there, u.id AS key, u.username AS name,"
           " NULL AS description, NULL AS difficulty, 0::bigint AS size"
           " FROM unnest($1::text[]) WITH ORDINALITY AS a (id, n) LEFT JOIN users u ON u.id = a.id"
           " UNION ALL"
           " SELECT 2, n, l.id IS NOT NULL, a.lab_type, l.name, l.description, l.difficulty,"
           " sum(coalesce(octet_length(l.description), 0) + coalesce(octet_length(l.difficulty), 0))"
           " OVER (ORDER BY n)"
           " FROM unnest($2::text[]) WITH ORDINALITY AS a (lab_type, n) LEFT JOIN LATERAL"
           " (SELECT id, name, CASE WHEN $3 THEN description END AS description,"
           " CASE WHEN $3 THEN difficulty END AS difficulty FROM labs WHERE lab_type = a.lab_type"
           " ORDER BY created_at, id LIMIT 1) AS l ON true"
           ") AS found ORDER BY part, n",
    .kind = STATEMENT_READ,
    .params = (const struct column[]){{COLUMN_TEXTS, offsetof(struct lookup_in, user_ids)},
                                      {COLUMN_TEXTS, offsetof(struct lookup_in, lab_types)},
                                      {COLUMN_BOOL, offsetof(struct lookup_in, details)},
                                      {COLUMN_INT, offsetof(struct lookup_in, details_limit)}},
    .param_count = 4,
    .row = (const struct column[]){{COLUMN_BOOL, offsetof(struct found, there)},
                                   {COLUMN_TEXT, offsetof(struct found, key)},
                                   {COLUMN_TEXT, offsetof(struct found, username)},
                                   {COLUMN_TEXT, offsetof(struct found, description)},
                                   {COLUMN_TEXT, offsetof(struct found, difficulty)},
                                   {COLUMN_BOOL, offsetof(struct found, too_large)}},
    .column_count = 6,
    .row_size = sizeof(struct found),
};

static void write_found(struct writer *w, const struct shape *shape, const struct found *found, size_t count)
{
    for (size_t i = 0; found && i < count; i++) {
        write_text(w, i ? TEXT(",") : TEXT(""));
        if (found[i].there)
            shape_write(w, shape, &found[i]);
        else
            write_literal(w, "null");
    }
}

enum reply lookup_answer(struct request *rq)
{
    struct lookup_in *in = arena_alloc(&rq->arena, sizeof(*in));
    struct rows rows = {NULL, 0};

    if (!in)
        return reply_unavailable(rq);
    *in = *(const struct lookup_in *)rq->body;
    in->details_limit = DETAILS_LIMIT;
    size_t users = in->user_ids.count, labs = in->lab_types.count;
    if (users + labs && query_rows(rq, &find_all, in, &rows) == QUERY_REPLIED)
        return REPLIED;
    if (rows.count != users + labs)
        return reply_unavailable(rq);
    const struct found *found = rows.items;
    if (labs && found[users + labs - 1].too_large) /* a running sum: the last row has it all */
        return reply_error(rq, 413, LOOKUP_TOO_LARGE);
    reply_text(rq, 200, "application/json", TEXT("{\"users\":["));
    write_found(&rq->out, &user_found_shape, found, users);
    write_literal(&rq->out, "],\"labs\":[");
    write_found(&rq->out, &lab_found_shape, labs ? found + users : NULL, labs);
    write_literal(&rq->out, "]}");
    return REPLIED;
}
