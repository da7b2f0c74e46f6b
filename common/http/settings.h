/* What the HTTP server is given: its part of the settings, and its callbacks. */
#ifndef COMMON_HTTP_SETTINGS_H
#define COMMON_HTTP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct request;
struct worker;

struct http_settings {
    int64_t body_limit, header_limit, url_limit; /* bytes */
    int64_t connection_limit;                    /* open connections of the process */
    int64_t header_timeout, body_timeout, write_timeout, keepalive_timeout; /* milliseconds */
    bool server_timing;
    const char *cors_origins; /* separated by commas */
};

struct http_hooks {
    struct worker *worker; /* becomes the worker of each request; not used in this room */
    /* A request is complete: answers it with http_answer, at once or later. */
    void (*on_request)(struct request *rq);
    /*
     * A request is refused before it is complete and has its reply (400, 413, 414, 431, 503): hands it to
     * http_answer at once.
     */
    void (*on_refused)(struct request *rq);
    /* An answer will be sent in parts: adds the headers that every answer has. */
    void (*on_stream)(struct request *rq);
    /* The most bytes of a request's body, by its method and path, if that is more than the setting. */
    int64_t (*body_limit)(const struct request *rq);
    /* A few requests of a turn are done: lets other parts of the worker run. Resumes fibers. */
    void (*on_step)(struct worker *worker);
};

#endif
