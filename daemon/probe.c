/* probe.c - /livez and /readyz: whether the daemon runs, and whether to send it requests. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/probe.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "daemon/job.h"
#include "daemon/memory.h"
#include "daemon/server.h"

#define PLAIN "text/plain; charset=utf-8"

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

static char *describe(const struct server *server, size_t *ret_bytes)
{
    char *text = NULL;
    size_t queued;
    size_t running;
    int n;

    pool_counts(server->pool, &queued, &running);
    n = asprintf(&text,
                 "connections %zu\nrequests %zu\njobs_queued %zu\njobs_running %zu\n"
                 "budget_bytes %" PRIu64 "\nbudget_used_bytes %" PRIu64 "\nwaiting %zu\n",
                 server->connections.n, server->n_jobs, queued, running, memory_budget(),
                 memory_used(), admission_n_waiting(&server->admission));
    *ret_bytes = n > 0 ? (size_t)n : 0;
    return n > 0 ? text : NULL;
}

bool probe_readyz(struct job *job)
{
    bool ready = job->server->state == SERVER_SERVING;
    unsigned status = ready ? MHD_HTTP_OK : (unsigned)problem_status(PROBLEM_DRAINING);
    const char *word = ready ? "ready\n" : "draining\n";
    size_t n_bytes = 0;
    char *text = is_verbose(job) ? describe(job->server, &n_bytes) : NULL;

    if (text != NULL)
        answer_take(&job->answer, PLAIN, text, n_bytes);
    else
        answer_fixed(&job->answer, status, PLAIN, word, strlen(word));
    job->answer.status = status;
    job->answer.no_store = true;
    return true;
}
