#include "common/openapi/docs.h"

#include "common/base/declare.h"
#include "common/http/request.h"

/* The files of tools/pages, in gzip's format. */
extern const char page_swagger_ui_css[], page_swagger_ui_css_end[];
extern const char page_swagger_ui_bundle_js[], page_swagger_ui_bundle_js_end[];
extern const char page_favicon_32x32_png[], page_favicon_32x32_png_end[];
extern const char page_redoc_standalone_js[], page_redoc_standalone_js_end[];
extern const char page_docs_js[], page_docs_js_end[];
extern const char page_redoc_js[], page_redoc_js_end[];
extern const char page_redoc_css[], page_redoc_css_end[];
extern const char page_licenses_txt[], page_licenses_txt_end[];
extern const char page_hash[];

#define TEXT_CSS        "text/css; charset=utf-8"
#define TEXT_JAVASCRIPT "text/javascript; charset=utf-8"

static const struct file {
    const char *name;
    const char *content_type;
    const char *at, *end;
} files[] = {
    {"swagger-ui.css", TEXT_CSS, page_swagger_ui_css, page_swagger_ui_css_end},
    {"swagger-ui-bundle.js", TEXT_JAVASCRIPT, page_swagger_ui_bundle_js, page_swagger_ui_bundle_js_end},
    {"favicon-32x32.png", "image/png", page_favicon_32x32_png, page_favicon_32x32_png_end},
    {"docs.js", TEXT_JAVASCRIPT, page_docs_js, page_docs_js_end},
    {"redoc.standalone.js", TEXT_JAVASCRIPT, page_redoc_standalone_js, page_redoc_standalone_js_end},
    {"redoc.js", TEXT_JAVASCRIPT, page_redoc_js, page_redoc_js_end},
    {"redoc.css", TEXT_CSS, page_redoc_css, page_redoc_css_end},
};

static const struct file licenses = {"licenses", "text/plain; charset=utf-8", page_licenses_txt,
                                     page_licenses_txt_end};

struct page {
    const char *title;
    const char *style, *library, *script; /* names of files */
};

static const struct page swagger_page = {"Swagger UI", "swagger-ui.css", "swagger-ui-bundle.js", "docs.js"};
static const struct page redoc_page = {"Redoc", "redoc.css", "redoc.standalone.js", "redoc.js"};

/*
 * Scripts are loaded from the service only, and requests sent to it only. Both libraries create style
 * elements while they run, and draw icons from data: URLs.
 */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
                             "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                             "frame-ancestors 'none'";

struct file_path {
    struct text hash, name;
};

static const struct field file_fields[] = {
    {.name = "hash", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .at = offsetof(struct file_path, hash)},
    {.name = "name", .type = FIELD_TEXT, .flags = FIELD_REQUIRED, .at = offsetof(struct file_path, name)},
};

const struct shape docs_file_shape = {"DocsFile", NULL, sizeof(struct file_path), file_fields, 2};

/* Paths are relative, so that the pages work behind a proxy's prefix too. */
static enum reply show(struct request *rq, const struct page *page)
{
    char *html = arena_printf(
        &rq->arena,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s - %s</title>\n"
        "<link rel=\"icon\" type=\"image/png\" href=\"./docs/files/%s/favicon-32x32.png\">\n"
        "<link rel=\"stylesheet\" href=\"./docs/files/%s/%s\">\n"
        "<link rel=\"license\" href=\"./docs/licenses\">\n"
        "<link rel=\"service-desc\" type=\"application/json\" href=\"./openapi.json\">\n"
        "</head>\n<body>\n<div id=\"page\"></div>\n<script src=\"./docs/files/%s/%s\"></script>\n"
        "<script src=\"./docs/files/%s/%s\"></script>\n</body>\n</html>\n",
        rq->endpoint->summary, page->title, page_hash, page_hash, page->style, page_hash, page->library,
        page_hash, page->script);

    if (!html)
        return reply_unavailable(rq);
    reply_text(rq, 200, "text/html; charset=utf-8", text_of(html));
    reply_header(rq, "Content-Security-Policy", policy);
    reply_header(rq, "X-Content-Type-Options", "nosniff");
    reply_header(rq, "Referrer-Policy", "no-referrer");
    reply_header(rq, "Cache-Control", "no-cache");
    return REPLIED;
}

enum reply docs_swagger(struct request *rq)
{
    return show(rq, &swagger_page);
}

enum reply docs_redoc(struct request *rq)
{
    return show(rq, &redoc_page);
}

static enum reply send(struct request *rq, const struct file *file, const char *cache)
{
    reply_gzipped(rq, file->content_type, (struct text){file->at, (size_t)(file->end - file->at)}, page_hash);
    reply_header(rq, "X-Content-Type-Options", "nosniff");
    reply_header(rq, "Cache-Control", cache);
    return REPLIED;
}

enum reply docs_licenses(struct request *rq)
{
    return send(rq, &licenses, "no-cache");
}

enum reply docs_file(struct request *rq)
{
    const struct file_path *path = rq->path;

    for (size_t i = 0; i < COUNT(files); i++)
        if (text_equal(path->hash, text_of(page_hash)) && text_equal(path->name, text_of(files[i].name)))
            return send(rq, &files[i], "public, max-age=31536000, immutable");
    return reply_error(rq, 404, "Not Found");
}
