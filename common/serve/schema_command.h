/*
 * `SERVICE schema`: makes the service's tables as the role that owns them (SCHEMA_DATABASE_URL), and grants
 * the role of DATABASE_URL what the service needs. It ends when nothing is left that needs the owner.
 */
#ifndef COMMON_SERVE_SCHEMA_COMMAND_H
#define COMMON_SERVE_SCHEMA_COMMAND_H

#include "common/table/api.h"

extern const struct command schema_command; /* of every service */

#endif
