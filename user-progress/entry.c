#include "user-progress/entry.h"

#include "common/base/iso8601.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/shape/declare.h"

/* The most members of a body: a change may remove as many as it sets, and send user_id, date and log_id. */
#define SENT_MAX (2 * ENTRY_MEMBERS_MAX + 3)
#define TOO_MANY "An entry has at most 100 members of its own"

#define DATE_HELP "YYYY-MM-DD."

#define OF struct progress_entry
static const struct field entry_fields[] = {
    FIELD(INT, log_id, .example = "7"),
    FIELD(TEXT, user_id, .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
    FIELD(TEXT, date, .help = DATE_HELP, .example = "\"2025-04-19\""),
    FIELD_NAMED(MEMBERS, NULL, members,
                .help = "What the entry is about, in the order in which it was sent: strings, numbers and "
                        "booleans."),
};

const struct shape entry_shape = SHAPE("ProgressLog", "An entry of the progress log.", entry_fields);

/* For the OpenAPI document only: entry_read and entry_change read these bodies. */
static const struct field entry_in_fields[] = {
    FIELD(TEXT, user_id, .flags = FIELD_REQUIRED, .help = "Whose progress it is.",
          .example = "\"7be06c80-fbc6-4280-aed1-16f8749df77b\""),
    FIELD(TEXT, date, .help = DATE_HELP " By default today in UTC.", .example = "\"2025-04-19\""),
    FIELD_NAMED(MEMBERS, NULL, members,
                .help =
                    "At least one and at most 100 strings, numbers or booleans: what the entry is about."),
};

const struct shape entry_in_shape =
    SHAPE("ProgressLogCreate", "A new entry of the progress log.", entry_in_fields);

static const struct field entry_change_fields[] = {
    FIELD(TEXT, date, .help = DATE_HELP, .example = "\"2025-04-19\""),
    FIELD_NAMED(MEMBERS, NULL, members, .flags = FIELD_NULLABLE,
                .help =
                    "Strings, numbers or booleans to set; null removes a member. At least one must be left."),
};

const struct shape entry_change_shape =
    SHAPE("ProgressLogUpdate", "What changes of an entry.", entry_change_fields);
#undef OF

static bool refuse(struct request *rq, const char *error)
{
    reply_member(rq, 400, "error", error);
    return false;
}

static bool give_up(struct request *rq)
{
    reply_unavailable(rq);
    return false;
}

/* A value is seen but not what it contains: lists and objects are refused. */
static enum json_see see_value(const void *of, struct text name)
{
    (void)of;
    (void)name;
    return SEE_VALUE;
}

bool entry_read_object(struct request *rq, const struct json **object)
{
    static const struct json_view view = {.member = see_value};
    struct json_error error;

    if (!request_is_json(rq))
        return refuse(rq, "The body is not declared as JSON");
    switch (json_parse_seen(&rq->arena, rq->body_bytes, &view, object, &error)) {
    case JSON_OK:
        break;
    case JSON_NO_MEMORY:
        return give_up(rq);
    default:
        return refuse(rq, "The body is not valid JSON");
    }
    return json_type(*object) == JSON_OBJECT || refuse(rq, "The body must be a JSON object");
}

/* Whether an entry may have the value; `null` is valid only in a change, where it removes the member. */
static bool check_value(struct request *rq, const struct json_entry *member, bool may_remove)
{
    size_t limit = (size_t)rq->worker->settings->string_limit;
    const char *fault = NULL;

    switch (json_type(member->value)) {
    case JSON_BOOL:
        return true;
    case JSON_NUMBER:
        fault = json_raw(member->value).len > limit ? "has too many digits" : NULL;
        break;
    case JSON_TEXT:
        fault = text_code_points(json_text(member->value)) > limit ? "is too long" : NULL;
        break;
    case JSON_NULL:
        if (may_remove)
            return true;
        /* fall through */
    default:
        fault = "must be a string, a number or a boolean";
    }
    if (!fault)
        return true;
    const char *error = arena_printf(&rq->arena, "%.*s %s", (int)member->name.len, member->name.at, fault);
    return error ? refuse(rq, error) : give_up(rq);
}

static bool check_date(struct request *rq, const struct json *value)
{
    if (json_type(value) == JSON_TEXT && iso8601_is_date(json_text(value)))
        return true;
    return refuse(rq, "date must be a day as YYYY-MM-DD");
}

static bool is_own(struct text name)
{
    return !text_equal(name, TEXT("user_id")) && !text_equal(name, TEXT("date")) &&
           !text_equal(name, TEXT("log_id"));
}

/* Checks the date of a body, and the members that the client chose. */
static bool check_members(struct request *rq, const struct json_entry *members, size_t count, bool may_remove)
{
    if (count > SENT_MAX)
        return refuse(rq, TOO_MANY);
    for (size_t i = 0; i < count; i++) {
        if (text_equal(members[i].name, TEXT("date"))) {
            if (!check_date(rq, members[i].value))
                return false;
        } else if (is_own(members[i].name)) {
            if (text_code_points(members[i].name) > NAME_LIMIT)
                return refuse(rq, "The name of a member has more than 255 characters");
            if (!check_value(rq, &members[i], may_remove))
                return false;
        }
    }
    return true;
}

static void write_member(struct writer *w, const struct json_entry *member)
{
    write_char(w, w->len ? ',' : '{');
    write_json_text(w, member->name);
    write_char(w, ':');
    if (json_type(member->value) == JSON_TEXT)
        write_json_text(w, json_text(member->value));
    else
        write_text(w, json_raw(member->value));
}

static const struct json *find(const struct json_entry *members, size_t count, struct text name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(members[i].name, name))
            return members[i].value;
    return NULL;
}

/*
 * Prints the members of the changed entry: first the old ones, some with new values or removed, then the new
 * ones.
 */
static bool merge(struct request *rq, const struct json_entry *old, size_t old_count,
                  const struct json_entry *sent, size_t sent_count, struct kept_json *members)
{
    struct writer w = writer_start(&rq->arena);
    size_t count = 0;

    for (size_t i = 0; i < old_count + sent_count; i++) {
        struct json_entry member = i < old_count ? old[i] : sent[i - old_count];
        const struct json *changed = i < old_count ? find(sent, sent_count, member.name) : NULL;
        if (!is_own(member.name) || (i >= old_count && find(old, old_count, member.name)))
            continue;
        if (changed)
            member.value = changed;
        if (json_type(member.value) == JSON_NULL)
            continue;
        write_member(&w, &member);
        count++;
    }
    if (count == 0)
        return refuse(rq, "An entry needs at least one member of its own");
    if (count > ENTRY_MEMBERS_MAX)
        return refuse(rq, TOO_MANY);
    write_char(&w, '}');
    members->bytes = (struct text){w.at, w.len};
    return !w.failed || give_up(rq);
}

static struct text today(struct arena *arena)
{
    char now[TIME_TEXT_MAX];

    time_print(now, clock_of_day(), TIME_NAIVE);
    return arena_text(arena, (struct text){now, DATE_TEXT});
}

bool entry_read(struct request *rq, struct progress_entry *entry)
{
    const struct json *object;
    struct json_entry *members;
    size_t count;

    if (!entry_read_object(rq, &object))
        return false;
    if (!json_entries(&rq->arena, object, &members, &count))
        return give_up(rq);
    const struct json *user_id = json_member(object, "user_id"), *date = json_member(object, "date");
    if (!user_id)
        return refuse(rq, "user_id is missing");
    if (json_type(user_id) != JSON_TEXT || text_code_points(json_text(user_id)) > NAME_LIMIT)
        return refuse(rq, "user_id must be a string of at most 255 characters");
    if (json_member(object, "log_id"))
        return refuse(rq, "log_id is given by the service");
    if (!check_members(rq, members, count, false) || !merge(rq, NULL, 0, members, count, &entry->members))
        return false;
    entry->user_id = json_text(user_id);
    entry->date = date ? json_text(date) : today(&rq->arena);
    return entry->date.at || give_up(rq);
}

/* A change may send the ids of the entry, but only the same ones. */
static bool check_identity(struct request *rq, const struct progress_entry *entry, const struct json *object)
{
    const struct json *user_id = json_member(object, "user_id"), *log_id = json_member(object, "log_id");

    if (user_id && (json_type(user_id) != JSON_TEXT || !text_equal(json_text(user_id), entry->user_id)))
        return refuse(rq, "user_id cannot be changed");
    if (log_id && (json_type(log_id) != JSON_NUMBER || json_double(log_id) != (double)entry->log_id))
        return refuse(rq, "log_id cannot be changed");
    return true;
}

bool entry_change(struct request *rq, const struct json *object, struct progress_entry *entry)
{
    const struct json *stored;
    struct json_entry *old, *sent;
    size_t old_count, sent_count;
    struct json_error error;

    if (!check_identity(rq, entry, object))
        return false;
    if (json_parse(&rq->arena, entry->members.bytes, &stored, &error) != JSON_OK ||
        !json_entries(&rq->arena, stored, &old, &old_count) ||
        !json_entries(&rq->arena, object, &sent, &sent_count))
        return give_up(rq);
    if (!check_members(rq, sent, sent_count, true))
        return false;
    if (sent_count == 0)
        return refuse(rq, "There is nothing to change");
    const struct json *date = json_member(object, "date");
    if (date)
        entry->date = json_text(date);
    return merge(rq, old, old_count, sent, sent_count, &entry->members);
}

struct text entry_print(struct arena *arena, const struct progress_entry *entry)
{
    struct writer w = writer_start(arena);

    shape_write(&w, &entry_shape, entry);
    return w.failed ? TEXT_NULL : (struct text){w.at, w.len};
}
