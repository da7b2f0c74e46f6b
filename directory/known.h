/*
 * What User Progress knows of a user or a lab, as far as the other services want to know it.
 */
#ifndef DIRECTORY_KNOWN_H
#define DIRECTORY_KNOWN_H

#include "common/base/text.h"

struct known_user {
    struct text id; /* null: there is none */
    struct text username;
};

/* The oldest lab of a type. */
struct known_lab {
    struct text lab_type; /* null: there is no lab of that type */
    struct text name, description, difficulty;
};

#endif
