/*
 * PostgreSQL's answers: rows of any statement of any service, in any lengths and types, become structs that
 * hold what was sent, or the calls that wait for them fail.
 *
 * An input is the number of a statement, how many calls wait, and the values: a length, and so many bytes.
 */
#include <string.h>

#include <libpq-fe.h>

#include "common/base/log.h"
#include "common/pg/column.h"
#include "common/pg/decode.h"
#include "tests/fuzz/support/fuzz.h"

#define CALLS        4
#define ROWS         20
#define COLUMNS_MOST 40
#define VALUE_NULL   255 /* the length that stands for a null */

/* A type that the column may be read from, or, rarely, any other. */
static Oid oid_of(enum column_type type, unsigned choice)
{
    static const Oid oids[] = {16, 19, 20, 21, 23, 25, 114, 701, 1009, 1015, 1042, 1043, 1114, 1184};

    if (choice % 16 == 0)
        return oids[choice / 16 % COUNT(oids)];
    for (size_t i = 0, at = choice; i < COUNT(oids); i++, at++)
        if (column_takes(type, oids[at % COUNT(oids)]))
            return oids[at % COUNT(oids)];
    return oids[0];
}

static bool declare(PGresult *result, const struct statement *statement, struct text *left)
{
    PGresAttDesc columns[COLUMNS_MOST] = {0};
    size_t first = statement->set ? 1 : 0;

    HOLDS(statement->column_count + first < COLUMNS_MOST);
    for (size_t i = 0; i < statement->column_count + first; i++) {
        columns[i].name = (char *)(uintptr_t) "column";
        columns[i].format = 1;
        columns[i].typid = oid_of(i < first ? COLUMN_INT : statement->row[i - first].type, fuzz_byte(left));
    }
    return PQsetResultAttrs(result, (int)(statement->column_count + first), columns);
}

/* How long a value is: mostly as its type has it, else as the input says. */
static size_t length_of(Oid oid, unsigned said)
{
    switch (oid) {
    case 16:
        return 1;
    case 21:
        return 2;
    case 23:
        return 4;
    case 20:
    case 701:
    case 1114:
    case 1184:
        return 8;
    default:
        return said;
    }
}

/* libpq never gives a number in another length than its type's: the server's bytes are not believed in that.
 */
static void fill(PGresult *result, struct text *left)
{
    for (int row = 0; row < ROWS && left->len; row++) {
        for (int i = 0; i < PQnfields(result); i++) {
            unsigned said = fuzz_byte(left);
            char value[VALUE_NULL] = {0};
            size_t len = length_of(PQftype(result, i), said);
            size_t given = len < left->len ? len : left->len;
            memcpy(value, left->at, given);
            *left = (struct text){left->at + given, left->len - given};
            HOLDS(PQsetvalue(result, row, i, said == VALUE_NULL ? NULL : value,
                             said == VALUE_NULL ? -1 : (int)len));
        }
    }
}

/* The texts of the only call's rows are those that were sent. */
static void compare(const struct call *call, const PGresult *result)
{
    const struct statement *statement = call->statement;

    for (size_t row = 0; row < call->count; row++) {
        for (size_t i = 0; i < statement->column_count; i++) {
            const void *value = call->rows + row * statement->row_size + statement->row[i].at;
            bool null = PQgetisnull(result, (int)row, (int)i);
            if (statement->row[i].type != COLUMN_TEXT)
                continue;
            struct text sent = {PQgetvalue(result, (int)row, (int)i),
                                (size_t)PQgetlength(result, (int)row, (int)i)};
            HOLDS(text_equal(*(const struct text *)value, null ? TEXT_NULL : sent));
        }
    }
}

static void decode(const struct statement *statement, struct text left)
{
    struct arena arena = {0};
    struct call calls[CALLS] = {0}, *waiting[CALLS];
    unsigned choice = fuzz_byte(&left);
    struct execution execution = {
        .statement = statement, .calls = waiting, .count = statement->set ? 1 + choice % CALLS : 1};
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    for (size_t i = 0; i < CALLS; i++) {
        calls[i] = (struct call){.statement = statement,
                                 .arena = &arena,
                                 .first_only = choice & 16,
                                 .bytes_most = choice & 32 ? 1000 : 0};
        waiting[i] = statement->set && choice & 64u << i % 2 ? NULL : &calls[i];
    }
    HOLDS(result && declare(result, statement, &left));
    fill(result, &left);
    decode_result(&execution, result);
    size_t rows = (size_t)PQntuples(result), decoded = 0;
    for (size_t i = 0; i < execution.count; i++) {
        HOLDS(calls[i].state == CALL_WAITING || calls[i].state == CALL_UNAVAILABLE);
        decoded += calls[i].count;
    }
    HOLDS(decoded <= rows);
    bool whole = !statement->set && calls[0].state == CALL_WAITING;
    if (whole && !calls[0].first_only && !calls[0].cut)
        HOLDS(decoded == rows);
    if (whole)
        compare(&calls[0], result);
    PQclear(result);
    arena_free(&arena);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    HOLDS(fuzz_apis[0] && statements_end - statements_begin > 50);
    log_start("fuzz", (enum log_level)(LOG_ERROR + 1)); /* of wrong columns it says nothing */
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct text left = {len ? (const char *)bytes : "", len};
    size_t count = (size_t)(statements_end - statements_begin);
    size_t number = fuzz_byte(&left);

    decode(statements_begin[number % count], left);
    return 0;
}
