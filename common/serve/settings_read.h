/*
 * Reads the settings: from the environment (`REQUEST_TIMEOUT_MS`) or a flag of the same meaning
 * (`--request-timeout-ms`), which wins. A secret can also come from a file (`DATABASE_URL_FILE`). Read once,
 * before any thread starts.
 */
#ifndef COMMON_SERVE_SETTINGS_READ_H
#define COMMON_SERVE_SETTINGS_READ_H

#include "common/base/declare.h"
#include "common/serve/settings_table.h"

struct api;

/* Fills the settings for a daemon. Strings point into the environment, argv or memory that lives as long as
 * the process. */
MUST_CHECK enum settings_status settings_read(struct settings *settings, const struct api *api, int argc,
                                              char **argv);

#endif
