#include "common/items/parameter.h"

#include "common/http/request.h"
#include "common/shape/coerce.h"

static void add(struct request *rq, struct faults *faults, enum fault_place place, const char *name,
                struct text value, const char *message)
{
    const struct fault_at at = {.place = place, .field = name, .item = -1};

    faults_add(faults, &at, &(struct fault){"value_error", message, NULL},
               input_print(&rq->arena, &(struct input){.string = value}));
}

static enum reply reply_bad(struct request *rq, enum fault_place place, const char *name, struct text value,
                            const char *message)
{
    struct faults faults = faults_start(&rq->arena);

    add(rq, &faults, place, name, value, message);
    return reply_faults(rq, &faults);
}

void parameter_add_fault(struct request *rq, struct faults *faults, const char *name, struct text value,
                         const char *message)
{
    add(rq, faults, FAULT_QUERY, name, value, message);
}

enum reply reply_bad_parameter(struct request *rq, const char *name, struct text value, const char *message)
{
    return reply_bad(rq, FAULT_QUERY, name, value, message);
}

enum reply reply_bad_member(struct request *rq, const char *name, struct text value, const char *message)
{
    return reply_bad(rq, FAULT_BODY, name, value, message);
}
