#include "usage-analytics/event_erasure.h"

#include "common/pg/statement.h"
#include "privacy/erased.h"
#include "usage-analytics/event_erasure.sql.h"

STATEMENT(count_events_of, CHANGE, PARAMS(struct of_person, user_id), ROW(struct of_person, rows));
STATEMENT(erase_events_of, CHANGE, PARAMS(struct of_person, user_id, limit), ROW(struct of_person, rows));
STATEMENT(find_events_noted, CHANGE, PARAMS(struct of_person, user_id), ROW(struct of_person, rows));

enum reply events_erase(struct request *rq)
{
    static const struct erased_table table = {.name = "usage_events",
                                              .count = &count_events_of,
                                              .erase = &erase_events_of,
                                              .noted = &find_events_noted};

    return erased_run(rq, &table);
}
