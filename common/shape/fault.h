/* Faults of a request's input, printed as in FastAPI's answers. */
#ifndef COMMON_SHAPE_FAULT_H
#define COMMON_SHAPE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/declare.h"
#include "common/base/text.h"
#include "common/json/json.h"
#include "common/json/writer.h"

struct arena;
struct input;

/* Where a fault was found. */
enum fault_place { FAULT_PATH, FAULT_QUERY, FAULT_BODY };

/*
 * The faults of one request, in Pydantic's shape. They are written when they are found:
 * `{"type","loc","msg","input"[,"ctx"]}` joined by commas. At most FAULTS_LIMIT are kept.
 */
#define FAULTS_LIMIT 1000
struct faults {
    struct writer out; /* the list without its brackets */
    size_t count;
    bool of_item; /* of an item of the body's list: places contain its index, and the input is not repeated */
    int64_t index;
    const char *first; /* of an item: the first message, in the arena; NULL: none, or no memory */
};

struct faults faults_start(struct arena *arena);

/* The same for an item of the body's list: at most ITEM_FAULTS_LIMIT are kept, names are cut at
 * FAULT_NAME_MAX code points, and no input is repeated. */
#define ITEM_FAULTS_LIMIT 10
#define FAULT_NAME_MAX    100
struct faults faults_start_item(struct arena *arena, int64_t index);

struct fault {
    const char *type;
    const char *message;
    const char *context; /* JSON, or NULL */
};

/* The `loc` of a fault: ["body","errors",3]. */
struct fault_at {
    enum fault_place place;
    const char *field;  /* NULL: the whole input */
    struct text member; /* of the field's object; null: none */
    int64_t item;       /* of the field's list; negative: none */
};

/* Adds a fault with its input, which is already printed as JSON; ignored beyond FAULTS_LIMIT. */
void faults_add(struct faults *faults, const struct fault_at *at, const struct fault *fault,
                struct text input);

/* An input printed as JSON into the arena; the null text when memory is exhausted. */
MUST_CHECK struct text input_print(struct arena *arena, const struct input *input);

/*
 * Adds the fault of a body that is not JSON (`json_invalid`), or of one whose type is not JSON, which may be
 * any bytes: they are repeated as a string, with U+FFFD for bytes that are not UTF-8. An empty one is
 * `missing`.
 */
void faults_add_invalid_json(struct faults *faults, const struct json_error *error);
void faults_add_not_json(struct faults *faults, struct text body);

extern const struct fault fault_missing, fault_no_object;

#endif
