#include "common/serve/schema_command.h"

#include <stdlib.h>

#include "common/pg/owner.h"
#include "common/serve/settings.h"

static int run(const struct settings *settings, const struct api *api)
{
    const struct pg_schema schema = {api->name, api->schema, api->schema_version, api->table};

    return owner_make_schema(&settings->pg, &schema) ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct command schema_command = {
    "schema", "make the tables as their owner, and grant the service's role what it needs", run};
