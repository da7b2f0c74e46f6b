/* Labs: created, listed, changed and deleted here; the other two services take them from here. */
#ifndef USER_PROGRESS_LABS_H
#define USER_PROGRESS_LABS_H

#include "common/table/api.h"
#include "directory/directory.h"

handler_fn labs_create, labs_list, labs_list_of_type, labs_get, labs_update, labs_delete;

#endif
