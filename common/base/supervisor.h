/* Tells the service manager that started the process how it is, as sd_notify(3) has it. */
#ifndef COMMON_BASE_SUPERVISOR_H
#define COMMON_BASE_SUPERVISOR_H

#include <stdbool.h>

/* Whether the service manager named a socket in NOTIFY_SOCKET. */
bool supervisor_listens(void);

/*
 * Sends a state such as `READY=1` to the socket that NOTIFY_SOCKET names: a path, or a name without a file
 * after `@`. True without that variable too: nobody asked. Does not wait.
 */
bool supervisor_tell(const char *state);

#endif
