#include "common/watch/metrics_text.h"

#include <stdio.h>

#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/http/request.h"
#include "common/http/server.h"
#include "common/pg/pg.h"
#include "common/serve/process.h"
#include "common/serve/settings.h"
#include "common/serve/worker.h"
#include "common/table/router.h"
#include "common/watch/metrics.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define UNMATCHED    "unmatched" /* the route of what no endpoint took: a raw path would make a series each */
#define LABELS_MAX   256         /* bytes of a sample's labels */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

static const char *const type_names[] = {"counter", "gauge"};
static const char *const lanes[] = {"read", "report", "append", "change"}; /* by enum statement_kind */
static const char *const writing_lanes[] = {"append", "change"};
static const char *const late[] = {"header", "body", "reader"};
static const char *const settled[] = {"committed", "absent"};
static const char *const lookup_calls[] = {"batch", "plain"};

/* A name with one sample, or one for each value of a label. */
struct family {
    const char *name;
    enum metric_type type;
    size_t at; /* in struct metrics: the first of `count` */
    const char *label;
    const char *const *values;
    size_t count;
    const char *help;
};

#define AT(member)                 offsetof(struct metrics, member)
#define ONE(member)                AT(member), NULL, NULL, 1
#define EACH(member, label, names) AT(member), label, names, COUNT(names)

static const struct family families[] = {
    {"http_request_body_bytes_total", METRIC_COUNTER, ONE(body_bytes_received), "Bytes of requests' bodies."},
    {"http_response_body_bytes_total", METRIC_COUNTER, ONE(body_bytes_sent), "Bytes of answers' bodies."},
    {"http_requests_in_flight", METRIC_GAUGE, ONE(requests),
     "Requests that have begun and have no answer yet."},
    {"http_connections", METRIC_GAUGE, ONE(connections), "Open connections of clients."},
    {"http_connections_accepted_total", METRIC_COUNTER, ONE(connections_accepted), "Connections accepted."},
    {"http_connections_late_total", METRIC_COUNTER, EACH(connections_late, "awaited", late),
     "Connections closed because a header, a body or the reader of an answer was late."},
    {"idempotent_replays_total", METRIC_COUNTER, ONE(idempotent_replays),
     "Requests answered with what an earlier one of the same Idempotency-Key was."},
    {"database_connections", METRIC_GAUGE, EACH(database_connections, "lane", lanes),
     "Connections to PostgreSQL that are up."},
    {"database_connections_opened_total", METRIC_COUNTER, EACH(database_connections_opened, "lane", lanes),
     "Connections to PostgreSQL that came up, reconnects included."},
    {"database_connections_failed_total", METRIC_COUNTER, EACH(database_connections_failed, "lane", lanes),
     "Connections to PostgreSQL that were lost or could not be made."},
    {"database_queue_length", METRIC_GAUGE, EACH(database_queue, "lane", lanes),
     "Statements that wait for a connection."},
    {"database_refused_total", METRIC_COUNTER, EACH(database_refused, "lane", lanes),
     "Statements refused because the queue was full or the database away."},
    {"database_commits_total", METRIC_COUNTER,
     EACH(database_commits[STATEMENT_APPEND], "lane", writing_lanes),
     "Transactions that wrote and are committed: a batch is one."},
    {"database_commits_settled_total", METRIC_COUNTER, EACH(database_settled, "outcome", settled),
     "Commits whose answer was lost with the connection, by what was found out afterwards."},
    {"lookups_total", METRIC_COUNTER, ONE(lookups), "Requests that asked User Progress for users or labs."},
    {"lookup_calls_total", METRIC_COUNTER, EACH(lookup_calls, "kind", lookup_calls),
     "Calls that carried lookups: one for many of them, or a plain GET for each user and lab."},
    {"lookup_failures_total", METRIC_COUNTER, ONE(lookup_failures),
     "Lookups and forwarded requests that User Progress gave no answer to."},
    {"worker_fibers", METRIC_GAUGE, ONE(fibers), "Handlers that have begun and not ended."},
};

static struct writer *family_head(struct request *rq, const char *name, const char *type, const char *help)
{
    struct writer *w = &rq->out;
    const char *const words[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"};

    for (size_t i = 0; i < COUNT(words); i++)
        write_text(w, text_of(words[i]));
    return w;
}

/* `name{labels} ` without braces where there are no labels. */
static void write_sample(struct writer *w, const char *name, const char *suffix, const char *labels)
{
    write_text(w, text_of(name));
    write_text(w, text_of(suffix));
    if (*labels) {
        write_char(w, '{');
        write_text(w, text_of(labels));
        write_char(w, '}');
    }
    write_char(w, ' ');
}

static void write_count(struct writer *w, const char *name, const char *suffix, const char *labels,
                        uint64_t n)
{
    write_sample(w, name, suffix, labels);
    write_int(w, (int64_t)n);
    write_char(w, '\n');
}

static size_t worker_count(const struct request *rq)
{
    return (size_t)rq->worker->settings->workers;
}

static uint64_t sum(const struct request *rq, size_t at)
{
    uint64_t n = 0;

    for (size_t i = 0; i < worker_count(rq); i++)
        n += metrics_read((const metric *)((const char *)&rq->worker->all[i].metrics + at));
    return n;
}

static void write_family(struct request *rq, const struct family *f)
{
    struct writer *w = family_head(rq, f->name, type_names[f->type], f->help);
    char labels[LABELS_MAX] = "";

    for (size_t i = 0; i < f->count; i++) {
        if (f->label)
            snprintf(labels, sizeof(labels), "%s=\"%s\"", f->label, f->values[i]);
        write_count(w, f->name, "", labels, sum(rq, f->at + i * sizeof(metric)));
    }
}

/* Histograms */

/* The sum of a histogram over the workers. */
struct histogram_sum {
    uint64_t buckets[METRICS_BUCKETS], sum, count;
};

static void add_histogram(struct histogram_sum *to, const struct histogram *h)
{
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        uint64_t n = metrics_read(&h->buckets[i]);
        to->buckets[i] += n;
        to->count += n;
    }
    to->sum += metrics_read(&h->sum);
}

/* The bounds as text: the same for all samples of a family. */
struct bound_texts {
    char text[METRICS_BUCKETS][FLOAT_TEXT_MAX + 1];
};

static struct bound_texts print_bounds(const struct histogram_bounds *bounds)
{
    struct bound_texts printed = {0};

    for (size_t i = 0; i < bounds->count; i++)
        float_print(printed.text[i], (double)bounds->bounds[i] / bounds->unit);
    memcpy(printed.text[bounds->count], "+Inf", 4);
    return printed;
}

static void write_histogram(struct writer *w, const char *name, const char *labels,
                            const struct histogram_bounds *bounds, const struct bound_texts *printed,
                            const struct histogram_sum *h)
{
    char all[LABELS_MAX + FLOAT_TEXT_MAX + 8];
    uint64_t count = 0;

    for (size_t i = 0; i <= bounds->count; i++) {
        count += h->buckets[i];
        snprintf(all, sizeof(all), "%s%sle=\"%s\"", labels, *labels ? "," : "", printed->text[i]);
        write_count(w, name, "_bucket", all, count);
    }
    write_sample(w, name, "_sum", labels);
    write_float(w, (double)h->sum / bounds->unit);
    write_char(w, '\n');
    write_count(w, name, "_count", labels, count);
}

static void write_batches(struct request *rq)
{
    static const char name[] = "database_batch_statements";
    struct bound_texts printed = print_bounds(&metrics_batch_bounds);
    struct writer *w = family_head(rq, name, "histogram", "Statements of each batch that was sent.");

    for (size_t kind = 0; kind < METRICS_LANES; kind++) {
        struct histogram_sum h = {.sum = 0};
        char labels[LABELS_MAX];
        for (size_t i = 0; i < worker_count(rq); i++)
            add_histogram(&h, &rq->worker->all[i].metrics.batches[kind]);
        snprintf(labels, sizeof(labels), "lane=\"%s\"", lanes[kind]);
        write_histogram(w, name, labels, &metrics_batch_bounds, &printed, &h);
    }
}

static void write_turns(struct request *rq)
{
    static const char name[] = "worker_turn_seconds";
    struct bound_texts printed = print_bounds(&metrics_turn_bounds);
    struct writer *w = family_head(
        rq, name, "histogram", "How long a turn of a worker's loop worked: what arrives meanwhile waits.");
    struct histogram_sum h = {.sum = 0};

    for (size_t i = 0; i < worker_count(rq); i++)
        add_histogram(&h, &rq->worker->all[i].metrics.turns);
    write_histogram(w, name, "", &metrics_turn_bounds, &printed, &h);
}

/* Requests */

/* The route and method of a place in `routes`. */
static void route_labels(const struct api *api, size_t place, char labels[static LABELS_MAX])
{
    size_t n = api->endpoint_count;
    const char *route = place < 2 * n ? api->endpoints[place % n].path : UNMATCHED;
    const char *method = place < n       ? method_names[api->endpoints[place].method]
                         : place < 2 * n ? "HEAD"
                                         : method_names[place - 2 * n];

    snprintf(labels, LABELS_MAX, "route=\"%s\",method=\"%s\"", route, method);
}

/* Endpoints are there from the start, so that a rate knows their first request; the rest once it was asked
 * for. */
static void write_durations(struct request *rq)
{
    static const char name[] = "http_request_duration_seconds";
    const struct api *api = rq->worker->api;
    struct bound_texts printed = print_bounds(&metrics_request_bounds);
    struct writer *w = family_head(rq, name, "histogram",
                                   "Time from a request's arrival until its answer left the handler.");

    for (size_t place = 0; place < metrics_route_count(api); place++) {
        struct histogram_sum h = {.sum = 0};
        char labels[LABELS_MAX];
        for (size_t i = 0; i < worker_count(rq); i++)
            add_histogram(&h, &rq->worker->all[i].metrics.routes[place].duration);
        if (!h.count && place >= api->endpoint_count)
            continue;
        route_labels(api, place, labels);
        write_histogram(w, name, labels, &metrics_request_bounds, &printed, &h);
    }
}

static void write_statuses(struct request *rq)
{
    static const char name[] = "http_requests_total";
    const struct api *api = rq->worker->api;
    struct writer *w = family_head(rq, name, "counter", "Requests answered.");

    for (size_t place = 0; place < metrics_route_count(api); place++) {
        char route[LABELS_MAX], labels[LABELS_MAX + 24];
        route_labels(api, place, route);
        for (size_t s = 0; s < METRICS_STATUSES; s++) {
            uint64_t n = 0;
            for (size_t i = 0; i < worker_count(rq); i++)
                n += metrics_read(&rq->worker->all[i].metrics.routes[place].statuses[s]);
            if (!n)
                continue;
            if (metrics_status_at(s))
                snprintf(labels, sizeof(labels), "%s,status=\"%d\"", route, metrics_status_at(s));
            else
                snprintf(labels, sizeof(labels), "%s,status=\"other\"", route);
            write_count(w, name, "", labels, n);
        }
    }
}

static void write_failures(struct request *rq)
{
    static const char name[] = "database_statement_failures_total";
    struct writer *w =
        family_head(rq, name, "counter", "Statements that PostgreSQL refused, by the class of the SQLSTATE.");

    for (size_t place = 0; place < METRICS_SQLSTATE; place++) {
        const char *class = metrics_sqlstate_at(place);
        char labels[LABELS_MAX];
        if (!class && place < METRICS_SQLSTATE - 1)
            continue;
        snprintf(labels, sizeof(labels), "class=\"%s\"", class ? class : "other");
        write_count(w, name, "", labels, sum(rq, AT(database_failures) + place * sizeof(metric)));
    }
}

/* The process */

static void write_process(struct request *rq)
{
    struct process p;

    if (!process_read(&p))
        return;
    const struct {
        const char *name;
        enum metric_type type;
        double value;
        const char *help;
    } samples[] = {
        {"process_cpu_seconds_total", METRIC_COUNTER, p.cpu_seconds,
         "Processor time, of the user and of the kernel."},
        {"process_resident_memory_bytes", METRIC_GAUGE, (double)p.resident_bytes, "Memory that is resident."},
        {"process_virtual_memory_bytes", METRIC_GAUGE, (double)p.virtual_bytes, "Memory that is mapped."},
        {"process_open_fds", METRIC_GAUGE, (double)p.open_descriptors, "Open file descriptors."},
        {"process_max_fds", METRIC_GAUGE, (double)p.max_descriptors, "File descriptors that may be open."},
        {"process_start_time_seconds", METRIC_GAUGE, p.start_time,
         "When the process started, since 1970 UTC."},
    };
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct writer *w = family_head(rq, samples[i].name, type_names[samples[i].type], samples[i].help);
        write_sample(w, samples[i].name, "", "");
        write_float(w, samples[i].value);
        write_char(w, '\n');
    }
}

static void write_service(struct request *rq)
{
    const struct api *api = rq->worker->api;
    char labels[LABELS_MAX];
    struct writer *w =
        family_head(rq, "service_build_info", "gauge", "What this is, and what it runs on; always 1.");

    snprintf(labels, sizeof(labels),
             "service=\"%s\",version=\"%s\",compiler=\"%s\",libmicrohttpd=\"%s\",libpq=\"%d\"", api->name,
             api->version, __VERSION__, http_library_version(), pg_library_version());
    write_count(w, "service_build_info", "", labels, 1);
    w = family_head(rq, "service_workers", "gauge", "Worker threads.");
    write_count(w, "service_workers", "", "", worker_count(rq));
    w = family_head(rq, "log_lines_dropped_total", "counter", "Lines of the log that stderr did not take.");
    write_count(w, "log_lines_dropped_total", "", "", log_dropped());
}

enum reply metrics_show(struct request *rq)
{
    reply_text(rq, 200, CONTENT_TYPE, TEXT(""));
    write_statuses(rq);
    write_durations(rq);
    for (size_t i = 0; i < COUNT(families); i++)
        write_family(rq, &families[i]);
    write_failures(rq);
    write_batches(rq);
    write_turns(rq);
    write_process(rq);
    write_service(rq);
    return REPLIED;
}
