#include "user-progress/stats.h"

#include <math.h>

#include "common/http/request.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "user-progress/stats.sql.h"
#include "user-progress/users.h"

struct lab_stats {
    struct text username, lab_type, lab_name;
    int64_t attempts, successful_attempts, time_spent;
    double average_time, success_rate;
};

#define OF struct lab_stats
static const struct field lab_stats_fields[] = {
    FIELD(TEXT, lab_type, .flags = FIELD_NULLABLE, .example = "\"filesystem\""),
    FIELD(TEXT, lab_name, .flags = FIELD_NULLABLE, .example = "\"Filesystem Lab\""),
    FIELD(INT, attempts, .example = "1"),
    FIELD(INT, successful_attempts, .example = "1"),
    FIELD(FLOAT, average_time, .flags = FIELD_ZERO, .help = "Seconds per attempt.", .example = "300.0"),
    FIELD(FLOAT, success_rate, .flags = FIELD_ZERO, .help = "Of the attempts, from 0 to 1.",
          .example = "1.0"),
};

static const struct shape lab_stats_shape =
    SHAPE("LabStats", "A user's attempts at one type of lab.", lab_stats_fields);
#undef OF

struct stats {
    struct text user_id, username;
    int64_t total_attempts, successful_attempts;
    double success_rate, average_time_per_attempt;
    struct rows labs_attempted;
};

#define OF struct stats
static const struct field stats_fields[] = {
    FIELD(TEXT, user_id, .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
    FIELD(TEXT, username, .flags = FIELD_NULLABLE, .example = "\"testuser1\""),
    FIELD(INT, total_attempts, .example = "1"),
    FIELD(INT, successful_attempts, .example = "1"),
    FIELD(FLOAT, success_rate, .flags = FIELD_ZERO, .help = "Of the attempts, from 0 to 1.",
          .example = "1.0"),
    FIELD(FLOAT, average_time_per_attempt, .flags = FIELD_ZERO, .help = "Seconds.", .example = "300.0"),
    FIELD(LIST, labs_attempted, .of = &lab_stats_shape, .help = "In the order of the first attempts."),
};

const struct shape stats_shape = SHAPE("UserStats", "Totals of a user's attempts.", stats_fields);
#undef OF

STATEMENT(sum_attempts, REPORT, PARAMS(struct user_path, user_id),
          ROW(struct lab_stats, username, lab_type, lab_name, attempts, successful_attempts, time_spent));

static double ratio(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

/* Computes the totals, and the averages of each lab type. */
static void add_up(struct stats *stats)
{
    struct lab_stats *labs = stats->labs_attempted.items;
    int64_t time_spent = 0;

    for (size_t i = 0; i < stats->labs_attempted.count; i++) {
        labs[i].average_time = ratio(labs[i].time_spent, labs[i].attempts);
        labs[i].success_rate = ratio(labs[i].successful_attempts, labs[i].attempts);
        stats->total_attempts += labs[i].attempts;
        stats->successful_attempts += labs[i].successful_attempts;
        time_spent += labs[i].time_spent;
    }
    stats->success_rate = ratio(stats->successful_attempts, stats->total_attempts);
    stats->average_time_per_attempt = ratio(time_spent, stats->total_attempts);
}

enum reply stats_get(struct request *rq)
{
    const struct user_path *path = rq->path;
    struct stats stats = {.user_id = path->user_id};
    struct rows *labs = &stats.labs_attempted;
    struct user user;

    switch (query_rows(rq, &sum_attempts, path, labs)) {
    case QUERY_ROW:
        stats.username = ((const struct lab_stats *)labs->items)->username;
        if (((const struct lab_stats *)labs->items)->attempts == INT_NULL)
            labs->count = 0;
        break;
    case QUERY_NONE: /* a replica may not have the user yet */
        if (!users_require(rq, path->user_id, &user))
            return REPLIED;
        stats.username = user.username;
        break;
    default:
        return REPLIED;
    }
    add_up(&stats);
    return reply(rq, &stats_shape, &stats);
}
