/* Performance reports: totals of the records of a lab type or of a user. Reports write nothing. */
#ifndef PERFORMANCE_REPORTING_REPORTS_H
#define PERFORMANCE_REPORTING_REPORTS_H

#include "common/table/api.h"

handler_fn reports_of_lab, reports_of_user;

extern const struct shape lab_report_shape, user_report_shape;

#endif
