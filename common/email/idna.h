/*
 * International domain names: UTS #46 mapping (non-transitional) and the validity of IDNA2008 (RFC 5891).
 */
#ifndef COMMON_EMAIL_IDNA_H
#define COMMON_EMAIL_IDNA_H

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

enum idna_status {
    IDNA_OK,
    IDNA_LABEL_TOO_LONG, /* a label has more than 63 octets when encoded */
    IDNA_INVALID,
    IDNA_NO_MEMORY,
};

/*
 * Maps and checks a domain name, valid UTF-8 with or without A-labels. `*ascii` becomes the name with
 * A-labels, in lower case, `*unicode` the same with U-labels; both in the arena. Empty labels and ASCII
 * characters other than letters, digits and hyphens are left for the caller to check.
 */
MUST_CHECK enum idna_status idna_normalise(struct arena *arena, struct text domain, struct text *ascii,
                                           struct text *unicode);

#endif
