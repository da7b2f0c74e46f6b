/*
 * E-mail addresses as they are accepted and stored: the rules that Pydantic's EmailStr gets from
 * email-validator.
 */
#ifndef COMMON_EMAIL_EMAIL_H
#define COMMON_EMAIL_EMAIL_H

#include "common/base/arena.h"
#include "common/base/declare.h"
#include "common/base/text.h"

#define EMAIL_LIMIT 254 /* octets of an address (RFC 5321, section 4.5.3.1.3, without the angle brackets) */

/*
 * Validates and normalises an address: trims it, takes the address out of `Name <a@b.co>`, lower-cases and
 * normalises the domain. Returns true with `*normal` in the arena, or false with `*reason`, a sentence of
 * email-validator's (static or in the arena), NULL when memory is exhausted.
 */
MUST_CHECK bool email_normalise(struct arena *arena, struct text input, struct text *normal,
                                const char **reason);

#endif
