#include "common/json/json_walk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

/* The position after a value of a container; a word or a number ends before the character that follows it. */
static const char *skip_value(const char *at)
{
    size_t depth = 0;

    if (*at == '"')
        return skip_string(at);
    if (*at != '{' && *at != '[')
        return at + strcspn(at, ",]} \n\r\t");
    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    } while (depth);
    return at;
}

struct json_walk json_walk_into(struct text container)
{
    return (struct json_walk){skip_space(container.at + 1), container.at[0] == '{'};
}

bool json_walk_next(struct json_walk *walk, struct json_item *item)
{
    const char *at = walk->at;

    if (*at == '}' || *at == ']')
        return false;
    item->name = TEXT_NULL;
    if (walk->object) {
        const char *end = skip_string(at);
        item->name = (struct text){at, (size_t)(end - at)};
        at = skip_space(skip_space(end) + 1);
    }
    const char *end = skip_value(at);
    item->value = (struct text){at, (size_t)(end - at)};
    at = skip_space(end);
    walk->at = *at == ',' ? skip_space(at + 1) : at;
    return true;
}

size_t json_count(struct text container)
{
    struct json_walk walk = json_walk_into(container);
    struct json_item item;
    size_t count = 0;

    while (json_walk_next(&walk, &item))
        count++;
    return count;
}

bool json_has_escapes(struct text string)
{
    return memchr(string.at, '\\', string.len) != NULL;
}

struct text json_unquoted(struct text string)
{
    return (struct text){string.at + 1, string.len - 2};
}

bool json_is_integral(struct text number)
{
    for (size_t i = 0; i < number.len; i++)
        if (strchr(".eE", number.at[i]))
            return false;
    return true;
}

struct place {
    const struct text *name;
};

/* Sorts by name; equal names stay in order. */
static int compare_places(const void *left, const void *right)
{
    const struct text *a = ((const struct place *)left)->name, *b = ((const struct place *)right)->name;
    int order = text_compare(*a, *b);

    return order ? order : (a > b) - (a < b);
}

bool json_last_members(struct arena *arena, const struct text *names, size_t count, size_t *last)
{
    struct place *places = arena_alloc(arena, count * sizeof(*places));

    if (!places)
        return false;
    for (size_t i = 0; i < count; i++)
        places[i].name = names + i;
    /* Sorted instead of hashed: no choice of names makes it quadratic. */
    qsort(places, count, sizeof(*places), compare_places);
    for (size_t first = 0, next; first < count; first = next) {
        next = first + 1;
        while (next < count && text_equal(*places[next].name, *places[first].name))
            last[places[next++].name - names] = SIZE_MAX;
        last[places[first].name - names] = (size_t)(places[next - 1].name - names);
    }
    return true;
}
