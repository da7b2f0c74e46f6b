#include "user-progress/user_search.h"

#include "common/auth/auth.h"
#include "common/http/request.h"
#include "common/items/page.h"
#include "common/items/parameter.h"
#include "common/serve/query.h"
#include "common/shape/declare.h"
#include "directory/directory.h"
#include "user-progress/user_search.sql.h"

struct user_search_query {
    struct text username, email, prefix, cursor;
    int64_t limit;
};

#define OF struct user_search_query
static const struct field user_search_query_fields[] = {
    FIELD(TEXT, username, .help = "The whole username.", .example = "\"testuser1\""),
    FIELD(EMAIL, email, .help = "The whole email address; its domain in any case of letters."),
    FIELD(TEXT, prefix, .help = "The beginning of the username, in the case of letters that it has."),
    PAGE_QUERY_FIELDS("The most users of a page."),
};
const struct shape user_search_query_shape = SHAPE("UserSearchQuery", NULL, user_search_query_fields);
#undef OF

struct user_page {
    struct rows items;
    struct text next;
};

#define OF struct user_page
static const struct field user_page_fields[] = {
    FIELD(LIST, items, .of = &user_shape, .help = "In the order of the bytes of their usernames."),
    PAGE_NEXT_FIELD("null"),
};
const struct shape user_page_shape = SHAPE("UserPage", "Users that were found.", user_page_fields);
#undef OF

struct user_search {
    struct text username, email, prefix, after;
    int64_t limit;
};

STATEMENT(find_users, REPORT, .planned_anew = true,
          PARAMS(struct user_search, username, email, prefix, after, limit),
          ROW(struct user, username, full_name, email, id, created_at, last_active));

/* Whether exactly one filter is given; false: the reply is 422. */
static bool require_one_filter(struct request *rq, const struct user_search_query *query)
{
    int given = (query->username.at != NULL) + (query->email.at != NULL) + (query->prefix.at != NULL);
    struct text value = query->prefix.at ? query->prefix : query->email.at ? query->email : TEXT("");

    if (given != 1)
        reply_bad_parameter(rq, "prefix", value, "exactly one of username, email and prefix must be given");
    return given == 1;
}

enum reply user_search_list(struct request *rq)
{
    const struct user_search_query *query = rq->query;
    const struct text filters[] = {query->username, query->email, query->prefix};
    uint64_t hash = cursor_hash(filters, COUNT(filters));
    struct key key = {.text = TEXT_NULL};
    struct user_page page = {0};

    if (!auth_require_user(rq, TEXT_NULL) || !require_one_filter(rq, query) ||
        (query->cursor.at && !page_read_key(rq, query->cursor, hash, &key)))
        return REPLIED;
    const struct user_search search = {query->username, query->email, query->prefix, key.text,
                                       query->limit + 1};
    if (query_rows(rq, &find_users, &search, &page.items) == QUERY_REPLIED)
        return REPLIED;
    if (page.items.count > (size_t)query->limit) {
        page.items.count = (size_t)query->limit;
        key = (struct key){.text = ((const struct user *)page.items.items)[query->limit - 1].username};
        if (!page_set_next(rq, hash, &key, &page.next))
            return REPLIED;
    }
    return reply(rq, &user_page_shape, &page);
}
