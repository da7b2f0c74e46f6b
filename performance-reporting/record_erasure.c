#include "performance-reporting/record_erasure.h"

#include "common/pg/statement.h"
#include "performance-reporting/record_erasure.sql.h"
#include "privacy/erased.h"

STATEMENT(count_records_of, CHANGE, PARAMS(struct of_person, user_id), ROW(struct of_person, rows));
STATEMENT(erase_records_of, CHANGE, PARAMS(struct of_person, user_id, limit), ROW(struct of_person, rows));
STATEMENT(find_records_noted, CHANGE, PARAMS(struct of_person, user_id), ROW(struct of_person, rows));

enum reply records_erase(struct request *rq)
{
    static const struct erased_table table = {.name = "user_performance",
                                              .count = &count_records_of,
                                              .erase = &erase_records_of,
                                              .noted = &find_records_noted};

    return erased_run(rq, &table);
}
