#include "common/pg/owner.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/arena.h"
#include "common/base/log.h"
#include "common/pg/owner.sql.h"
#include "common/pg/script.h"
#include "common/pg/session.h"
#include "common/pg/statement.h"
#include "common/pg/steps.h"
#include "common/pg/url.h"

#define CONNECT_TIMEOUT "5" /* seconds, for each host */
#define CONNECT_TRIES   60  /* a second apart */

extern const char pg_schema_sql[]; /* common/pg/schema.sql */

struct question {
    const char *name, *sql;
};

static const struct question look_at_role = {SQL(look_at_role)};
static const struct question list_withdrawals = {SQL(list_withdrawals)};
static const struct question list_excess = {SQL(list_excess)};

struct owner {
    const struct pg_settings *settings;
    const struct pg_schema *schema;
    const char *url; /* of the owner */
    PGconn *conn;
    struct arena memory;
    const char *role; /* of the service; NULL: the owner's own */
    long found;       /* the version that the database had; 0: none */
    size_t missing;   /* indexes that could not be made */
};

static bool complain(const char *what, const char *sqlstate, const char *reason)
{
    log_line(LOG_ERROR, "the schema cannot be made", "step", what, "sqlstate", sqlstate ? sqlstate : "08006",
             "reason", reason ? reason : "connection lost", NULL);
    return false;
}

/* False, after a line in the log, unless the server did what it was told. The result is freed if it did not.
 */
static bool is_good(PGresult *result, const char *what)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return true;
    complain(what, PQresultErrorField(result, PG_DIAG_SQLSTATE),
             PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    PQclear(result);
    return false;
}

/* Runs statements; false, after a line in the log, if one failed. */
static bool run(struct owner *owner, const char *what, const char *sql)
{
    PGresult *result = sql ? PQexec(owner->conn, sql) : NULL;

    if (!sql)
        return complain(what, "53200", "no memory");
    if (!is_good(result, what))
        return false;
    PQclear(result);
    return true;
}

/* The first column of what is asked about the role, a line each with `between` at its end, in the arena. */
static char *ask(struct owner *owner, const struct question *question, const char *between)
{
    PGresult *result = PQexecParams(owner->conn, question->sql, 1, NULL, &owner->role, NULL, NULL, 0);
    char *all = arena_printf(&owner->memory, "%s", "");

    if (!is_good(result, question->name))
        return NULL;
    for (int i = 0; all && i < PQntuples(result); i++)
        all = arena_printf(&owner->memory, "%s%s%s\n", all, PQgetvalue(result, i, 0), between);
    PQclear(result);
    return all;
}

static void ignore_notice(void *unused, const PGresult *result)
{
    (void)unused;
    (void)result;
}

static bool connect_as_owner(struct owner *owner)
{
    static const char *const keywords[] = {"connect_timeout",           "dbname",
                                           "fallback_application_name", "target_session_attrs",
                                           "client_encoding",           NULL};
    const char *url = owner->url;
    const char *const values[] = {CONNECT_TIMEOUT, url, owner->schema->name, "read-write", "UTF8", NULL};

    for (int i = 0; i < CONNECT_TRIES; i++) {
        owner->conn = PQconnectdbParams(keywords, values, 1);
        if (PQstatus(owner->conn) == CONNECTION_OK)
            break;
        log_line(LOG_WARNING, "cannot connect to the database", "reason", PQerrorMessage(owner->conn), NULL);
        PQfinish(owner->conn);
        owner->conn = NULL;
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    if (!owner->conn)
        return complain("connect", NULL, "no connection");
    PQsetNoticeReceiver(owner->conn, ignore_notice, NULL);
    const char *encoding = PQparameterStatus(owner->conn, "server_encoding");
    return (encoding && strcmp(encoding, "UTF8") == 0) ||
           complain("connect", "22021", "the database must have the encoding UTF8");
}

/* Finds out which role the service has. */
static bool find_role(struct owner *owner)
{
    owner->role = pg_url_user(&owner->memory, owner->settings->url);
    char *same = owner->role ? ask(owner, &look_at_role, "") : NULL;

    if (!same)
        return complain("role", NULL, "DATABASE_URL names no role");
    if (*same == '\n')
        return complain("role", "42704", "the role of DATABASE_URL does not exist");
    if (*same == '1')
        owner->role = NULL;
    return true;
}

static bool grant(struct owner *owner)
{
    char *role = PQescapeIdentifier(owner->conn, owner->role, strlen(owner->role));
    bool good = role && run(owner, "withdraw", ask(owner, &list_withdrawals, ";")) &&
                run(owner, "grant", script_grants(&owner->memory, pg_schema_sql, role)) &&
                run(owner, "grant", script_grants(&owner->memory, owner->schema->sql, role));

    PQfreemem(role);
    return good;
}

/* Makes the first part and grants, unless the database is of a later version: that is left as it is. */
static bool make_first_part(struct owner *owner)
{
    if (!run(owner, "lock", SESSION_LOCK_SQL))
        return false;
    char *sql = session_look_text(&owner->memory, owner->schema);
    if (!sql)
        return complain("look", "53200", "no memory");
    PGresult *look = PQexec(owner->conn, sql);
    if (!is_good(look, "look"))
        return false;
    owner->found = strtol(PQgetvalue(look, 0, 0), NULL, 10);
    PQclear(look);
    if (owner->found < owner->schema->version &&
        !run(owner, "first part", session_schema_text(&owner->memory, owner->schema)))
        return false;
    return (owner->found > owner->schema->version || !owner->role || grant(owner)) &&
           run(owner, "commit", "COMMIT");
}

static bool do_steps(struct owner *owner)
{
    metric waiting = 0;
    struct steps steps = {.url = owner->url,
                          .name = owner->schema->name,
                          .schema = owner->schema->sql,
                          .session_settings = true,
                          .waiting = &waiting,
                          .stop = -1};
    bool done = owner->found > owner->schema->version || steps_run(&steps);

    while (!done && !steps.failed && steps.away < CONNECT_TRIES) {
        steps_end(&steps);
        done = steps_rest(&steps, STEPS_TRY_AGAIN) && steps_run(&steps);
    }
    steps_end(&steps);
    if (!done && steps.away)
        complain("steps", NULL, "no connection");
    owner->missing = steps.missing;
    return done;
}

static bool print_result(struct owner *owner)
{
    const struct pg_schema *schema = owner->schema;
    char *excess = owner->role ? ask(owner, &list_excess, "") : NULL;

    if (owner->found > schema->version)
        printf("the schema is of version %ld and this program of version %d: nothing is changed\n",
               owner->found, schema->version);
    else
        printf("the schema is of version %d%s%s\n", schema->version,
               owner->role ? ", granted to the role " : "", owner->role ? owner->role : "");
    if (owner->missing)
        printf("%zu of its indexes could not be made\n", owner->missing);
    if (excess)
        fputs(excess, stdout);
    return !owner->role || excess;
}

bool owner_make_schema(const struct pg_settings *settings, const struct pg_schema *schema)
{
    struct owner owner = {.settings = settings,
                          .schema = schema,
                          .url = settings->owner_url ? settings->owner_url : settings->url};
    bool done = connect_as_owner(&owner) && find_role(&owner) && make_first_part(&owner) &&
                do_steps(&owner) && print_result(&owner);

    PQfinish(owner.conn);
    arena_free(&owner.memory);
    return done;
}
