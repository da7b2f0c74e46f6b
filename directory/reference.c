#include "directory/reference.h"

#include "common/http/url.h"
#include "common/json/writer.h"

/* The path of a URL and what follows; NULL: it is relative to another path. */
static const char *path_of(const char *url)
{
    const char *authority = strstr(url, "://");
    const char *end = url + strcspn(url, "/?#");

    if (authority && authority + 1 == end)
        authority += 3;
    else if (strncmp(url, "//", 2) == 0)
        authority = url + 2;
    else
        return *url == '/' ? url : NULL;
    return authority + strcspn(authority, "/?#");
}

const char *reference_relative(struct arena *arena, const char *base, struct text path, const char *location)
{
    const char *to = path_of(location), *under = path_of(base);
    struct text prefix = url_base(under ? under : "");
    struct writer w = writer_start(arena);
    size_t same = 0;

    if (!to)
        return location;
    if (prefix.len && strncmp(to, prefix.at, prefix.len) == 0 && to[prefix.len] == '/')
        to += prefix.len;
    if (*to != '/') {
        write_char(&w, '/'); /* an authority without a path */
        write_text(&w, text_of(to));
        write_char(&w, '\0');
        to = w.failed ? "/" : w.at;
        w = writer_start(arena);
    }
    for (size_t i = 0; i < path.len && to[i] == path.at[i] && to[i] != '?' && to[i] != '#'; i++)
        if (to[i] == '/')
            same = i + 1;
    for (size_t i = same; i < path.len; i++)
        if (path.at[i] == '/')
            write_literal(&w, "../");
    const char *rest = to + same;
    /* An empty reference means the path itself, an empty first segment another host, a colon a scheme. */
    if (!w.len && (rest[0] == '\0' || rest[0] == '/' || rest[0] == '?' || rest[0] == '#' ||
                   rest[strcspn(rest, ":/?#")] == ':'))
        write_literal(&w, "./");
    write_text(&w, text_of(rest));
    write_char(&w, '\0');
    return w.failed ? NULL : w.at;
}
