/*
 * Random identifiers: UUID version 4 (RFC 9562, section 5.4).
 */
#ifndef COMMON_BASE_UUID_H
#define COMMON_BASE_UUID_H

#define UUID_TEXT 37 /* bytes of a printed UUID with its end */

/* Prints a new UUID, lower case. */
void uuid_print(char out[UUID_TEXT]);

#endif
