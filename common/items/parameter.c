#include "common/items/parameter.h"

#include "common/http/request.h"
#include "common/shape/coerce.h"

enum reply reply_bad_parameter(struct request *rq, const char *name, struct text value, const char *message)
{
    const struct fault_at at = {.place = FAULT_QUERY, .field = name, .item = -1};
    struct faults faults = faults_start(&rq->arena);

    faults_add(&faults, &at, &(struct fault){"value_error", message, NULL},
               input_print(&rq->arena, &(struct input){.string = value}));
    return reply_faults(rq, &faults);
}
