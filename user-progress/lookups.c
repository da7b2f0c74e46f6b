#include "user-progress/lookups.h"

#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "user-progress/lookups.sql.h"

#define DETAILS_LIMIT ((int64_t)8 << 20) /* the most bytes of descriptions and difficulties in one answer */

struct lookup_in {
    struct texts user_ids, lab_types;
    int8_t details;
    int64_t details_limit;
};

#define OF struct lookup_in
static const struct field lookup_in_fields[] = {
    FIELD(TEXTS, user_ids, .fallback = "[]", .help = "Users to look up.",
          .example = "[\"7be06c80-fbc6-4280-aed1-16f8749df77b\"]"),
    FIELD(TEXTS, lab_types, .fallback = "[]", .help = "Lab types to look up.", .example = "[\"filesystem\"]"),
    FIELD(BOOL, details, .fallback = "true",
          .help = "Whether to include the labs' descriptions and difficulties; otherwise they are null.",
          .example = "false"),
};

const struct shape lookup_in_shape = SHAPE("LookupRequest", "What to look up.", lookup_in_fields);
#undef OF

/* A row of the statement: a user, or the oldest lab of a type. */
struct found {
    int8_t there, too_large;
    struct text key, name, description, difficulty;
};

/* For the OpenAPI document only; lookup_answer writes null for what is not found. */
#define OF struct found
static const struct field user_fields[] = {
    FIELD_NAMED(TEXT, "id", key, .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
    FIELD_NAMED(TEXT, "username", name, .flags = FIELD_NULLABLE, .example = "\"testuser1\""),
};

static const struct shape user_found_shape = SHAPE("LookupUser", "A user that exists.", user_fields);

static const struct field lab_fields[] = {
    FIELD_NAMED(TEXT, "lab_type", key, .example = "\"filesystem\""),
    FIELD(TEXT, name, .flags = FIELD_NULLABLE, .example = "\"Filesystem Lab\""),
    FIELD(TEXT, description, .flags = FIELD_NULLABLE, .example = "\"Learn about filesystem operations\""),
    FIELD(TEXT, difficulty, .flags = FIELD_NULLABLE, .example = "\"beginner\""),
};

static const struct shape lab_found_shape = SHAPE("LookupLab", "The oldest lab of a type.", lab_fields);
#undef OF

struct lookup_out {
    struct rows users, labs;
};

#define OF struct lookup_out
static const struct field lookup_fields[] = {
    FIELD(LIST, users, .flags = FIELD_NULLABLE, .of = &user_found_shape,
          .help = "In the order of user_ids; null if there is no such user."),
    FIELD(LIST, labs, .flags = FIELD_NULLABLE, .of = &lab_found_shape,
          .help = "In the order of lab_types; null if there is no lab of the type."),
};

const struct shape lookup_shape = SHAPE("Lookup", "What was found.", lookup_fields);
#undef OF

STATEMENT(find_users_and_labs, READ, .large = true,
          PARAMS(struct lookup_in, user_ids, lab_types, details, details_limit),
          ROW(struct found, there, key, name, description, difficulty, too_large));

bool lookups_find(struct request *rq, struct texts users, bool *has_user, struct texts labs, bool *has_lab)
{
    const struct lookup_in in = {.user_ids = users, .lab_types = labs, .details_limit = DETAILS_LIMIT};
    struct rows rows;

    if (query_rows(rq, &find_users_and_labs, &in, &rows) == QUERY_REPLIED)
        return false;
    if (rows.count != users.count + labs.count) {
        reply_unavailable(rq);
        return false;
    }
    const struct found *found = rows.items;
    for (size_t i = 0; i < users.count; i++)
        has_user[i] = found[i].there;
    for (size_t i = 0; i < labs.count; i++)
        has_lab[i] = found[users.count + i].there;
    return true;
}

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
    struct lookup_in in = *(const struct lookup_in *)rq->body;
    struct rows rows = {NULL, 0};
    size_t users = in.user_ids.count, labs = in.lab_types.count;

    in.details_limit = DETAILS_LIMIT;
    if (users + labs && query_rows(rq, &find_users_and_labs, &in, &rows) == QUERY_REPLIED)
        return REPLIED;
    if (rows.count != users + labs)
        return reply_unavailable(rq);
    const struct found *found = rows.items;
    if (found && labs && found[users + labs - 1].too_large) /* a running sum: the last row has the total */
        return reply_error(rq, 413, LOOKUP_TOO_LARGE);
    reply_text(rq, 200, "application/json", TEXT("{\"users\":["));
    write_found(&rq->out, &user_found_shape, found, users);
    write_literal(&rq->out, "],\"labs\":[");
    write_found(&rq->out, &lab_found_shape, labs ? found + users : NULL, labs);
    write_literal(&rq->out, "]}");
    return REPLIED;
}
