/* The part of a service that looks up users and labs on User Progress. */
#ifndef DIRECTORY_PARTS_H
#define DIRECTORY_PARTS_H

#include "common/serve/part.h"

extern const struct part directory_lookups;

#endif
