#include "common/openapi/embedded.h"

#include "common/http/request.h"

/* Made by tools/pages. */
extern const struct embedded embedded_files[], embedded_files_end[];

static const struct type {
    struct text ending;
    const char *content_type;
} types[] = {
    {TEXT(".css"), "text/css; charset=utf-8"},
    {TEXT(".js"), "text/javascript; charset=utf-8"},
    {TEXT(".html"), "text/html; charset=utf-8"},
    {TEXT(".txt"), "text/plain; charset=utf-8"},
    {TEXT(".png"), "image/png"},
};

struct file_path {
    struct text hash, name;
};

static const struct field path_fields[] = {
    {.name = "hash", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .at = offsetof(struct file_path, hash)},
    {.name = "name", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .at = offsetof(struct file_path, name)},
};

const struct shape embedded_path_shape = {"EmbeddedFile", NULL, sizeof(struct file_path), path_fields, 2};

static const char *type_of(struct text name)
{
    for (size_t i = 0; i < COUNT(types); i++) {
        struct text ending = types[i].ending;
        if (name.len > ending.len &&
            text_equal((struct text){name.at + name.len - ending.len, ending.len}, ending))
            return types[i].content_type;
    }
    return "application/octet-stream";
}

static enum reply send(struct request *rq, struct text name, const char *cache)
{
    for (const struct embedded *file = embedded_files; file < embedded_files_end; file++) {
        if (!text_equal(name, text_of(file->name)))
            continue;
        reply_gzipped(rq, type_of(name), (struct text){file->at, (size_t)(file->end - file->at)},
                      embedded_hash);
        reply_header(rq, "X-Content-Type-Options", "nosniff");
        reply_header(rq, "Cache-Control", cache);
        return REPLIED;
    }
    return reply_error(rq, 404, "Not Found");
}

enum reply embedded_send(struct request *rq, const char *name, const char *cache)
{
    return send(rq, text_of(name), cache);
}

enum reply embedded_file(struct request *rq)
{
    const struct file_path *path = rq->path;

    if (!text_equal(path->hash, text_of(embedded_hash)))
        return reply_error(rq, 404, "Not Found");
    return send(rq, path->name, "public, max-age=31536000, immutable");
}
