/* What the other services learn from User Progress about a user or a lab. */
#ifndef DIRECTORY_KNOWN_H
#define DIRECTORY_KNOWN_H

#include "common/base/text.h"

struct known_user {
    struct text id; /* null: there is no such user */
    struct text username;
};

/* The oldest lab of a type. */
struct known_lab {
    struct text lab_type; /* null: there is no lab of that type */
    struct text name, description, difficulty;
};

#endif
