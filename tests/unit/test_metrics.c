#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/declare.h"
#include "common/base/loop.h"
#include "common/http/request.h"
#include "common/pg/metrics.h"
#include "common/serve/metrics.h"
#include "common/watch/metrics.h"
#include "common/watch/metrics_text.h"

#define WORKERS 3

static const struct endpoint endpoints[] = {
    {.method = METHOD_GET, .path = "/things/"},
    {.method = METHOD_GET, .path = "/things/{thing_id}"},
    {.method = METHOD_DELETE, .path = "/things/{thing_id}"},
};

#define ENDPOINTS COUNT(endpoints)

static const struct api api = {
    .name = "things", .version = "1.2.3", .endpoints = endpoints, .endpoint_count = ENDPOINTS};
static struct metrics workers[WORKERS];

struct thing_metrics {
    metric found, kinds[2], age;
    struct histogram sizes;
};

static const char *const kinds[] = {"round", "square"};
static const struct histogram_bounds size_bounds = {2, 1, {1, 10}};
static const struct metric_family thing_families[] = {
    {"things_found_total", METRIC_COUNTER, METRIC_ONE(struct thing_metrics, found), .help = "Found."},
    {"things", METRIC_GAUGE, METRIC_EACH(struct thing_metrics, kinds, "kind", kinds), .help = "There."},
    {"thing_age_seconds", METRIC_AGE, METRIC_ONE(struct thing_metrics, age), .help = "Of the oldest."},
    {"thing_size", METRIC_HISTOGRAM, METRIC_ONE(struct thing_metrics, sizes), .bounds = &size_bounds,
     .help = "How large."},
};
static const struct metric_group things = {sizeof(struct thing_metrics), thing_families,
                                           COUNT(thing_families)};
static struct thing_metrics *found[WORKERS];

static int open_workers(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORKERS; i++) {
        if (!metrics_open(&workers[i], &api))
            return -1;
        found[i] = metrics_add_room(&workers[i], &things);
        if (!found[i])
            return -1;
    }
    return 0;
}

static int close_workers(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORKERS; i++)
        metrics_close(&workers[i]);
    return 0;
}

/* The page as any worker would answer it; the caller frees it. */
static char *page_now(void)
{
    const struct metrics *all[WORKERS];
    struct arena arena = {0};
    struct writer w = writer_start(&arena);

    for (size_t i = 0; i < WORKERS; i++)
        all[i] = &workers[i];
    metrics_write(&w, all, WORKERS);
    assert_false(w.failed);
    char *page = strndup(w.at, w.len);
    arena_free(&arena);
    return page;
}

/* The value of a sample whose name and labels begin a line; -1: there is no such line. */
static double sample(const char *page, const char *name)
{
    char line[512];

    snprintf(line, sizeof(line), "\n%s ", name);
    const char *at = strstr(page, line);
    return at ? strtod(at + strlen(line), NULL) : -1;
}

static void count_request(struct metrics *metrics, const struct endpoint *route, enum method method,
                          int status, int64_t duration)
{
    struct request rq = {.route = route,
                         .method = method,
                         .head = method == METHOD_HEAD,
                         .status = status,
                         .duration = duration};

    rq.body_bytes.len = 10;
    rq.out.len = 100;
    metrics_request(metrics, &rq);
}

/* Each value is in the first bucket whose bound it does not exceed, by asking every bound. */
static void a_value_is_counted_in_the_bucket_of_the_next_larger_bound(void **state)
{
    const struct histogram_bounds *all[] = {&metrics_request_bounds, &serve_turn_bounds, &pg_batch_bounds};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        const struct histogram_bounds *b = all[k];
        assert_in_range(b->count, 1, METRIC_BUCKETS - 1);
        for (size_t i = 0; i < b->count; i++) {
            assert_true(i == 0 || b->bounds[i] > b->bounds[i - 1]);
            const uint64_t values[] = {b->bounds[i] - 1, b->bounds[i], b->bounds[i] + 1};
            for (size_t v = 0; v < 3; v++) {
                struct histogram h = {.sum = 0};
                histogram_observe(&h, b, values[v]);
                for (size_t n = 0; n < METRIC_BUCKETS; n++) {
                    bool above = n == 0 || values[v] > b->bounds[n - 1];
                    bool below = n < b->count ? values[v] <= b->bounds[n] : n == b->count;
                    assert_int_equal(metric_read(&h.buckets[n]), above && below);
                }
                assert_int_equal(metric_read(&h.sum), values[v]);
            }
        }
    }
}

static void every_status_has_a_place_that_stands_for_it_or_for_all_others(void **state)
{
    (void)state;
    for (int status = 100; status < 600; status++) {
        size_t place = metrics_status_place(status);
        assert_true(place < METRICS_STATUSES);
        assert_true(place == METRICS_STATUSES - 1 || metrics_status_at(place) == status);
    }
    assert_int_equal(metrics_status_at(METRICS_STATUSES - 1), 0);
    assert_int_equal(metrics_status_place(418), METRICS_STATUSES - 1);
}

static void a_sqlstate_is_counted_by_its_class(void **state)
{
    (void)state;
    assert_int_equal(pg_sqlstate_place("23505"), pg_sqlstate_place("23503"));
    assert_int_not_equal(pg_sqlstate_place("23505"), pg_sqlstate_place("57P01"));
    assert_int_equal(pg_sqlstate_place("F0001"), PG_SQLSTATES - 1);
}

static void every_route_and_method_has_a_place_of_its_own(void **state)
{
    bool taken[2 * ENDPOINTS + METRICS_METHODS] = {false};
    struct request rq = {0};

    (void)state;
    assert_int_equal(metrics_route_count(&api), sizeof(taken));
    for (size_t i = 0; i <= ENDPOINTS; i++) {
        rq.route = i < ENDPOINTS ? &endpoints[i] : NULL;
        for (int method = 0; method < METRICS_METHODS; method++) {
            bool possible = !rq.route || method == METHOD_HEAD || method == (int)rq.route->method;
            if (!possible)
                continue;
            rq.method = (enum method)method;
            rq.head = method == METHOD_HEAD;
            size_t place = metrics_route_of(&api, &rq);
            assert_true(place < sizeof(taken) && !taken[place]);
            taken[place] = true;
        }
    }
}

static void the_page_adds_the_workers_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORKERS; i++) {
        count_request(&workers[i], &endpoints[1], METHOD_GET, 200, MILLISECOND);
        count_request(&workers[i], &endpoints[1], METHOD_GET, 404, 3 * MILLISECOND);
        metric_add(&found[i]->found, 5);
        metric_set(&found[i]->kinds[1], i);
        metric_set(&found[i]->age, (uint64_t)i * 1500 * MILLISECOND);
        histogram_observe(&found[i]->sizes, &size_bounds, 2);
    }
    char *page = page_now();
    assert_true(
        sample(page, "http_requests_total{route=\"/things/{thing_id}\",method=\"GET\",status=\"200\"}") ==
        WORKERS);
    assert_true(
        sample(page, "http_requests_total{route=\"/things/{thing_id}\",method=\"GET\",status=\"404\"}") ==
        WORKERS);
    assert_true(sample(page, "things_found_total") == 5 * WORKERS);
    assert_true(sample(page, "things{kind=\"round\"}") == 0);
    assert_true(sample(page, "things{kind=\"square\"}") == 0 + 1 + 2);
    assert_true(sample(page, "thing_age_seconds") == 3);
    assert_true(sample(page, "thing_size_bucket{le=\"1.0\"}") == 0);
    assert_true(sample(page, "thing_size_bucket{le=\"10.0\"}") == WORKERS);
    assert_true(sample(page, "thing_size_sum") == 2.0 * WORKERS);
    assert_true(sample(page, "http_request_body_bytes_total") == 20 * WORKERS);
    assert_true(sample(page, "http_response_body_bytes_total") == 200 * WORKERS);
    assert_true(sample(page, "http_request_duration_seconds_bucket{route=\"/things/"
                             "{thing_id}\",method=\"GET\",le=\"0.001\"}") == WORKERS);
    assert_true(sample(page, "http_request_duration_seconds_bucket{route=\"/things/"
                             "{thing_id}\",method=\"GET\",le=\"+Inf\"}") == 2 * WORKERS);
    assert_true(sample(page, "http_request_duration_seconds_count{route=\"/things/"
                             "{thing_id}\",method=\"GET\"}") == 2 * WORKERS);
    assert_true(sample(page, "http_request_duration_seconds_sum{route=\"/things/"
                             "{thing_id}\",method=\"GET\"}") == 0.004 * WORKERS);
    free(page);
}

static void an_answer_to_head_has_a_series_of_its_own_and_no_body(void **state)
{
    (void)state;
    count_request(&workers[0], &endpoints[0], METHOD_HEAD, 200, MILLISECOND);
    char *page = page_now();
    assert_true(sample(page, "http_requests_total{route=\"/things/\",method=\"HEAD\",status=\"200\"}") == 1);
    assert_true(sample(page, "http_requests_total{route=\"/things/\",method=\"GET\",status=\"200\"}") == -1);
    assert_true(sample(page, "http_response_body_bytes_total") == 0);
    free(page);
}

static void what_matches_no_route_and_no_known_status_is_told_as_such(void **state)
{
    (void)state;
    count_request(&workers[0], NULL, METHOD_OTHER, 418, MILLISECOND);
    char *page = page_now();
    assert_true(sample(page, "http_requests_total{route=\"unmatched\",method=\"OTHER\",status=\"other\"}") ==
                1);
    free(page);
}

#define COUNTS 200000

static void *count_many(void *metrics)
{
    for (size_t i = 0; i < COUNTS; i++)
        count_request(metrics, &endpoints[0], METHOD_GET, 200, MILLISECOND);
    return NULL;
}

static void pages_that_are_asked_for_meanwhile_only_grow_and_nothing_is_lost(void **state)
{
    static const char name[] = "http_requests_total{route=\"/things/\",method=\"GET\",status=\"200\"}";
    pthread_t threads[WORKERS - 1];
    double last = -1;

    (void)state;
    for (size_t i = 0; i < WORKERS - 1; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, &workers[i]), 0);
    while (last < COUNTS) {
        char *page = page_now();
        double now = sample(page, name);
        free(page);
        assert_true(now >= last);
        last = now;
    }
    for (size_t i = 0; i < WORKERS - 1; i++)
        pthread_join(threads[i], NULL);
    char *page = page_now();
    assert_true(sample(page, name) == (WORKERS - 1) * COUNTS);
    free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_workers, close_workers)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_counted_in_the_bucket_of_the_next_larger_bound),
        TEST(every_status_has_a_place_that_stands_for_it_or_for_all_others),
        TEST(a_sqlstate_is_counted_by_its_class),
        TEST(every_route_and_method_has_a_place_of_its_own),
        TEST(the_page_adds_the_workers_up),
        TEST(an_answer_to_head_has_a_series_of_its_own_and_no_body),
        TEST(what_matches_no_route_and_no_known_status_is_told_as_such),
        TEST(pages_that_are_asked_for_meanwhile_only_grow_and_nothing_is_lost),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
