/* Usage events: what users do in labs. */
#ifndef USAGE_ANALYTICS_EVENTS_H
#define USAGE_ANALYTICS_EVENTS_H

#include "common/table/api.h"

handler_fn events_record, events_record_many, events_get, events_list, events_export, events_update,
    events_delete;

extern const struct shape event_in_shape, event_item_shape, event_shape, event_path_shape, events_query_shape,
    events_page_shape, events_export_shape, listed_event_shape;

#endif
