/* Users who may need a person: who fails, who stopped, who never began, by a rule that answers repeat. */
#ifndef USER_PROGRESS_AT_RISK_H
#define USER_PROGRESS_AT_RISK_H

#include "common/table/api.h"

handler_fn at_risk_list;

extern const struct shape at_risk_query_shape, at_risk_shape;

#endif
