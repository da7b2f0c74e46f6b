#include "common/http/target.h"

static bool is_clean(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.at[i];
        if (c <= ' ' || c == 0x7f || c == '#')
            return false;
    }
    return true;
}

/*
 * Takes `http://` and the host off, if a target has them: what follows begins with `/` or `?` (RFC 3986,
 * section 3.2). False: the host is empty, which a recipient must reject (RFC 9110, section 4.2.1), or behind
 * a user's name, which could deceive (section 4.2.4).
 */
static bool take_host(struct text *t)
{
    static const struct text scheme = TEXT("http://");
    size_t len = scheme.len;

    if (t->len < len || !text_equal_folded((struct text){t->at, len}, scheme))
        return true;
    while (len < t->len && t->at[len] != '/' && t->at[len] != '?')
        len++;
    struct text host = {t->at + scheme.len, len - scheme.len};
    *t = (struct text){t->at + len, t->len - len};
    return host.len && host.at[0] != ':' && !memchr(host.at, '@', host.len);
}

bool target_split(struct text target, struct text *path, struct text *query)
{
    struct text t = target;

    if (!take_host(&t) || !is_clean(target))
        return false;
    const char *mark = t.len ? memchr(t.at, '?', t.len) : NULL;
    *path = (struct text){t.at, mark ? (size_t)(mark - t.at) : t.len};
    *query = mark ? (struct text){mark + 1, t.len - path->len - 1} : TEXT_NULL;
    if (!path->len && t.len < target.len)
        *path = TEXT("/");
    return path->len && path->at[0] == '/';
}

bool target_take_parameter(struct text *query, struct text *name, struct text *value)
{
    do {
        if (!query->len)
            return false;
        *value = text_take(query, '&');
    } while (!value->len);
    *name = text_take(value, '=');
    return true;
}

/* How many bytes a dot at the start of a text has: 1, or 3 if it is percent-encoded; 0: there is none. */
static size_t dot(struct text t)
{
    if (t.len && t.at[0] == '.')
        return 1;
    return t.len >= 3 && text_equal_folded((struct text){t.at, 3}, TEXT("%2e")) ? 3 : 0;
}

static bool is_dots(struct text segment)
{
    size_t first = dot(segment);
    struct text rest = {segment.at + first, segment.len - first};

    return first && (!rest.len || dot(rest) == rest.len);
}

bool target_has_dots(struct text raw_path)
{
    struct text left = raw_path;

    while (left.len) {
        const char *slash = memchr(left.at, '/', left.len);
        size_t len = slash ? (size_t)(slash - left.at) : left.len;
        if (is_dots((struct text){left.at, len}))
            return true;
        left.at += len + (slash ? 1 : 0);
        left.len -= len + (slash ? 1 : 0);
    }
    return false;
}
