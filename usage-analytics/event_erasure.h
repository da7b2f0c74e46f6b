/* Erasing a person's events. */
#ifndef USAGE_ANALYTICS_EVENT_ERASURE_H
#define USAGE_ANALYTICS_EVENT_ERASURE_H

#include "common/table/api.h"

handler_fn events_erase;

#endif
