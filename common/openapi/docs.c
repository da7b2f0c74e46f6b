#include "common/openapi/docs.h"

#include "common/http/request.h"

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
        rq->endpoint->summary, page->title, embedded_hash, embedded_hash, page->style, embedded_hash,
        page->library, embedded_hash, page->script);

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

enum reply docs_licenses(struct request *rq)
{
    return embedded_send(rq, "licenses.txt", "no-cache");
}
