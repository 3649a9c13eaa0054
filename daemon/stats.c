/* stats.c - what has happened, counted, and what is going on: GET /metrics. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/stats.h"

#include <inttypes.h>
#include <math.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/probe.h"
#include "daemon/process.h"
#include "daemon/registry.h"
#include "daemon/route.h"
#include "daemon/server.h"
#include "daemon/timing.h"
#include "daemon/watchdog.h"
#include "lib/overlap.h"

#define TYPE              "text/plain; version=0.0.4; charset=utf-8"
#define OPEN_METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Statuses that are counted apart: those of problems, and those of what went well. */
static const unsigned statuses[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405,
                                    408, 409, 413, 415, 422, 429, 500, 501, 503, 0};
#define N_STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static atomic_uint_fast64_t requests[ROUTE_MAX + 1][N_STATUSES];
static atomic_uint_fast64_t refusals[PROBLEM_N];
static atomic_uint_fast64_t messages[STATS_N_OPS];

#define OP_NAME(symbol, name) name,
static const char *const op_names[STATS_N_OPS] = {STATS_OP_MAP(OP_NAME)};
#undef OP_NAME

/* ---- counting -------------------------------------------------------------------------------- */

void stats_request(const struct route *route, unsigned status)
{
    size_t i = 0;

    while (i + 1 < N_STATUSES && statuses[i] != status)
        i++;
    atomic_fetch_add_explicit(&requests[route_index(route)][i], 1, memory_order_relaxed);
}

void stats_refusal(enum problem_code code)
{
    if (code > PROBLEM_NONE && code < PROBLEM_N)
        atomic_fetch_add_explicit(&refusals[code], 1, memory_order_relaxed);
}

void stats_message(enum stats_op op)
{
    atomic_fetch_add_explicit(&messages[op], 1, memory_order_relaxed);
}

static uint64_t value_of(atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* ---- families -------------------------------------------------------------------------------- */

/* A family's samples; the name is the family's. */
struct samples {
    FILE *out;
    const char *name;
    const struct server *server;
};

static void print_build(const struct samples *to)
{
    fprintf(to->out, "%s{version=\"%s\",isa=\"%s\"} 1\n", to->name, ov_version(), ov_isa());
}

static void print_route(const struct samples *to, const struct route *route)
{
    for (size_t i = 0; i < N_STATUSES; i++) {
        uint64_t n = value_of(&requests[route_index(route)][i]);
        char code[16] = "_other";

        if (n == 0)
            continue;
        if (statuses[i] != 0)
            snprintf(code, sizeof(code), "%u", statuses[i]);
        fprintf(to->out, "%s{method=\"%s\",route=\"%s\",code=\"%s\"} %" PRIu64 "\n", to->name,
                route != NULL ? route->method : "_other", route != NULL ? route->path : "_other",
                code, n);
    }
}

static void print_requests(const struct samples *to)
{
    size_t n;
    const struct route *routes = route_list(&n);

    for (size_t i = 0; i < n; i++)
        print_route(to, &routes[i]);
    print_route(to, NULL);
}

static void print_refusals(const struct samples *to)
{
    for (enum problem_code code = PROBLEM_NONE + 1; code < PROBLEM_N; code++) {
        if (value_of(&refusals[code]) > 0)
            fprintf(to->out, "%s{code=\"%s\"} %" PRIu64 "\n", to->name, problem_name(code),
                    value_of(&refusals[code]));
    }
}

static void print_messages(const struct samples *to)
{
    for (int op = 0; op < STATS_N_OPS; op++)
        fprintf(to->out, "%s{op=\"%s\"} %" PRIu64 "\n", to->name, op_names[op],
                value_of(&messages[op]));
}

static void print_by_kind(const struct samples *to, uint64_t names, uint64_t handles)
{
    fprintf(to->out, "%s{kind=\"name\"} %" PRIu64 "\n%s{kind=\"handle\"} %" PRIu64 "\n", to->name,
            names, to->name, handles);
}

static void print_regions(const struct samples *to)
{
    struct registry_counts counts;

    registry_count(&counts);
    print_by_kind(to, counts.n[SEGMENT_SHM], counts.n[SEGMENT_HANDLE]);
}

static void print_region_bytes(const struct samples *to)
{
    struct registry_counts counts;

    registry_count(&counts);
    print_by_kind(to, counts.bytes[SEGMENT_SHM], counts.bytes[SEGMENT_HANDLE]);
}

static void print_uint(const struct samples *to, uint64_t value)
{
    fprintf(to->out, "%s %" PRIu64 "\n", to->name, value);
}

static void print_truncated(const struct samples *to)
{
    print_uint(to, value_of(&refusals[PROBLEM_SHM_TRUNCATED]));
}

static void print_mailboxes(const struct samples *to)
{
    print_uint(to, to->server->mailboxes.n);
}

static void print_connections(const struct samples *to)
{
    print_uint(to, to->server->connections.n);
}

static void print_active(const struct samples *to)
{
    print_uint(to, to->server->n_jobs);
}

static void print_waiting(const struct samples *to)
{
    print_uint(to, admission_n_waiting(&to->server->admission));
}

static void print_queued(const struct samples *to)
{
    size_t queued;
    size_t running;

    pool_counts(to->server->pool, &queued, &running);
    print_uint(to, queued);
}

static void print_capacity(const struct samples *to)
{
    print_uint(to, to->server->config->workers_jobs);
}

static void print_workers(const struct samples *to)
{
    print_uint(to, to->server->n_workers);
}

static void print_busy(const struct samples *to)
{
    size_t queued;
    size_t running;

    pool_counts(to->server->pool, &queued, &running);
    print_uint(to, running);
}

static void print_budget(const struct samples *to)
{
    print_uint(to, memory_budget());
}

static void print_budget_used(const struct samples *to)
{
    print_uint(to, memory_used());
}

static void print_durations(const struct samples *to)
{
    timing_print_requests(to->out, to->name);
}

static void print_stages(const struct samples *to)
{
    timing_print_stages(to->out, to->name);
}

static void print_bodies(const struct samples *to)
{
    timing_print_bodies(to->out, to->name);
}

static void print_decoded(const struct samples *to)
{
    timing_print_decoded(to->out, to->name);
}

static void print_ready(const struct samples *to)
{
    print_uint(to, probe_is_ready(to->server));
}

static void print_stuck(const struct samples *to)
{
    print_uint(to, watchdog_count_stuck(to->server));
}

static void print_store_failing(const struct samples *to)
{
    if (to->server->store != NULL)
        print_uint(to, store_is_failing(to->server->store));
}

static void print_suppressed(const struct samples *to)
{
    print_uint(to, log_n_suppressed());
}

/* The name of a counter ends with _total. */
static const struct family {
    const char *name;
    const char *type;
    const char *help;
    void (*print)(const struct samples *to);
    double (*value)(void); /* instead; NaN for no sample */
} families[] = {
    {"overlapd_build_info", "gauge", "What runs.", print_build, NULL},
    {"overlapd_ready", "gauge", "1 where /readyz says so.", print_ready, NULL},
    {"overlapd_http_requests_total", "counter", "Requests answered.", print_requests, NULL},
    {"overlapd_http_request_duration_seconds", "histogram",
     "From a request's first byte until its answer has left.", print_durations, NULL},
    {"overlapd_stage_duration_seconds", "histogram",
     "Parts of a score or loss: until the body was there, until a thread had time, to decode, to "
     "count, and from the first byte until the answer was made.",
     print_stages, NULL},
    {"overlapd_http_request_body_bytes", "histogram", "Bodies as sent.", print_bodies, NULL},
    {"overlapd_decoded_bytes", "histogram", "Both masks of a score, decoded.", print_decoded, NULL},
    {"overlapd_http_active_requests", "gauge", "Requests being received or answered.", print_active,
     NULL},
    {"overlapd_connections", "gauge", "HTTP connections open.", print_connections, NULL},
    {"overlapd_messages_total", "counter", "Messages answered over listen.fd.", print_messages,
     NULL},
    {"overlapd_fd_connections", "gauge", "Connections to listen.fd open.", print_mailboxes, NULL},
    {"overlapd_rejected_total", "counter", "What could not be done, by the problem's code.",
     print_refusals, NULL},
    {"overlapd_queue_depth", "gauge", "Jobs that wait for a thread.", print_queued, NULL},
    {"overlapd_queue_capacity", "gauge", "Jobs that may.", print_capacity, NULL},
    {"overlapd_workers", "gauge", "Threads that score.", print_workers, NULL},
    {"overlapd_workers_busy", "gauge", "Of these, busy.", print_busy, NULL},
    {"overlapd_workers_stuck", "gauge", "Of these, at one job for longer than timeouts.worker.",
     print_stuck, NULL},
    {"overlapd_waiting_requests", "gauge", "Uploads that wait for memory.", print_waiting, NULL},
    {"overlapd_budget_bytes", "gauge", "Memory for bodies and masks.", print_budget, NULL},
    {"overlapd_budget_used_bytes", "gauge", "Of this, in use.", print_budget_used, NULL},
    {"overlapd_shm_regions", "gauge", "Shared memory registered.", print_regions, NULL},
    {"overlapd_shm_bytes", "gauge", "Its bytes.", print_region_bytes, NULL},
    {"overlapd_shm_truncated_total", "counter",
     "Masks whose shared memory became shorter while they were read.", print_truncated, NULL},
    {"overlapd_store_failing", "gauge", "1 while results cannot be kept.", print_store_failing,
     NULL},
    {"overlapd_log_suppressed_total", "counter", "Lines that were too many for the log.",
     print_suppressed, NULL},
    {"process_cpu_seconds_total", "counter", "Time on processors.", NULL, process_cpu_seconds},
    {"process_start_time_seconds", "gauge", "When it began, since 1970.", NULL,
     process_start_seconds},
    {"process_resident_memory_bytes", "gauge", "Memory in use.", NULL, process_resident_bytes},
    {"process_virtual_memory_bytes", "gauge", "Addresses in use.", NULL, process_virtual_bytes},
    {"process_open_fds", "gauge", "File descriptors open.", NULL, process_open_fds},
    {"process_max_fds", "gauge", "File descriptors that may be.", NULL, process_max_fds},
};

/* In OpenMetrics the family of a counter is named without its samples' _total. */
static void print_family(const struct samples *to, const struct family *family, bool open_metrics)
{
    size_t n = strlen(family->name);
    double value = family->value != NULL ? family->value() : NAN;

    if (open_metrics && strcmp(family->type, "counter") == 0)
        n -= sizeof("_total") - 1;
    fprintf(to->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)n, family->name, family->help, (int)n,
            family->name, family->type);
    if (family->print != NULL)
        family->print(to);
    else if (!isnan(value))
        fprintf(to->out, "%s %.15g\n", to->name, value);
}

static char *print_all(const struct server *server, bool open_metrics, size_t *ret_bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_bytes);
    bool ok;

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        struct samples to = {out, families[i].name, server};

        print_family(&to, &families[i], open_metrics);
    }
    if (open_metrics)
        fputs("# EOF\n", out);
    ok = ferror(out) == 0;
    ok = fclose(out) == 0 && ok;
    if (ok)
        return text;
    free(text);
    return NULL;
}

/* Any mention will do: who can read it asks for it. */
static bool wants_open_metrics(const struct job *job)
{
    const char *accept =
        MHD_lookup_connection_value(job->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);

    return accept != NULL && strcasestr(accept, "application/openmetrics-text") != NULL;
}

bool stats_handle(struct job *job)
{
    struct problem problem = {0};
    bool open_metrics = wants_open_metrics(job);
    size_t n_bytes = 0;
    char *text = print_all(job->server, open_metrics, &n_bytes);

    if (text == NULL) {
        problem_set(&problem, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the metrics.");
        job_fail(job, &problem);
        return true;
    }
    answer_take(&job->answer, open_metrics ? OPEN_METRICS_TYPE : TYPE, text, n_bytes);
    job->answer.no_store = true;
    return true;
}
