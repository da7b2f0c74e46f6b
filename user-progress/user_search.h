/* Finding users: by their username, their email address, or the beginning of their username. */
#ifndef USER_PROGRESS_USER_SEARCH_H
#define USER_PROGRESS_USER_SEARCH_H

#include "common/table/api.h"

handler_fn user_search_list;

extern const struct shape user_search_query_shape, user_page_shape;

#endif
