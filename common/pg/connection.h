/* The parts of a link (link.h): libpq's connection and its state. */
#ifndef COMMON_PG_CONNECTION_H
#define COMMON_PG_CONNECTION_H

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/loop.h"
#include "common/pg/hosts.h"
#include "common/pg/settings.h"
#include "common/pg/statement.h"

#define PREPARED_MAX 64 /* statements that a connection prepares; further ones are sent unnamed */
#define SQLSTATE_MAX 6  /* bytes of a SQLSTATE and its end */

enum link_state {
    LINK_DOWN,
    LINK_CONNECTING,
    LINK_SETUP, /* session settings, schema */
    LINK_UP,
};

struct link {
    struct watch watch;
    struct loop *loop;
    const struct pg_settings *settings;
    const struct pg_schema *schema;
    enum statement_kind kind; /* of the statements it runs: decides the session's settings */
    const char *url;
    struct resolver *resolver;
    struct hosts hosts; /* of the URL, while it connects */
    bool replica;       /* of a database that may be a read-only copy: the schema is not created there */
    bool stands_in;     /* it should be connected to a replica, and is connected to a primary */
    unsigned turn;      /* which of the hosts' addresses is tried first */
    bool proven;        /* this connection has completed a batch */
    struct pg_conn *pq; /* libpq's own */
    enum link_state state;
    unsigned setup_step;
    bool step_failed, schema_current; /* by the results of that step so far */
    bool outgoing;                    /* libpq could not send everything yet */
    struct arena scratch;             /* the parameters of the batch on its way */
    const struct statement *prepared[PREPARED_MAX];
    size_t prepared_count;
    unsigned *plans;    /* how often the types of columns are known to have changed */
    unsigned own_plans; /* the same, when this connection last began to prepare */
    char sqlstate[SQLSTATE_MAX];
    void (*up)(struct link *link);
    void (*arrived)(struct link *link); /* results may have arrived: link_next */
    void (*lost)(struct link *link);
};

/* Closes without a callback. */
void link_close(struct link *link);

/* Writes what is queued. False: the connection is lost. */
MUST_CHECK bool link_write(struct link *link);

#endif
