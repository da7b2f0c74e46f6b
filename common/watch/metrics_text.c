#include "common/watch/metrics_text.h"

#include <stdio.h>

#include "common/base/budget.h"
#include "common/base/declare.h"
#include "common/base/log.h"
#include "common/base/loop.h"
#include "common/http/server.h"
#include "common/json/writer.h"
#include "common/pg/pg.h"
#include "common/table/router.h"
#include "common/watch/metrics.h"
#include "common/watch/process.h"

#define UNMATCHED                                                                                            \
    "unmatched" /* the route of requests without an endpoint: each raw path would be a series of its own */
#define LABELS_MAX 256 /* bytes of a sample's labels */

/* The page that is written, and the workers. */
struct page {
    struct writer *w;
    const struct metrics *const *workers;
    size_t count;
};

static void write_head(struct writer *w, const char *name, enum metric_type type, const char *help)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "gauge"}; /* by enum metric_type */
    const char *const words[] = {"# HELP ", name, " ", help, "\n# TYPE ", name, " ", types[type], "\n"};

    for (size_t i = 0; i < COUNT(words); i++)
        write_text(w, text_of(words[i]));
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

static void write_seconds(struct writer *w, const char *name, const char *labels, uint64_t nanoseconds)
{
    write_sample(w, name, "", labels);
    write_float(w, (double)nanoseconds / (double)SECOND);
    write_char(w, '\n');
}

/* Histograms */

/* The sum of a histogram over the workers. */
struct histogram_sum {
    uint64_t buckets[METRIC_BUCKETS], sum, count;
};

static void add_histogram(struct histogram_sum *to, const struct histogram *h)
{
    for (size_t i = 0; i < METRIC_BUCKETS; i++) {
        uint64_t n = metric_read(&h->buckets[i]);
        to->buckets[i] += n;
        to->count += n;
    }
    to->sum += metric_read(&h->sum);
}

/* The bounds of a histogram as text: the same for all samples of a family. */
struct bound_texts {
    char text[METRIC_BUCKETS][FLOAT_TEXT_MAX + 1];
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

/* The rooms */

/* A metric or histogram by its offset in the struct of a room of a worker. */
static const void *value_of(const struct page *p, size_t worker, size_t room, size_t at)
{
    return (const char *)p->workers[worker]->rooms[room].values + at;
}

static void write_family_histogram(const struct page *p, size_t room, const struct metric_family *f, size_t i,
                                   const char *labels)
{
    struct bound_texts printed = print_bounds(f->bounds);
    struct histogram_sum h = {.sum = 0};

    for (size_t k = 0; k < p->count; k++)
        add_histogram(&h, value_of(p, k, room, f->at + i * sizeof(struct histogram)));
    write_histogram(p->w, f->name, labels, f->bounds, &printed, &h);
}

static void write_family(const struct page *p, size_t room, const struct metric_family *f)
{
    char labels[LABELS_MAX] = "";

    write_head(p->w, f->name, f->type, f->help);
    for (size_t i = 0; i < f->count; i++) {
        uint64_t sum = 0, longest = 0;
        if (f->label)
            snprintf(labels, sizeof(labels), "%s=\"%s\"", f->label, f->values[i]);
        if (f->type == METRIC_HISTOGRAM) {
            write_family_histogram(p, room, f, i, labels);
            continue;
        }
        for (size_t k = 0; k < p->count; k++) {
            uint64_t value = metric_read(value_of(p, k, room, f->at + i * sizeof(metric)));
            sum += value;
            longest = value > longest ? value : longest;
        }
        if (f->type == METRIC_AGE)
            write_seconds(p->w, f->name, labels, longest);
        else
            write_count(p->w, f->name, "", labels, sum);
    }
}

static void write_rooms(const struct page *p)
{
    for (size_t room = 0; room < p->workers[0]->room_count; room++) {
        const struct metric_group *group = p->workers[0]->rooms[room].group;
        for (size_t i = 0; i < group->family_count; i++)
            write_family(p, room, &group->families[i]);
    }
}

/* Requests */

/* Writes the labels for the route and method of an index in `routes`. */
static void route_labels(const struct api *api, size_t place, char labels[static LABELS_MAX])
{
    size_t n = api->endpoint_count;
    const char *route = place < 2 * n ? api->endpoints[place % n].path : UNMATCHED;
    const char *method = place < n       ? method_names[api->endpoints[place].method]
                         : place < 2 * n ? "HEAD"
                                         : method_names[place - 2 * n];

    snprintf(labels, LABELS_MAX, "route=\"%s\",method=\"%s\"", route, method);
}

/*
 * Endpoints are shown from the start, so that a rate includes their first request; the others once there was
 * a request.
 */
static void write_durations(const struct page *p)
{
    static const char name[] = "http_request_duration_seconds";
    const struct api *api = p->workers[0]->api;
    struct bound_texts printed = print_bounds(&metrics_request_bounds);

    write_head(p->w, name, METRIC_HISTOGRAM, "Time from a request's arrival until its handler has answered.");
    for (size_t place = 0; place < metrics_route_count(api); place++) {
        struct histogram_sum h = {.sum = 0};
        char labels[LABELS_MAX];
        for (size_t i = 0; i < p->count; i++)
            add_histogram(&h, &p->workers[i]->routes[place].duration);
        if (!h.count && place >= api->endpoint_count)
            continue;
        route_labels(api, place, labels);
        write_histogram(p->w, name, labels, &metrics_request_bounds, &printed, &h);
    }
}

static void write_statuses(const struct page *p)
{
    static const char name[] = "http_requests_total";
    const struct api *api = p->workers[0]->api;

    write_head(p->w, name, METRIC_COUNTER, "Requests answered.");
    for (size_t place = 0; place < metrics_route_count(api); place++) {
        char route[LABELS_MAX], labels[LABELS_MAX + 24];
        route_labels(api, place, route);
        for (size_t s = 0; s < METRICS_STATUSES; s++) {
            uint64_t n = 0;
            for (size_t i = 0; i < p->count; i++)
                n += metric_read(&p->workers[i]->routes[place].statuses[s]);
            if (!n)
                continue;
            if (metrics_status_at(s))
                snprintf(labels, sizeof(labels), "%s,status=\"%d\"", route, metrics_status_at(s));
            else
                snprintf(labels, sizeof(labels), "%s,status=\"other\"", route);
            write_count(p->w, name, "", labels, n);
        }
    }
}

/* The process */

static void write_process(const struct page *p)
{
    struct process process;

    if (!process_read(&process))
        return;
    const struct {
        const char *name;
        enum metric_type type;
        double value;
        const char *help;
    } samples[] = {
        {"process_cpu_seconds_total", METRIC_COUNTER, process.cpu_seconds,
         "Processor time, of the user and of the kernel."},
        {"process_private_memory_bytes", METRIC_GAUGE, (double)process.private_bytes,
         "Memory of the process alone, which its end would free."},
        {"process_resident_memory_bytes", METRIC_GAUGE, (double)process.resident_bytes,
         "Memory that is resident."},
        {"process_virtual_memory_bytes", METRIC_GAUGE, (double)process.virtual_bytes,
         "Memory that is mapped."},
        {"service_memory_held_bytes", METRIC_GAUGE, (double)budget_held(),
         "Memory counted against MEMORY_LIMIT."},
        {"service_memory_limit_bytes", METRIC_GAUGE, (double)budget_limit(), "MEMORY_LIMIT."},
        {"service_memory_refused_total", METRIC_COUNTER, (double)budget_refused(),
         "How often something did not fit MEMORY_LIMIT."},
        {"process_open_fds", METRIC_GAUGE, (double)process.open_descriptors, "Open file descriptors."},
        {"process_max_fds", METRIC_GAUGE, (double)process.max_descriptors,
         "File descriptors that may be open."},
        {"process_start_time_seconds", METRIC_GAUGE, process.start_time,
         "When the process started, since 1970 UTC."},
    };
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct writer *w = p->w;
        write_head(w, samples[i].name, samples[i].type, samples[i].help);
        write_sample(w, samples[i].name, "", "");
        write_float(w, samples[i].value);
        write_char(w, '\n');
    }
}

static void write_service(const struct page *p)
{
    const struct api *api = p->workers[0]->api;
    struct writer *w = p->w;
    char labels[LABELS_MAX];

    write_head(w, "service_build_info", METRIC_GAUGE,
               "The versions of the service and of its libraries; always 1.");
    snprintf(labels, sizeof(labels),
             "service=\"%s\",version=\"%s\",compiler=\"%s\",libmicrohttpd=\"%s\",libpq=\"%d\"", api->name,
             api->version, __VERSION__, http_library_version(), pg_library_version());
    write_count(w, "service_build_info", "", labels, 1);
    write_head(w, "service_workers", METRIC_GAUGE, "Worker threads.");
    write_count(w, "service_workers", "", "", p->count);
    write_head(w, "log_lines_dropped_total", METRIC_COUNTER, "Lines of the log that stderr did not take.");
    write_count(w, "log_lines_dropped_total", "", "", log_dropped());
}

void metrics_write(struct writer *w, const struct metrics *const *workers, size_t count)
{
    const struct page page = {w, workers, count};

    write_statuses(&page);
    write_durations(&page);
    write_rooms(&page);
    write_process(&page);
    write_service(&page);
}
