/* sweep.c - deadlines, and clients that are gone: looked for every so often. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sweep.h"

#include "daemon/clock.h"
#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/server.h"

/* In a drain, a connection without a request may take this long to send one. */
#define GRACE_MS 250

static void expire_body(struct job *job)
{
    struct problem problem = {0};

    problem_set(&problem, PROBLEM_BODY_TIMEOUT, NULL,
                "The body did not arrive within the time allowed (timeouts.body, body_rate).");
    job_break(job, &problem);
    log_event_limited(LOG_LEVEL_INFO, "body-timeout", LOG_TEXT("path", job->path));
}

static void expire(struct connection *connection)
{
    struct problem problem = {0};

    if (connection->phase == CONNECTION_WAIT) {
        problem_set(&problem, PROBLEM_QUEUE_FULL, NULL,
                    "There was no memory for this body within the time allowed.");
        admission_refuse(connection->job, &problem);
        return;
    }
    if (connection->phase == CONNECTION_BODY)
        expire_body(connection->job);
    connection_kill(connection);
}

static uint64_t deadline(const struct connection *connection)
{
    if (connection->phase == CONNECTION_BODY)
        return job_body_deadline(connection->job);
    return connection->deadline_ms != 0 ? connection->deadline_ms : UINT64_MAX;
}

/* libmicrohttpd does not tell of these; the memory they hold would be missed. */
static void drop_if_gone(struct server *server, struct connection *connection)
{
    if (!connection_is_gone(connection->fd))
        return;
    if (connection->phase == CONNECTION_WAIT) {
        admission_forget(&server->admission, connection->job);
        job_resume(connection->job, JOB_DROPPED);
    } else {
        connection_kill(connection);
    }
}

static bool is_idle_in_drain(const struct server *server, const struct connection *connection,
                             uint64_t now_ms)
{
    if (server->state != SERVER_QUIESCED || connection->job != NULL)
        return false;
    return connection->phase == CONNECTION_IDLE || now_ms - connection->since_ms >= GRACE_MS;
}

void sweep_run(struct server *server)
{
    uint64_t now_ms = clock_ms();

    for (struct connection *at = server->connections.first; at != NULL; at = at->next) {
        if (at->killed)
            continue;
        if (now_ms >= deadline(at))
            expire(at);
        else if (at->phase == CONNECTION_BODY || at->phase == CONNECTION_WAIT)
            drop_if_gone(server, at);
        else if (is_idle_in_drain(server, at, now_ms))
            connection_kill(at);
    }
    linger_sweep(&server->lingers, now_ms);
    admission_grant(server);
}
