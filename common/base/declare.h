/*
 * What C leaves out of declarations: the count of an array, the struct around a member, results that matter.
 */
#ifndef COMMON_BASE_DECLARE_H
#define COMMON_BASE_DECLARE_H

#include <stddef.h>

/* How many elements an array has; a pointer does not compile (-Wsizeof-pointer-div). */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that a member lies in; the pointer must be of the member's own type. */
#define container_of(pointer, type, member)                                                                  \
    ({                                                                                                       \
        __typeof__(((type *)0)->member) *member_ = (pointer);                                                \
        (type *)(void *)((char *)member_ - offsetof(type, member));                                          \
    })

/* A result that must not be passed over: -Wunused-result names the place. */
#define MUST_CHECK __attribute__((warn_unused_result))

#endif
