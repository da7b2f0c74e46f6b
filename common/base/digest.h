/*
 * SHA-256 of texts, by OpenSSL (FIPS 180-4).
 *
 * A digester belongs to one thread. Nothing here waits.
 */
#ifndef COMMON_BASE_DIGEST_H
#define COMMON_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/declare.h"
#include "common/base/text.h"

#define DIGEST_SIZE 32
#define DIGEST_TEXT (2 * DIGEST_SIZE + 1) /* bytes of it in hexadecimal digits, terminated */

struct digest {
    unsigned char bytes[DIGEST_SIZE];
};

struct digester;

/* NULL: memory is exhausted. */
MUST_CHECK struct digester *digester_open(void);
void digester_close(struct digester *digester);

/* The digest of the texts, concatenated; false: memory is exhausted. */
MUST_CHECK bool digester_run(struct digester *digester, const struct text *texts, size_t count,
                             struct digest *digest);

/* Prints a digest into DIGEST_TEXT bytes. */
void digest_print(char *out, const struct digest *digest);

#endif
