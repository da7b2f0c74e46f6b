#include "user-progress/retention.h"

#include "common/items/retention.h"
#include "user-progress/retention.sql.h"

STATEMENT(match_old_attempts, REPORT, RETENTION_MATCH);
STATEMENT(delete_old_attempts, INGEST, RETENTION_DELETE);
STATEMENT(has_old_attempts, READ, RETENTION_ANY);

static const struct retention retention = {&match_old_attempts, &delete_old_attempts, &has_old_attempts};

enum reply retention_run(struct request *rq)
{
    return retention_reply(rq, &retention);
}

void retention_upkeep(struct request *rq)
{
    retention_keep(rq, &retention);
}
