#include "common/pg/remedy.h"

#include <string.h>

enum remedy remedy_for(const char *sqlstate, bool alone)
{
    static const struct {
        const char *prefix;
        enum remedy together, alone;
    } remedies[] = {
        {"57014", REMEDY_ALONE, REMEDY_NONE},       /* statement_timeout */
        {"0A000", REMEDY_PREPARE, REMEDY_PREPARE},  /* a column's type has changed since it was planned */
        {"42P01", REMEDY_LOOK, REMEDY_LOOK},        /* a table is missing */
        {"26", REMEDY_RECONNECT, REMEDY_RECONNECT}, /* the prepared statement is gone */
        {"25", REMEDY_RECONNECT, REMEDY_RECONNECT}, /* read-only: this host is not a primary any more */
        {"53", REMEDY_NONE, REMEDY_NONE},           /* disk full, out of memory */
        {"57", REMEDY_RECONNECT, REMEDY_RECONNECT}, /* shutting down */
        {"58", REMEDY_NONE, REMEDY_NONE},           /* I/O error */
        {"40", REMEDY_ALONE, REMEDY_AGAIN},         /* deadlock, serialization */
        {"23", REMEDY_ALONE, REMEDY_CONFLICT},      /* a constraint */
        {"", REMEDY_ALONE, REMEDY_NONE},
    };

    for (size_t i = 0;; i++)
        if (strncmp(sqlstate, remedies[i].prefix, strlen(remedies[i].prefix)) == 0)
            return alone ? remedies[i].alone : remedies[i].together;
}
