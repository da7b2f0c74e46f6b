/*
 * Targets and URLs: a target is split into what it consists of, encoding what was decoded leads back, and a
 * URL that the settings take has the host that libcurl calls.
 */
#include <string.h>

#include <arpa/inet.h>
#include <curl/curl.h>

#include "common/http/target.h"
#include "common/http/url.h"
#include "common/json/writer.h"
#include "common/table/router.h"
#include "tests/fuzz/support/fuzz.h"

#define HOST_MOST 256 /* bytes */

/* The same as target_has_dots, written in another way: decoded, a segment is `.` or `..`. */
static bool has_dots(struct arena *arena, struct text path)
{
    while (path.len) {
        struct text segment = percent_decode(arena, fuzz_take(&path, '/'), false);
        if (text_equal(segment, TEXT(".")) || text_equal(segment, TEXT("..")))
            return true;
    }
    return false;
}

static void split(struct arena *arena, struct text target)
{
    struct text path, query;

    if (!target_split(target, &path, &query))
        return;
    HOLDS(path.len && path.at[0] == '/' && !memchr(path.at, '?', path.len));
    for (size_t i = 0; i < target.len; i++)
        HOLDS((unsigned char)target.at[i] > ' ' && target.at[i] != 0x7f);
    if (query.at)
        HOLDS(query.at > target.at && query.at[-1] == '?' && query.at + query.len == target.at + target.len);
    HOLDS(target_has_dots(path) == has_dots(arena, path));
}

static void decode(struct arena *arena, struct text raw)
{
    for (int plus = 0; plus < 2; plus++) {
        struct text plain = percent_decode(arena, raw, plus);
        struct writer w = writer_start(arena);
        HOLDS(plain.at && plain.len <= raw.len);
        write_url(&w, plain, "");
        HOLDS(!w.failed &&
              text_equal(percent_decode(arena, (struct text){w.at ? w.at : "", w.len}, plus), plain));
    }
}

/* libcurl writes addresses in one way: `::` for `::0`, `127.0.0.1` for `127.1`. */
static bool is_same_host(const char *of_curl, const char *host)
{
    struct in6_addr one, other;
    struct in_addr number;

    if (inet_pton(AF_INET6, of_curl, &one) == 1)
        return inet_pton(AF_INET6, host, &other) == 1 && memcmp(&one, &other, sizeof(one)) == 0;
    return strcasecmp(of_curl, host) == 0 ||
           (inet_pton(AF_INET, of_curl, &number) == 1 && inet_aton(host, &number));
}

/* Whether libcurl takes the URL, and calls that host. */
static bool curl_agrees(const char *url, const char *host)
{
    CURLU *parsed = curl_url();
    char *of_curl = NULL;

    HOLDS(parsed);
    bool agrees = curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                  curl_url_get(parsed, CURLUPART_HOST, &of_curl, 0) == CURLUE_OK;
    if (agrees && of_curl[0] == '[')
        of_curl[strlen(of_curl) - 1] = '\0';
    agrees = agrees && is_same_host(of_curl + (of_curl[0] == '['), host);
    curl_free(of_curl);
    curl_url_cleanup(parsed);
    return agrees;
}

static void read_url(struct arena *arena, struct text input)
{
    char *url = fuzz_string(input), host[HOST_MOST];

    (void)!url_origins_fault(url);
    (void)!url_fault(url, URL_ORIGIN);
    if (!url_fault(url, URL_HTTP | URL_HTTPS)) {
        HOLDS(!url_fault(url, URL_HTTP | URL_HTTPS | URL_QUERY));
        if (url_host(url, host, sizeof(host)))
            HOLDS(curl_agrees(url, host));
        char *below = url_below(arena, url, "/users/", input);
        HOLDS(below && strncmp(below, url, url_base(url).len) == 0 &&
              !url_fault(below, URL_HTTP | URL_HTTPS));
    }
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena = {0};
    struct text input = {len ? (const char *)bytes : "", len};

    split(&arena, input);
    decode(&arena, input);
    read_url(&arena, input);
    arena_free(&arena);
    return 0;
}
