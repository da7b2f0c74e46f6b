#include "user-progress/person.h"

#include "common/http/request.h"
#include "common/serve/query.h"
#include "privacy/kept.h"
#include "user-progress/person.sql.h"

/* It reads the primary: what was written just before counts too. */
STATEMENT(count_person, CHANGE, PARAMS(struct person, user_id),
          ROW(struct person, username, email, users, lab_attempts, progress_events, progress_logs));

bool person_count(struct request *rq, struct person *person)
{
    if (query_row(rq, &count_person, person, person) != QUERY_ROW)
        return false;
    const struct text names[] = {person->user_id, person->username, person->email};
    return kept_count(rq, names, COUNT(names), &person->idempotency_keys);
}

bool person_is_known(const struct person *person)
{
    return person->users || person->lab_attempts || person->progress_events || person->progress_logs;
}
