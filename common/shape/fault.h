/*
 * Faults of a request's input, printed as FastAPI answers them; for shape.c.
 */
#ifndef COMMON_SHAPE_FAULT_H
#define COMMON_SHAPE_FAULT_H

#include "common/base/declare.h"
#include "common/shape/coerce.h"
#include "common/shape/shape.h"

struct fault {
    const char *type;
    const char *message;
    const char *context; /* JSON, or NULL */
};

/* The `loc` of a fault: ["body","errors",3]. */
struct fault_at {
    enum fault_place place;
    const char *field;  /* NULL: the whole */
    struct text member; /* of the field's object; null: none */
    int64_t item;       /* of the field's list; negative: none */
};

/* Adds a fault with its input, already printed as JSON; ignored beyond FAULTS_LIMIT. */
void faults_add(struct faults *faults, const struct fault_at *at, const struct fault *fault,
                struct text input);

/* An input printed as JSON into the arena; the null text when memory is exhausted. */
MUST_CHECK struct text input_print(struct arena *arena, const struct input *input);

extern const struct fault fault_missing, fault_no_object;

#endif
