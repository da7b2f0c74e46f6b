#include "usage-analytics/retention.h"

#include "common/items/retention.h"
#include "usage-analytics/retention.sql.h"

STATEMENT(match_old_events, REPORT, RETENTION_MATCH);
STATEMENT(delete_old_events, INGEST, RETENTION_DELETE);
STATEMENT(has_old_events, READ, RETENTION_ANY);

static const struct retention retention = {&match_old_events, &delete_old_events, &has_old_events};

enum reply retention_run(struct request *rq)
{
    return retention_reply(rq, &retention);
}

void retention_upkeep(struct request *rq)
{
    retention_keep(rq, &retention);
}
