#include "performance-reporting/difficulty.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/reports/span.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/lookup.h"
#include "performance-reporting/difficulty.sql.h"

struct difficulty_query {
    struct text from, to, zone;
    int64_t min_users;
};

#define OF struct difficulty_query
static const struct field difficulty_query_fields[] = {
    RANGE_FIELDS,
    FIELD(INT, min_users, .min = 1, .max = 1000, .fallback = "5",
          .help = "Lab types that fewer users tried are not ranked."),
};
const struct shape difficulty_query_shape = SHAPE("DifficultyQuery", NULL, difficulty_query_fields);
#undef OF

struct lab_difficulty {
    struct text lab_type, lab_name, lab_difficulty;
    int64_t users, solved, solved_first;
    double first_try_rate, solve_rate, average_attempts_to_solve;
    int64_t gave_up, p50_time_to_solve;
    struct text top_error;
};

#define OF struct lab_difficulty
static const struct field lab_difficulty_fields[] = {
    FIELD(TEXT, lab_type, .example = "\"network\""),
    FIELD(TEXT, lab_name, .flags = FIELD_NULLABLE,
          .help = "Name of the oldest lab of the type; the type itself if there is none any more.",
          .example = "\"Network Lab\""),
    FIELD(TEXT, lab_difficulty, .flags = FIELD_NULLABLE,
          .help = "What its author says; null if there is no lab any more.", .example = "\"advanced\""),
    FIELD(INT, users, .help = "Who tried.", .example = "57"),
    FIELD(INT, solved, .help = "Of these, who succeeded.", .example = "31"),
    FIELD(INT, solved_first, .help = "Of these, who succeeded with the first record.", .example = "9"),
    FIELD(FLOAT, first_try_rate, .help = "solved_first ÷ users.", .example = "0.15789473684210525"),
    FIELD(FLOAT, solve_rate, .help = "solved ÷ users.", .example = "0.543859649122807"),
    FIELD(FLOAT, average_attempts_to_solve, .flags = FIELD_NULLABLE,
          .help = "Of those who succeeded, up to and with the first success.",
          .example = "2.870967741935484"),
    FIELD(INT, gave_up, .help = "Who did not succeed and has no record since 14 days before `to`, or now.",
          .example = "12"),
    FIELD(INT, p50_time_to_solve, .min = INT64_MIN, .max = INT64_MAX, .flags = FIELD_NULLABLE,
          .help = "Median by nearest rank of the seconds that were spent up to and with the first success.",
          .example = "1480"),
    FIELD(TEXT, top_error, .flags = FIELD_NULLABLE, .example = "\"no_route\""),
};
static const struct shape lab_difficulty_shape =
    SHAPE("LabDifficulty", "How users do in a lab type.", lab_difficulty_fields);
#undef OF

struct difficulty {
    struct span span;
    int64_t min_users;
    struct rows labs, few;
};

#define OF struct difficulty
static const struct field difficulty_fields[] = {
    FIELD(INT, min_users, .example = "5"),
    SPAN_FIELDS(span, FIELD_NULLABLE),
    FIELD(LIST, labs, .of = &lab_difficulty_shape,
          .help = "The lowest first_try_rate first; equal ones by lab type."),
    FIELD(LIST, few, .of = &lab_difficulty_shape, .help = "Those with fewer users, by lab type."),
};
const struct shape difficulty_shape = SHAPE("Difficulty", "Lab types, the hardest first.", difficulty_fields);
#undef OF

struct difficulty_params {
    struct moment from, to;
    int64_t min_users;
};

STATEMENT(difficulty_of_labs, REPORT, .planned_anew = true,
          PARAMS(struct difficulty_params, from, to, min_users),
          ROW(struct lab_difficulty, lab_type, users, solved, solved_first, first_try_rate, solve_rate,
              average_attempts_to_solve, gave_up, p50_time_to_solve, top_error));

/* Adds what User Progress knows of the labs; false: it cannot be asked, and the reply is 503. */
static bool name_labs(struct request *rq, struct rows rows)
{
    const struct known_lab *known = lookup_labs_of_rows(rq, rows, sizeof(struct lab_difficulty));
    struct lab_difficulty *labs = rows.items;

    for (size_t i = 0; known && i < rows.count; i++) {
        labs[i].lab_name = known[i].lab_type.at ? known[i].name : labs[i].lab_type;
        labs[i].lab_difficulty = known[i].difficulty;
    }
    return known != NULL;
}

enum reply difficulty_show(struct request *rq)
{
    static const struct span_rules rules = {.history = true};
    const struct difficulty_query *query = rq->query;
    struct difficulty difficulty = {.min_users = query->min_users};
    struct rows rows;
    size_t ranked = 0;

    if (!auth_require_all_users(rq) ||
        !span_read(rq, &(struct range_text){query->from, query->to, query->zone}, &rules, &difficulty.span))
        return REPLIED;
    const struct difficulty_params params = {difficulty.span.from, difficulty.span.to, query->min_users};
    if (query_rows(rq, &difficulty_of_labs, &params, &rows) == QUERY_REPLIED || !name_labs(rq, rows))
        return REPLIED;
    struct lab_difficulty *labs = rows.items;
    while (ranked < rows.count && labs[ranked].users >= query->min_users)
        ranked++;
    difficulty.labs = (struct rows){labs, ranked};
    difficulty.few = (struct rows){labs + ranked, rows.count - ranked};
    return reply(rq, &difficulty_shape, &difficulty);
}
