/* The time zones that have several names, of which a database may know one only. */
#ifndef COMMON_ITEMS_ZONE_LINKS_H
#define COMMON_ITEMS_ZONE_LINKS_H

#include "common/base/text.h"

/*
 * The zone that a name is a link to, which is no link itself; null: it is none. Debian 13 has most links in a
 * package of their own (tzdata-legacy), which PostgreSQL does not depend on, and browsers still say
 * Asia/Calcutta.
 */
struct text zone_link(struct text name);

#endif
