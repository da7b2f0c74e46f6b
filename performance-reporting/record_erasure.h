/* Erasing a person's records. */
#ifndef PERFORMANCE_REPORTING_RECORD_ERASURE_H
#define PERFORMANCE_REPORTING_RECORD_ERASURE_H

#include "common/table/api.h"

handler_fn records_erase;

#endif
