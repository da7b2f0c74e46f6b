/* What the fuzz targets share. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/text.h"
#include "common/json/json.h"
#include "common/table/api.h"

/* libFuzzer's entry points; the first one may be missing. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* A property of the code; where it does not hold the input is a finding. */
#define HOLDS(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                    \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* The services' own tables. */
#define FUZZ_SERVICES 3
extern const struct api *const fuzz_apis[FUZZ_SERVICES];

/* Takes the text up to a separator, or all that is left, off the start of `*left`. */
struct text fuzz_take(struct text *left, char separator);

/* A number of one byte from the start of `*left`; 0 where nothing is left. */
unsigned fuzz_byte(struct text *left);

/* Parses what is JSON by all means. */
const struct json *fuzz_parse(struct arena *arena, struct text bytes);

/*
 * Whether an answer is JSON. Input that is repeated may hold the escapes of what PostgreSQL cannot store,
 * which are JSON but are not taken by the parser: texts with them are only held to be UTF-8.
 */
bool fuzz_is_json(struct text bytes);

/* A terminated copy, of a size of its own so that a byte read too far is found. */
char *fuzz_string(struct text t);

#endif
