/* The tables of the services, of which the link hides everything else (Makefile). */
#include "performance-reporting/api.h"
#include "tests/fuzz/support/fuzz.h"
#include "usage-analytics/api.h"
#include "user-progress/api.h"

const struct api *const fuzz_apis[FUZZ_SERVICES] = {&user_progress_api, &performance_reporting_api,
                                                    &usage_analytics_api};
