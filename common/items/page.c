#include "common/items/page.h"

#include "common/http/request.h"
#include "common/http/target.h"
#include "common/items/parameter.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"

bool page_take_cursor(struct request *rq, struct text cursor, enum cursor_status status)
{
    switch (status) {
    case CURSOR_GOOD:
        return true;
    case CURSOR_OF_ANOTHER_QUERY:
        reply_bad_parameter(rq, "cursor", cursor, "cursor belongs to another query");
        return false;
    case CURSOR_NONE:
        break;
    }
    reply_bad_parameter(rq, "cursor", cursor, "not a cursor that an answer gave");
    return false;
}

/* A parameter of the query: as it was sent, and its name. */
struct sent {
    struct text raw, name;
};

/* Reads the parameters that the answer was made from; false: no memory. */
static bool read_sent(struct request *rq, struct sent list[static PARAMETERS_MAX], size_t *count)
{
    struct text left = rq->raw_query, name, value;

    for (*count = 0; *count < PARAMETERS_MAX && target_take_parameter(&left, &name, &value); ++*count) {
        struct text raw = {name.at, (size_t)(value.at + value.len - name.at)};
        list[*count] = (struct sent){raw, percent_decode(&rq->arena, name, true)};
        if (!list[*count].name.at)
            return false;
    }
    return true;
}

/* Whether the next page depends on a parameter: the endpoint has it, and of equal names the last counts. */
static bool matters(const struct shape *shape, const struct sent *sent, size_t later)
{
    if (text_equal(sent->name, TEXT("cursor")))
        return false;
    for (size_t i = 1; i <= later; i++)
        if (text_equal(sent->name, sent[i].name))
            return false;
    for (size_t i = 0; i < shape->count; i++)
        if (text_equal(sent->name, text_of(shape->fields[i].name)))
            return true;
    return false;
}

void page_add_link(struct request *rq, struct text cursor)
{
    static const char in_query[] = ":/?@!$&'()*+,;=%";
    struct writer link = writer_start(&rq->arena);
    struct sent list[PARAMETERS_MAX];
    size_t count;

    if (!read_sent(rq, list, &count))
        return;
    write_literal(&link, "<?");
    for (size_t i = 0; i < count; i++) {
        if (!matters(rq->endpoint->query_in, &list[i], count - 1 - i))
            continue;
        write_url(&link, list[i].raw, in_query);
        write_char(&link, '&');
    }
    write_literal(&link, "cursor=");
    write_text(&link, cursor);
    size_t target = rq->raw_path.len + link.len - 1; /* with `?`, without `<` */
    write_bytes(&link, ">; rel=\"next\"", sizeof(">; rel=\"next\""));
    if (!link.failed && target <= (size_t)rq->worker->settings->http.url_limit)
        reply_header(rq, "Link", link.at);
}

bool page_read_key(struct request *rq, struct text cursor, uint64_t hash, struct key *key)
{
    return page_take_cursor(rq, cursor, cursor_read_key(&rq->arena, cursor, hash, key));
}

bool page_set_next(struct request *rq, uint64_t hash, const struct key *key, struct text *next)
{
    *next = cursor_print_key(&rq->arena, hash, key);
    if (next->at)
        page_add_link(rq, *next);
    else
        reply_unavailable(rq);
    return next->at != NULL;
}
