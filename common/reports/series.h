/*
 * Series: the figures of a service's rows for each interval of a span, all together and by group.
 *
 * A service has one statement with the parameters below. It returns a row for each interval and group that
 * has figures; series_reply does the rest: the intervals, zeros where there is no row, columns.
 *
 *     struct attempts_row {
 *         SERIES_ROW;
 *         int64_t attempts;
 *         double success_rate;
 *     };
 *     struct attempts_group {
 *         struct series_group of;
 *         struct ints attempts;
 *         struct floats success_rate;
 *     };
 *     static const struct series_figure figures[] = {
 *         FIGURE(struct attempts_row, struct attempts_group, attempts),
 *         FIGURE(struct attempts_row, struct attempts_group, success_rate),
 *     };
 */
#ifndef COMMON_REPORTS_SERIES_H
#define COMMON_REPORTS_SERIES_H

#include "common/pg/statement.h"
#include "common/reports/span.h"
#include "common/shape/declare.h"
#include "common/table/api.h"

#define SERIES_CELLS_MOST   ((int64_t)20000) /* intervals times groups */
#define SERIES_FIGURES_MOST 8                /* figures of a service */

/* The query parameters of a series. */
struct series_query {
    struct text from, to, zone, interval, lab_type, by, figures;
    struct text kind; /* the filter that only one service has */
    int64_t top;
};

extern const char *const series_by[]; /* none and lab_type */

#define SERIES_FIELDS(of_by)                                                                                 \
    FIELD(TEXT, interval, .choices = zone_intervals, .fallback = "\"day\"",                                  \
          .help =                                                                                            \
              "By the clocks of the zone: a day can have 23 or 25 hours, a week begins on Monday, and an "   \
              "hour also begins where the offset of the zone changes."),                                     \
        RANGE_FIELDS, FIELD(TEXT, lab_type, .help = "Only what is of this lab type."),                       \
        FIELD(TEXT, by, .choices = (of_by), .fallback = "\"none\"", .help = "A series for each of these."),  \
        FIELD(INT, top, .min = 1, .max = 50, .fallback = "10",                                               \
              .help = "The most series; what has less in the range is added up in one more."),               \
        FIELD(TEXT, figures,                                                                                 \
              .help = "The figures that are needed, with commas between them; the others are null, and the " \
                      "answer may come sooner. By default all.")

#define SERIES_HELP                                                                                          \
    "Figures for each hour, day, week or month of a time zone. Without `to` the range ends now; without "    \
    "`from` it begins 29 intervals, or 47 hours, before the one in which it ends. Every interval that the "  \
    "range meets is there; where nothing happened it has zeros. At most 1,500 intervals, and 20,000 in all " \
    "series together."

/*
 * The parameters of the statement. An interval is the part of it that is in the range: the one with number n,
 * from 1, is edges[n] <= t < edges[n + 1].
 */
struct series_params {
    struct moments edges;
    struct text lab_type, kind; /* filters; null: none */
    struct text by;
    int64_t top;
    struct texts figures; /* those that are needed */
};

/*
 * The first members of a row. `place` is null for the total of all, 1 to `top` for a group, `top` + 1 for all
 * others together. The statement returns at least one row, and `since` in each.
 */
#define SERIES_ROW                                                                                           \
    int64_t place;                                                                                           \
    struct text name;   /* of the group */                                                                   \
    int64_t bucket;     /* the interval's number; null: the row has no figures */                            \
    struct moment since /* the time of the table's earliest row */
struct series_row {
    SERIES_ROW;
};

/* The first member of a group. */
struct series_group {
    struct text lab_type, kind;
    int8_t other; /* 1: what has no series of its own; otherwise null */
};

/* A figure: a member of the row, and the column of them in the group; other types do not compile. */
struct series_figure {
    const char *name;
    size_t in, out;
    bool whole;     /* int64_t and struct ints; or double and struct floats */
    int days_most;  /* it is null for a range of more local days; 0: never */
    bool labs_only; /* it is null if kinds are asked for */
};

/* clang-format off */
#define FIGURE(of_row, of_group, member, ...)                                                                \
    {                                                                                                        \
        .name = #member,                                                                                     \
        .in = offsetof(of_row, member) +                                                                     \
              _Generic(&((of_row *)0)->member, __typeof__(((of_group *)0)->member.items): 0),                \
        .out = offsetof(of_group, member),                                                                   \
        .whole = _Generic(((of_row *)0)->member, int64_t: true, double: false), __VA_ARGS__                  \
    }
/* clang-format on */

struct series {
    const struct statement *statement;
    const struct shape *answer; /* of struct series_answer */
    const struct shape *total;  /* of a group without its names */
    size_t group_size;
    const struct series_figure *figures;
    size_t figure_count;
};

struct series_answer {
    struct text interval;
    struct span span;
    struct moment since;
    struct rows groups;
    struct kept_json total;
};

/* OF is struct series_answer; the shapes of a group and of the total. */
#define SERIES_ANSWER_FIELDS(of_group, of_total)                                                             \
    FIELD(TEXT, interval, .example = "\"hour\""), SPAN_FIELDS(span, 0),                                      \
        FIELD_NAMED(TIME_Z, "data_since", since, .flags = FIELD_NULLABLE,                                    \
                    .help = "The earliest time that is stored: before it nothing is known. Null: there is "  \
                            "none.",                                                                         \
                    .example = "\"2025-04-19T08:39:43.599397Z\""),                                           \
        SPAN_STARTS_FIELDS(span),                                                                            \
        FIELD_NAMED(LIST, "series", groups, .of = &(of_group),                                               \
                    .help = "The groups with most in the range first; a number for each interval."),         \
        FIELD_NAMED(OBJECT, "total", total, .of = &(of_total),                                               \
                    .help = "Everything, counted by itself: a user of two groups is one user.")

/* OF is the group; its names. */
#define SERIES_GROUP_FIELDS                                                                                  \
    FIELD_NAMED(TEXT, "lab_type", of.lab_type, .flags = FIELD_NULLABLE, .example = "\"filesystem\""),        \
        FIELD_NAMED(BOOL, "other", of.other, .flags = FIELD_OPTIONAL,                                        \
                    .help = "True for all groups together that have no series of their own.")

/* The 403 if AUTH_SUBJECT_SCOPED is on. */
#define NOT_ALL_USERS FAILURE(403, "The token does not reach all users", "message")

/* Replies with the series that the query of the request asks for. Waits. */
enum reply series_reply(struct request *rq, const struct series *series);

#endif
