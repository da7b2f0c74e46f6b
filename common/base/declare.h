/*
 * What C lacks for declarations: the count of an array, the struct around a member, results that must be
 * used, a macro applied to each of its arguments.
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

/* A result that must not be ignored: -Wunused-result names the place. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* `f(x, a), f(x, b), …` for one to 16 arguments, and how many there are. */
#define EACH_ARGUMENT(f, x, ...) ARGUMENTS_OF(ARGUMENT_COUNT(__VA_ARGS__), f, x, __VA_ARGS__)

#define ARGUMENT_COUNT(...) ARGUMENTS_PICK(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)

#define ARGUMENTS_PICK(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, n, ...) n

#define ARGUMENTS_OF(n, f, x, ...)    ARGUMENTS_PASTE(n, f, x, __VA_ARGS__)
#define ARGUMENTS_PASTE(n, f, x, ...) ARGUMENTS_##n(f, x, __VA_ARGS__)

#define ARGUMENTS_1(f, x, a)       f(x, a)
#define ARGUMENTS_2(f, x, a, ...)  f(x, a), ARGUMENTS_1(f, x, __VA_ARGS__)
#define ARGUMENTS_3(f, x, a, ...)  f(x, a), ARGUMENTS_2(f, x, __VA_ARGS__)
#define ARGUMENTS_4(f, x, a, ...)  f(x, a), ARGUMENTS_3(f, x, __VA_ARGS__)
#define ARGUMENTS_5(f, x, a, ...)  f(x, a), ARGUMENTS_4(f, x, __VA_ARGS__)
#define ARGUMENTS_6(f, x, a, ...)  f(x, a), ARGUMENTS_5(f, x, __VA_ARGS__)
#define ARGUMENTS_7(f, x, a, ...)  f(x, a), ARGUMENTS_6(f, x, __VA_ARGS__)
#define ARGUMENTS_8(f, x, a, ...)  f(x, a), ARGUMENTS_7(f, x, __VA_ARGS__)
#define ARGUMENTS_9(f, x, a, ...)  f(x, a), ARGUMENTS_8(f, x, __VA_ARGS__)
#define ARGUMENTS_10(f, x, a, ...) f(x, a), ARGUMENTS_9(f, x, __VA_ARGS__)
#define ARGUMENTS_11(f, x, a, ...) f(x, a), ARGUMENTS_10(f, x, __VA_ARGS__)
#define ARGUMENTS_12(f, x, a, ...) f(x, a), ARGUMENTS_11(f, x, __VA_ARGS__)
#define ARGUMENTS_13(f, x, a, ...) f(x, a), ARGUMENTS_12(f, x, __VA_ARGS__)
#define ARGUMENTS_14(f, x, a, ...) f(x, a), ARGUMENTS_13(f, x, __VA_ARGS__)
#define ARGUMENTS_15(f, x, a, ...) f(x, a), ARGUMENTS_14(f, x, __VA_ARGS__)
#define ARGUMENTS_16(f, x, a, ...) f(x, a), ARGUMENTS_15(f, x, __VA_ARGS__)

#endif
