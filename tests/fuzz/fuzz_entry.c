/*
 * Entries of the progress log, whose bodies the handlers read themselves: what is taken prints as JSON that
 * is taken again, the same, and a change of it leaves an entry.
 *
 * An input is the body of a new entry and, after a NUL, one that changes it.
 */
#include <string.h>

#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "tests/fuzz/support/fuzz.h"
#include "user-progress/entry.h"

static const struct settings settings = {.string_limit = 300};
static struct worker worker = {.settings = &settings};

static void check_refusal(const struct request *rq)
{
    HOLDS(rq->status == 400 && !rq->out.failed && fuzz_is_json((struct text){rq->out.at, rq->out.len}));
}

static void check_entry(const struct progress_entry *entry)
{
    struct arena arena = {0};
    const struct json *members = fuzz_parse(&arena, entry->members.bytes);
    struct json_entry *entries;
    size_t count;

    HOLDS(json_type(members) == JSON_OBJECT && json_entries(&arena, members, &entries, &count));
    HOLDS(count > 0 && count <= ENTRY_MEMBERS_MAX && entry->date.len == 10);
    for (size_t i = 0; i < count; i++)
        HOLDS(json_type(entries[i].value) != JSON_LIST && json_type(entries[i].value) != JSON_OBJECT &&
              json_type(entries[i].value) != JSON_NULL);
    struct text printed = entry_print(&arena, entry);
    HOLDS(json_type(fuzz_parse(&arena, printed)) == JSON_OBJECT);
    arena_free(&arena);
}

/* What was kept as the body of a new entry. */
static void read_again(const struct progress_entry *entry)
{
    struct request rq = {.worker = &worker};
    struct progress_entry again = {0};
    struct writer w = writer_start(&rq.arena);

    write_literal(&w, "{\"user_id\":");
    write_json_text(&w, entry->user_id);
    write_literal(&w, ",\"date\":");
    write_json_text(&w, entry->date);
    write_char(&w, ',');
    write_bytes(&w, entry->members.bytes.at + 1, entry->members.bytes.len - 1);
    rq.body_bytes = (struct text){w.at, w.len};
    HOLDS(!w.failed && entry_read(&rq, &again));
    HOLDS(text_equal(again.user_id, entry->user_id) && text_equal(again.date, entry->date));
    HOLDS(text_equal(again.members.bytes, entry->members.bytes));
    arena_free(&rq.arena);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    shape_set_limits(&(struct shape_limits){.text = 300, .list = 20});
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct text left = {len ? (const char *)bytes : "", len};
    struct request rq = {.worker = &worker};
    struct progress_entry entry = {0};
    const struct json *change;

    rq.body_bytes = fuzz_take(&left, '\0');
    if (!entry_read(&rq, &entry)) {
        check_refusal(&rq);
    } else {
        check_entry(&entry);
        read_again(&entry);
        rq.body_bytes = left;
        if (entry_read_object(&rq, &change) && entry_change(&rq, change, &entry))
            check_entry(&entry);
        else
            check_refusal(&rq);
    }
    arena_free(&rq.arena);
    return 0;
}
