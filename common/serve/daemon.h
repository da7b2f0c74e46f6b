/*
 * A daemon: settings, listening sockets, workers, signals.
 */
#ifndef COMMON_SERVE_DAEMON_H
#define COMMON_SERVE_DAEMON_H

#include "common/table/api.h"

/* The whole life of a daemon that serves `api`; what main returns. */
int daemon_main(const struct api *api, int argc, char **argv);

#endif
