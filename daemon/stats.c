/* stats.c - what has happened, counted, and what is going on: GET /metrics. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/stats.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/job.h"
#include "daemon/memory.h"
#include "daemon/registry.h"
#include "daemon/route.h"
#include "daemon/server.h"
#include "lib/overlap.h"

#define TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Routes that are counted apart, and one place for all other paths. */
#define MAX_ROUTES 64

/* Statuses that are counted apart: those of problems, and those of what went well. */
static const unsigned statuses[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405,
                                    408, 409, 413, 415, 422, 429, 500, 501, 503, 0};
#define N_STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static atomic_uint_fast64_t requests[MAX_ROUTES + 1][N_STATUSES];
static atomic_uint_fast64_t refusals[PROBLEM_N];
static atomic_uint_fast64_t messages[STATS_N_OPS];

#define OP_NAME(symbol, name) name,
static const char *const op_names[STATS_N_OPS] = {STATS_OP_MAP(OP_NAME)};
#undef OP_NAME

/* ---- counting -------------------------------------------------------------------------------- */

static size_t index_of(const struct route *route)
{
    size_t n;
    const struct route *routes = route_list(&n);

    return route != NULL && route >= routes && route < routes + n && n <= MAX_ROUTES
               ? (size_t)(route - routes)
               : MAX_ROUTES;
}

void stats_request(const struct route *route, unsigned status)
{
    size_t i = 0;

    while (i + 1 < N_STATUSES && statuses[i] != status)
        i++;
    atomic_fetch_add_explicit(&requests[index_of(route)][i], 1, memory_order_relaxed);
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
        uint64_t n = value_of(&requests[index_of(route)][i]);
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

/* ---- the process ----------------------------------------------------------------------------- */

static void print_cpu(const struct samples *to)
{
    struct rusage usage = {.ru_maxrss = 0};

    getrusage(RUSAGE_SELF, &usage);
    fprintf(to->out, "%s %.6f\n", to->name,
            (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
}

static void print_resident(const struct samples *to)
{
    char line[128];
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return;
    if (fgets(line, sizeof(line), file) != NULL) /* pages in all, pages resident, ... */
        print_uint(to,
                   strtoull(line + strcspn(line, " "), NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE));
    fclose(file);
}

/* Without the one that looks. */
static void print_open_fds(const struct samples *to)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t n = 0;

    if (folder == NULL)
        return;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    print_uint(to, n - 3);
}

static void print_max_fds(const struct samples *to)
{
    struct rlimit files = {0};

    getrlimit(RLIMIT_NOFILE, &files);
    print_uint(to, files.rlim_cur);
}

static const struct family {
    const char *name;
    const char *type;
    const char *help;
    void (*print)(const struct samples *to);
} families[] = {
    {"overlapd_build_info", "gauge", "What runs.", print_build},
    {"overlapd_http_requests_total", "counter", "Requests answered.", print_requests},
    {"overlapd_http_active_requests", "gauge", "Requests being received or answered.",
     print_active},
    {"overlapd_connections", "gauge", "HTTP connections open.", print_connections},
    {"overlapd_messages_total", "counter", "Messages answered over listen.fd.", print_messages},
    {"overlapd_fd_connections", "gauge", "Connections to listen.fd open.", print_mailboxes},
    {"overlapd_rejected_total", "counter", "What could not be done, by the problem's code.",
     print_refusals},
    {"overlapd_queue_depth", "gauge", "Jobs that wait for a thread.", print_queued},
    {"overlapd_queue_capacity", "gauge", "Jobs that may.", print_capacity},
    {"overlapd_workers", "gauge", "Threads that score.", print_workers},
    {"overlapd_workers_busy", "gauge", "Of these, busy.", print_busy},
    {"overlapd_waiting_requests", "gauge", "Uploads that wait for memory.", print_waiting},
    {"overlapd_budget_bytes", "gauge", "Memory for bodies and masks.", print_budget},
    {"overlapd_budget_used_bytes", "gauge", "Of this, in use.", print_budget_used},
    {"overlapd_shm_regions", "gauge", "Shared memory registered.", print_regions},
    {"overlapd_shm_bytes", "gauge", "Its bytes.", print_region_bytes},
    {"overlapd_shm_truncated_total", "counter",
     "Masks whose shared memory became shorter while they were read.", print_truncated},
    {"process_cpu_seconds_total", "counter", "Time on processors.", print_cpu},
    {"process_resident_memory_bytes", "gauge", "Memory in use.", print_resident},
    {"process_open_fds", "gauge", "File descriptors open.", print_open_fds},
    {"process_max_fds", "gauge", "File descriptors that may be.", print_max_fds},
};

static char *print_all(const struct server *server, size_t *ret_bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_bytes);
    bool ok;

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        const struct family *family = &families[i];
        struct samples to = {out, family->name, server};

        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                family->type);
        family->print(&to);
    }
    ok = ferror(out) == 0;
    ok = fclose(out) == 0 && ok;
    if (ok)
        return text;
    free(text);
    return NULL;
}

bool stats_handle(struct job *job)
{
    struct problem problem = {0};
    size_t n_bytes = 0;
    char *text = print_all(job->server, &n_bytes);

    if (text == NULL) {
        problem_set(&problem, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the metrics.");
        job_fail(job, &problem);
        return true;
    }
    answer_take(&job->answer, TYPE, text, n_bytes);
    job->answer.no_store = true;
    return true;
}
