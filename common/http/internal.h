/*
 * What the files of the HTTP server share, and no other file includes: the server, its connections, its
 * exchanges.
 */
#ifndef COMMON_HTTP_INTERNAL_H
#define COMMON_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <sys/queue.h>

#include "common/base/loop.h"
#include "common/http/header.h"
#include "common/http/metrics.h"
#include "common/http/request.h"
#include "common/http/settings.h"

/* What the watchdog waits for. */
enum connection_state { AWAITS_HEADER, AWAITS_BODY, AWAITS_ANSWER, AWAITS_READER, AWAITS_NOTHING };

struct connection {
    LIST_ENTRY(connection) all;
    LIST_ENTRY(connection)
    rested; /* among those that became idle in this turn; le_prev NULL: not among them */
    LIST_ENTRY(connection) owing; /* among those whose bodies are incomplete; le_prev NULL: not among them */
    struct MHD_Connection *mhd;
    int fd;
    enum connection_state state;
    int64_t
        since; /* when the state began; of AWAITS_NOTHING: when the first byte of a header was seen, or 0 */
    int64_t ended;         /* when the last request was answered; 0: none yet */
    uint64_t received;     /* bytes received when the connection became idle; 0: not checked yet */
    uint64_t acknowledged; /* bytes sent that the reader had when its time began; 0: not checked yet */
    char *pool;            /* where libmicrohttpd keeps what it reads; NULL: not certain */
    bool counted;          /* its memory is counted in the budget of the process */
    bool heard;            /* a request line was read */
    bool begun;            /* a header was read */
    bool trimmed;          /* the pool's clean pages are given back to the kernel */
    bool answered_early;   /* the client may still be sending the body that was refused */
    bool cut;              /* nothing more is read from it */
    bool answered_first;   /* it has a time-out of its own: it is looked at before anything is read */
};

enum stream_state { STREAM_NONE, STREAM_OPEN, STREAM_ENDED, STREAM_BROKEN };

/* An answer that leaves while it is written. */
struct stream {
    enum stream_state state;
    struct text part;         /* what there is to be taken */
    struct fiber *producer;   /* sleeps until the part is taken; NULL: it does something else */
    bool left_by_client;      /* the connection has ended before the producer */
    bool closed;              /* the producer has ended */
    bool waking;              /* among those that stream_run goes through */
    struct exchange *next;    /* among them */
    struct gzip_stream *gzip; /* NULL: it is not compressed */
    char *room;               /* what it becomes */
    size_t room_len;
};

/* A request and what the HTTP server adds to it. */
struct exchange {
    struct request rq;
    struct http *http;
    struct MHD_Connection *mhd;
    struct connection *connection;
    struct exchange *next; /* among the free ones, or those to resume */
    struct header_scan scan;
    const char *raw_target; /* in libmicrohttpd's memory */
    bool begun, started, suspended, resuming, answered, queued, close;
    char *body;
    size_t body_len, body_size, body_limit; /* the limit is 0 until it is known */
    bool body_limit_asked;                  /* of the hook, beyond the setting */
    uint64_t body_passed;                   /* bytes of a body that is too large, read and not kept */
    bool body_in_arena, body_too_large, body_lost;
    struct stream stream;
};

struct http {
    struct watch watch;
    struct loop *loop;
    const struct http_settings *settings;
    struct http_metrics *metrics;
    struct http_hooks hooks;
    struct MHD_Daemon *daemon;
    int listener; /* libmicrohttpd's; -1 once it drains */
    struct timer sweep;
    LIST_HEAD(, connection) connections, rested, owing;
    struct connection *swept; /* where the watchdog's sweep continues; NULL: with the first */
    struct exchange *idle;
    size_t idle_count;
    struct exchange *resumable;
    struct exchange *awake, **last_awake; /* whose producers will continue */
    LIST_HEAD(, lingering) lingering;
    size_t lingering_count;
    size_t requests, connection_count;
    size_t pool_size, pool_budget; /* bytes: of a connection's memory, and the part that a request may take */
    uint64_t accepted, accepted_before; /* connections; how many there were at the watchdog's last sweep */
    unsigned stuck;                     /* sweeps since then that found clients waiting */
    uint64_t next_id;                   /* of the generated X-Request-IDs */
    unsigned steps;
    bool ready;    /* libmicrohttpd has something to do */
    bool draining; /* since `draining_since` */
    int64_t draining_since;
};

/* exchanges.c: the exchanges of a server. */

/* A request begins: keeps its target before anything is decoded or cut. NULL: no memory. */
struct exchange *exchange_new(struct http *http, struct MHD_Connection *mhd, char *target);
/* Neither the connection nor a fiber needs it any more. */
void exchange_free(struct exchange *x);
/* Frees the exchanges that are kept for later requests. */
void exchange_free_idle(struct http *http);
/* What the connection waits for from now on. */
void exchange_set_state(struct exchange *x, enum connection_state state);
/* Begins the time limit of its state anew. */
void exchange_renew(struct exchange *x);
/* Suspends the connection until it is woken; waking a connection that is not suspended does nothing. */
void exchange_suspend(struct exchange *x);
void exchange_wake_connection(struct exchange *x);

/* exchange.c: a request in libmicrohttpd's callbacks. */

/* The header is complete. */
enum MHD_Result exchange_begin(struct exchange *x, const char *method, const char *version) MUST_CHECK;
/* A part of the body. */
enum MHD_Result exchange_take(struct exchange *x, const char *bytes, size_t len) MUST_CHECK;
/* gather.c: the most bytes of the body; for a body of `len` bytes the hook is called only if necessary. */
size_t body_limit_for(struct exchange *x, uint64_t len);
/* Frees the received part of the body. */
void body_free(struct exchange *x);
/* The body is complete. */
enum MHD_Result exchange_start(struct exchange *x) MUST_CHECK;
/* The answer has been sent, or the connection has ended. */
void exchange_end(struct exchange *x);
/* Queues the answers that were given while libmicrohttpd did not run. */
void exchange_resume_answered(struct http *http);

/* stream.c: answers that are sent while they are written. */

#define STREAM_BLOCK ((size_t)16 << 10) /* the most bytes that libmicrohttpd takes at once */

/* The answer as libmicrohttpd takes it; NULL: no memory. */
struct MHD_Response *stream_response(struct exchange *x);
/* The connection has ended; whether the exchange has to stay until its producer has ended too. */
bool stream_leave(struct exchange *x) MUST_CHECK;
/* The producer has ended. */
void stream_close(struct exchange *x);
/* Lets a producer continue, or frees an exchange that nobody needs any more, in the next stream_run. */
void stream_wake(struct exchange *x);
/* Lets the producers whose parts are taken continue, for a few milliseconds. */
void stream_run(struct http *http);

/* connection.c */

void connection_opened(struct http *http, struct MHD_Connection *mhd, void **context);
void connection_closed(struct http *http, void **context);
/* A part of a request has arrived whose body is incomplete; all of the body has, or none will. */
void connection_owes(struct http *http, struct connection *c);
void connection_owes_nothing(struct connection *c);
/* Acknowledges what has arrived of the bodies that are incomplete, instead of after the kernel's delay. */
void connection_ask_for_rest(struct http *http);
/* Ends a connection from our side, whatever its state; libmicrohttpd cleans up. */
void connection_cut(struct connection *c);
/*
 * Before a suspension: lets libmicrohttpd take the answer before it reads from the connection again. It would
 * read first, and drop the answer if the client has closed its sending side meanwhile.
 */
void connection_answer_first(const struct http *http, struct connection *c);
/* Undoes that: the answer is taken. */
void connection_answer_taken(const struct http *http, struct connection *c);
/*
 * libmicrohttpd will close the connection, but does so only when it looks at it again: no event may come, and
 * without one it looks at those with a time-out of their own, each time it runs, 0.9.75 and 1.0.1 alike.
 */
void connection_closes(struct http *http, struct connection *c);

/* watchdog.c */

bool watchdog_start(struct http *http) MUST_CHECK;
void watchdog_stop(struct http *http);

/* pool.c: the memory of idle connections. */

/* Computes how many bytes libmicrohttpd keeps for a connection, and how many of them a request may take. */
void pool_plan(struct http *http);
/* Finds out where a connection's memory begins; `method` points to its first request line. */
void pool_find(const struct http *http, struct connection *c, const char *method);
/* Gives clean pages back to the kernel. */
void pool_trim(const struct http *http, struct connection *c);
/* Does so for the connections that have just become idle, while there is nothing else to do. */
void pool_trim_rested(struct http *http);
/* Whether hardly any connection is in use, so that the others will not touch their memory again soon. */
bool pool_is_calm(const struct http *http);
/* Counts the memory of a connection in use, until it is freed or the connection ends. */
void pool_count(const struct http *http, struct connection *c);
void pool_uncount(const struct http *http, struct connection *c);
void pool_enter_rested(struct http *http, struct connection *c);
void pool_leave_rested(struct connection *c);

/* linger.c: what a client still sends after it got its answer. */

/* Reads and discards on a duplicate of the descriptor, so that the client gets the answer and not a reset. */
void linger_start(struct http *http, int fd);
void linger_stop_all(struct http *http);

#endif
