/* Performance records: the results of attempts at labs. */
#ifndef PERFORMANCE_REPORTING_RECORDS_H
#define PERFORMANCE_REPORTING_RECORDS_H

#include "common/table/api.h"

handler_fn records_create, records_create_many, records_get, records_list, records_export, records_update,
    records_delete;

extern const struct shape record_in_shape, record_item_shape, record_shape, record_path_shape,
    records_query_shape, records_page_shape, records_export_shape, listed_record_shape;

#endif
