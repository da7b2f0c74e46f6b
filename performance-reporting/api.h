/* The endpoint table of Performance Reporting. */
#ifndef PERFORMANCE_REPORTING_API_H
#define PERFORMANCE_REPORTING_API_H

#include "common/table/api.h"

extern const struct api performance_reporting_api;

#endif
