/*
 * The endpoints that every service has besides its own.
 */
#ifndef COMMON_SERVE_HEALTH_H
#define COMMON_SERVE_HEALTH_H

#include "common/table/api.h"

/* Whether every part of the service that it needs is ready, as /readyz answers. May wait. */
bool health_is_ready(struct request *rq);

handler_fn health_live, health_ready, health_metrics, health_openapi;

#define HEALTH_ENDPOINTS                                                                                     \
    {.method = METHOD_GET,                                                                                   \
     .path = "/livez",                                                                                       \
     .tag = "Service",                                                                                       \
     .summary = "Whether the process lives",                                                                 \
     .help = "Never touches the database.",                                                                  \
     .answer = &health_answer,                                                                               \
     .flags = ENDPOINT_DIRECT | ENDPOINT_OPEN | ENDPOINT_PROBE,                                              \
     .handle = health_live},                                                                                 \
        {.method = METHOD_GET,                                                                               \
         .path = "/readyz",                                                                                  \
         .tag = "Service",                                                                                   \
         .summary = "Whether the service can do its work",                                                   \
         .help = "The database is reachable and has the schema of this version. The answer also tells "      \
                 "whether User Progress answers, where users and labs are looked up there.",                 \
         .answer = &ready_answer,                                                                            \
         .flags = ENDPOINT_OPEN | ENDPOINT_PROBE,                                                            \
         .failures = {{503, "The database is not available"}},                                               \
         .handle = health_ready},                                                                            \
        {.method = METHOD_GET,                                                                               \
         .path = "/metrics",                                                                                 \
         .flags = ENDPOINT_DIRECT | ENDPOINT_HIDDEN,                                                         \
         .handle = health_metrics},                                                                          \
    {                                                                                                        \
        .method = METHOD_GET, .path = "/openapi.json",                                                       \
        .flags = ENDPOINT_DIRECT | ENDPOINT_OPEN | ENDPOINT_HIDDEN | ENDPOINT_TAGGED,                        \
        .handle = health_openapi                                                                             \
    }

extern const struct shape health_answer, ready_answer;

#endif
