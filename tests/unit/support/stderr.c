#include "tests/unit/support/stderr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#define KEPT_MAX 65536

static int before, file;

void stderr_keep(void)
{
    char name[] = "/tmp/unit-stderr-XXXXXX";

    fflush(stderr);
    before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    file = mkostemp(name, O_CLOEXEC);
    assert_true(before >= 0 && file >= 0);
    unlink(name);
    dup2(file, STDERR_FILENO);
}

const char *stderr_kept(void)
{
    static char kept[KEPT_MAX];

    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t len = pread(file, kept, sizeof(kept) - 1, 0);
    close(file);
    kept[len > 0 ? len : 0] = '\0';
    return kept;
}
