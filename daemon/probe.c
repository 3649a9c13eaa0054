/* probe.c - /livez and /readyz: whether the daemon runs, and whether to send it requests. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/probe.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/job.h"
#include "daemon/memory.h"
#include "daemon/server.h"
#include "daemon/watchdog.h"

#define PLAIN "text/plain; charset=utf-8"

/* The sweep comes four times a second: when it has not for so long, the loop was kept busy. */
#define LATE_MS 1000

bool probe_livez(struct job *job)
{
    answer_fixed(&job->answer, MHD_HTTP_OK, PLAIN, "ok\n", 3);
    job->answer.no_store = true;
    return true;
}

static bool is_verbose(const struct job *job)
{
    for (size_t i = 0; i < job->input.n_parameters; i++) {
        if (strcmp(job->parameters[i].name, "verbose") == 0)
            return true;
    }
    return false;
}

bool probe_is_ready(const struct server *server)
{
    return server->state == SERVER_SERVING && watchdog_count_stuck(server) == 0;
}

static const char *loop_state(const struct server *server)
{
    return server->swept_ms != 0 && clock_ms() - server->swept_ms > LATE_MS ? "late" : "ok";
}

static const char *workers_state(const struct server *server)
{
    if (watchdog_count_stuck(server) > 0)
        return "stuck";
    return pool_has_room(server->pool, 0, SIZE_MAX) ? "ok" : "full";
}

static const char *memory_state(const struct server *server)
{
    return admission_n_waiting(&server->admission) > 0 ? "full" : "ok";
}

static const char *store_state(const struct server *server)
{
    if (server->store == NULL)
        return "none";
    return store_is_failing(server->store) ? "failing" : "ok";
}

/* A line for each check, then one for each number: a name and its state or value. */
static char *describe(const struct server *server, size_t *ret_bytes)
{
    char *text = NULL;
    size_t queued;
    size_t running;
    int n;

    pool_counts(server->pool, &queued, &running);
    n = asprintf(
        &text,
        "ready %s\nloop %s\nworkers %s\nmemory %s\nstore %s\ndraining %s\n"
        "connections %zu\nrequests %zu\njobs_queued %zu\njobs_running %zu\n"
        "workers_stuck %zu\nbudget_bytes %" PRIu64 "\nbudget_used_bytes %" PRIu64 "\nwaiting %zu\n",
        probe_is_ready(server) ? "yes" : "no", loop_state(server), workers_state(server),
        memory_state(server), store_state(server), server->state == SERVER_SERVING ? "no" : "yes",
        server->connections.n, server->n_jobs, queued, running, watchdog_count_stuck(server),
        memory_budget(), memory_used(), admission_n_waiting(&server->admission));
    *ret_bytes = n > 0 ? (size_t)n : 0;
    return n > 0 ? text : NULL;
}

bool probe_readyz(struct job *job)
{
    const struct server *server = job->server;
    bool ready = probe_is_ready(server);
    unsigned status = ready ? MHD_HTTP_OK : (unsigned)problem_status(PROBLEM_DRAINING);
    const char *word = ready                             ? "ready\n"
                       : server->state == SERVER_SERVING ? "stuck\n"
                                                         : "draining\n";
    size_t n_bytes = 0;
    char *text = is_verbose(job) ? describe(server, &n_bytes) : NULL;

    if (text != NULL)
        answer_take(&job->answer, PLAIN, text, n_bytes);
    else
        answer_fixed(&job->answer, status, PLAIN, word, strlen(word));
    job->answer.status = status;
    job->answer.no_store = true;
    return true;
}
