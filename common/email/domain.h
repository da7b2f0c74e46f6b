/* The domain of an address: the part after the @-sign. */
#ifndef COMMON_EMAIL_DOMAIN_H
#define COMMON_EMAIL_DOMAIN_H

#include "common/email/check.h"

/*
 * Gives the domain as it is printed, in U-labels, and as it is sent, in A-labels, both in the arena. False
 * with the reason if it is not valid.
 */
MUST_CHECK bool domain_normalise(struct check *check, struct text domain, struct text *normal,
                                 struct text *ascii);

#endif
