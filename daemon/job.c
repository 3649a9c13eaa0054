/* job.c - one request's life: what it owns, and who works on it now. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/job.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/admission.h"
#include "daemon/clock.h"
#include "daemon/server.h"
#include "daemon/stats.h"

struct job *job_new(struct server *server, struct connection *connection,
                    struct MHD_Connection *mhd)
{
    struct job *job = calloc(1, sizeof(*job));

    if (job == NULL)
        return NULL;
    job->state = JOB_FIRST;
    job->server = server;
    job->settings = settings_hold(server->settings);
    job->connection = connection;
    job->mhd = mhd;
    job->task.turn.user = connection->user;
    job->started_ns = clock_ns();
    job->held_fd = -1;
    connection->job = job;
    server->n_jobs++;
    return job;
}

void job_free(struct job *job)
{
    struct server *server = job->server;

    admission_forget(job);
    score_free(job->score);
    score_kept_done(&job->kept);
    answer_done(&job->answer);
    loss_free(job->loss);
    arena_free(&server->arenas, &job->body);
    free(job->parameters);
    admission_give(job);
    if (job->held_fd >= 0)
        linger_begin(&server->lingers, job->held_fd);
    settings_release(job->settings);
    job->connection->job = NULL;
    server->n_jobs--;
    free(job);
}

void job_suspend(struct job *job)
{
    job->suspended = true;
    MHD_suspend_connection(job->mhd);
}

void job_wait(struct job *job, enum job_state state)
{
    job->state = state;
    connection_enter(job->connection, CONNECTION_BUSY, 0);
    job_suspend(job);
}

void job_resume(struct job *job, enum job_state state)
{
    job->state = state;
    job->suspended = false;
    connection_enter(job->connection, CONNECTION_BUSY, 0);
    MHD_resume_connection(job->mhd);
    listener_wake(job->connection->listener);
}

bool job_has_no_query(const struct job *job, struct problem *reterr)
{
    return job->input.n_parameters == 0 ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                       "There is no query parameter \"%s\" here.", job->parameters[0].name);
}

void job_fail(struct job *job, const struct problem *problem)
{
    answer_problem(&job->answer, problem, job->path);
}

bool job_begin_body(struct job *job)
{
    if (!arena_new(&job->server->arenas, (size_t)job->taken_bytes, &job->body))
        return false;
    job->input.body = job->body.bytes;
    job->state = JOB_BODY;
    connection_enter(job->connection, CONNECTION_BODY, 0);
    return true;
}

/* Only bodies without a length grow. */
static bool grow(struct job *job, size_t n_bytes, struct problem *reterr)
{
    uint64_t limit = job->settings->config.limits_body_bytes;
    size_t twice = 2 * (size_t)job->taken_bytes;
    size_t wanted = twice > n_bytes ? twice : n_bytes;

    wanted = wanted < limit ? wanted : (size_t)limit;
    if (!admission_take(job, wanted))
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL,
                           "There is no memory for more of this body now.");
    if (!arena_grow(&job->server->arenas, &job->body, wanted))
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "There is no memory.");
    job->input.body = job->body.bytes;
    return true;
}

bool job_append(struct job *job, const char *bytes, size_t n_bytes, struct problem *reterr)
{
    size_t after = job->input.body_bytes + n_bytes;
    uint64_t limit = job->settings->config.limits_body_bytes;

    if (after > limit)
        return problem_set(
            reterr, PROBLEM_BODY_TOO_LARGE, NULL,
            "The body has more than %" PRIu64 " bytes, the limit (limits.body_bytes).", limit);
    if (after > job->taken_bytes && !grow(job, after, reterr))
        return false;
    memcpy(job->body.bytes + job->input.body_bytes, bytes, n_bytes);
    job->input.body_bytes = after;
    return true;
}

uint64_t job_body_deadline(const struct job *job)
{
    const struct config *config = &job->settings->config;
    uint64_t n_bytes = job->framing.chunked ? job->input.body_bytes : job->framing.content_length;
    uint64_t at_rate_ms = n_bytes / config->timeouts_body_rate * 1000;

    return job->connection->since_ms +
           (at_rate_ms > config->timeouts_body_ms ? at_rate_ms : config->timeouts_body_ms);
}

void job_break(struct job *job, const struct problem *problem)
{
    job_fail(job, problem);
    job->answer.close = true;
    stats_request(job->route, job->answer.status);
    stats_refusal(problem->code);
    job->held_fd = linger_hold(&job->server->lingers, job->connection->fd);
    answer_send(&job->answer, job->connection);
    job->state = JOB_DROPPED;
}
