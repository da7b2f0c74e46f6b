#include "common/serve/dashboard.h"

#include <stdio.h>

#include "common/http/request.h"
#include "common/http/url.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"

#define PLACES_MAX 16  /* entries of DASHBOARD_URLS */
#define URL_MOST   512 /* bytes of an entry's address */

/* An entry of DASHBOARD_URLS: a service, and its address as a URL, `:port` or a relative reference. */
struct place {
    struct text name, at;
};

/* Takes the next entry; false: there is none left. An entry without `=` has no name. */
static bool next_place(struct text *left, struct place *place)
{
    struct text entry = TEXT("");

    while (left->len && !entry.len)
        entry = text_trimmed(text_take(left, ','));
    const char *equals = entry.len ? memchr(entry.at, '=', entry.len) : NULL;
    size_t len = equals ? (size_t)(equals - entry.at) : 0;
    place->name = (struct text){entry.at, len};
    place->at = equals ? (struct text){equals + 1, entry.len - len - 1} : entry;
    return entry.len;
}

static bool is_port(struct text at)
{
    return at.len && at.at[0] == ':';
}

static bool is_relative(struct text at)
{
    return at.len && (at.at[0] == '.' || (at.at[0] == '/' && (at.len == 1 || at.at[1] != '/')));
}

/* As url_fault, for all three forms: what stands for a part of a URL is completed to one. */
static const char *place_fault(struct text at)
{
    char url[URL_MOST + 16];

    if (at.len > URL_MOST)
        return "holds an address of more than 512 bytes";
    snprintf(url, sizeof(url), "%s%.*s",
             is_port(at)       ? "http://h"
             : is_relative(at) ? "http://h/"
                               : "",
             (int)at.len, at.at);
    if (is_port(at) && memchr(at.at, '/', at.len))
        return "holds a port with something after it";
    return url_fault(url, URL_HTTP | URL_HTTPS);
}

const char *dashboard_fault(const char *urls)
{
    struct text left = text_of(urls);
    struct place place;
    size_t count = 0;

    while (next_place(&left, &place)) {
        if (!place.name.len)
            return "holds an entry that is not SERVICE=ADDRESS";
        if (++count > PLACES_MAX)
            return "holds more than 16 entries";
        const char *fault = place_fault(place.at);
        if (fault)
            return fault;
    }
    return NULL;
}

/* The host by which the browser reached this service, without its port; empty if it cannot be told. */
static struct text host_of(struct request *rq)
{
    struct text host = rq->headers.host;
    char *url = arena_printf(&rq->arena, "http://%.*s", (int)host.len, host.len ? host.at : "");

    if (!url || url_fault(url, URL_HTTP))
        return TEXT("");
    const char *end = host.at[0] == '[' ? memchr(host.at, ']', host.len) : NULL;
    const char *colon = end ? end + 1 : memchr(host.at, ':', host.len);
    return (struct text){host.at, colon ? (size_t)(colon - host.at) : host.len};
}

/* Scheme, host and port of a URL that is valid. */
static struct text origin_of(struct text url)
{
    const char *host = (const char *)memmem(url.at, url.len, "://", 3) + 3;
    const char *path = memchr(host, '/', url.len - (size_t)(host - url.at));

    return path ? (struct text){url.at, (size_t)(path - url.at)} : url;
}

/*
 * Writes a source, whose host the policy cannot name if it is an address of IPv6: its grammar has none
 * (Content Security Policy Level 3, section 2.3.1), and browsers ignore such a source. Then any host on the
 * same port is one.
 */
static void write_source(struct writer *w, struct text source)
{
    const char *begin = memchr(source.at, '[', source.len);
    const char *end = begin ? memchr(source.at, ']', source.len) : NULL;

    if (!end) {
        write_text(w, source);
        return;
    }
    write_text(w, (struct text){source.at, (size_t)(begin - source.at)});
    write_char(w, '*');
    write_text(w, (struct text){end + 1, source.len - (size_t)(end + 1 - source.at)});
}

/*
 * The origins of the services for a directive. A source without a scheme has the page's (Content Security
 * Policy Level 3, section 6.7.2.8).
 */
static void write_sources(struct writer *w, struct request *rq)
{
    struct text left = text_of(rq->worker->settings->dashboard_urls);
    struct text host = host_of(rq);
    struct place place;

    write_literal(w, "'self'");
    while (next_place(&left, &place)) {
        if (is_relative(place.at) || (is_port(place.at) && !host.len))
            continue;
        write_char(w, ' ');
        if (is_port(place.at))
            write_source(w, host);
        write_source(w, is_port(place.at) ? place.at : origin_of(place.at));
    }
}

/* Like that of /docs, without styles in the page, and with calls to and downloads from the other services. */
static const char *policy_of(struct request *rq)
{
    struct writer w = writer_start(&rq->arena);

    write_literal(&w, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src ");
    write_sources(&w, rq);
    write_literal(&w, "; frame-src ");
    write_sources(&w, rq);
    write_char(&w, '\0');
    return w.failed ? NULL : w.at;
}

enum reply dashboard_page(struct request *rq)
{
    const char *policy = policy_of(rq);

    if (!policy)
        return reply_unavailable(rq);
    embedded_send(rq, "dashboard.html", "no-cache");
    reply_header(rq, "Content-Security-Policy", policy);
    reply_header(rq, "Referrer-Policy", "no-referrer");
    return REPLIED;
}

/* `{"user-progress":".","performance-reporting":"//host:8005",…}`: references relative to the page's URL. */
enum reply dashboard_services(struct request *rq)
{
    struct text own = text_of(rq->worker->api->name);
    struct text left = text_of(rq->worker->settings->dashboard_urls);
    struct text host = host_of(rq);
    struct place place;

    reply_text(rq, 200, "application/json", TEXT("{"));
    write_json_text(&rq->out, own);
    write_literal(&rq->out, ":\".\"");
    while (next_place(&left, &place)) {
        if (text_equal(place.name, own) || (is_port(place.at) && !host.len))
            continue;
        bool port = is_port(place.at);
        char *url = arena_printf(&rq->arena, "%s%.*s%.*s", port ? "//" : "", port ? (int)host.len : 0,
                                 host.at, (int)place.at.len, place.at.at);
        write_char(&rq->out, ',');
        write_json_text(&rq->out, place.name);
        write_char(&rq->out, ':');
        write_json_text(&rq->out, text_of(url));
    }
    write_char(&rq->out, '}');
    reply_header(rq, "X-Content-Type-Options", "nosniff");
    reply_header(rq, "Cache-Control", "no-cache");
    return REPLIED;
}
