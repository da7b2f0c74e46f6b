#include "performance-reporting/retention.h"

#include "common/items/retention.h"
#include "performance-reporting/retention.sql.h"

STATEMENT(match_old_records, REPORT, RETENTION_MATCH);
STATEMENT(delete_old_records, INGEST, RETENTION_DELETE);
STATEMENT(has_old_records, READ, RETENTION_ANY);

static const struct retention retention = {&match_old_records, &delete_old_records, &has_old_records};

enum reply retention_run(struct request *rq)
{
    return retention_reply(rq, &retention);
}

void retention_upkeep(struct request *rq)
{
    retention_keep(rq, &retention);
}
