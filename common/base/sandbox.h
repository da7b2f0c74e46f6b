/*
 * What this process gives up for good, so that whoever makes it run other code gets little: core dumps,
 * privileges, all system calls except those that it and its libraries make (seccomp(2)), writing files and
 * reaching into other processes (landlock(7)).
 */
#ifndef COMMON_BASE_SANDBOX_H
#define COMMON_BASE_SANDBOX_H

#include <stdbool.h>

/*
 * What the kernel granted. Nothing in builds for sanitizers and valgrind, whose tools make calls of their
 * own.
 */
struct sandbox {
    bool calls;    /* system calls are filtered: one that is not on the list ends the process by SIGSYS */
    long landlock; /* the version of Landlock that holds; 0: none */
};

/* From now on a crash leaves nothing of the memory in a file, or with a program that collects dumps. */
bool sandbox_refuse_dumps(void);

/* To be called before any thread is started; what the kernel does not have is left out. */
struct sandbox sandbox_enter(void);

#endif
