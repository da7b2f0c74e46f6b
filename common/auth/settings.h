/* The settings of the check of tokens: whose tokens are valid, and where their keys come from. */
#ifndef COMMON_AUTH_SETTINGS_H
#define COMMON_AUTH_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct auth_settings {
    const char *jwks_url; /* NULL: authentication is not configured; otherwise issuer and audience are set */
    const char *issuer;
    const char *audience;
    const char *auth0_domain;
    const char *ca_file; /* NULL: the system's certificates */
    bool required;
    bool subject_scoped;
    const char *service_token; /* NULL: none */
    int64_t fetch_timeout;     /* of the key set, milliseconds */
};

#endif
