#include "common/base/uuid.h"

#include <uuid/uuid.h>

void uuid_print(char out[UUID_TEXT])
{
    uuid_t id;

    uuid_generate_random(id);
    uuid_unparse_lower(id, out);
}
