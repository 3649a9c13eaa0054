/* sweep.c - deadlines, and clients that are gone: looked for every so often. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sweep.h"

#include "daemon/clock.h"
#include "daemon/job.h"
#include "daemon/journal.h"
#include "daemon/log.h"
#include "daemon/registry.h"
#include "daemon/run.h"
#include "daemon/server.h"

/* From when a drain closes the listeners, a connection without a request may take so long to send
 * one. */
#define GRACE_MS 250

/* In one turn of the loop: a crowd whose time is up together keeps no good request waiting. */
#define TURN_NS 100000

/* So long a client that is still sending its body may take to notice that it has been answered. */
#define FAREWELL_MS 1000

static void expire_body(struct job *job)
{
    struct problem problem = {0};

    problem_set(&problem, PROBLEM_BODY_TIMEOUT, NULL,
                "The body did not arrive within the time allowed (timeouts.body, body_rate).");
    job_break(job, &problem);
    connection_end_sending(job->connection); /* not both ways: what arrives would reset it */
    connection_enter(job->connection, CONNECTION_WRITE, FAREWELL_MS);
    log_event_limited(LOG_LEVEL_INFO, "body-timeout", LOG_TEXT("path", job->path),
                      LOG_TEXT("trace", journal_trace(job)));
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
    else
        connection_kill(connection);
}

static bool is_queued(const struct connection *connection)
{
    return connection->job != NULL && connection->job->state == JOB_QUEUED;
}

/* Those for whom a worker has no time: one that runs looks for itself when it begins. */
static void check_queued(struct server *server, struct job *job, uint64_t now_ms)
{
    struct problem problem = {0};
    bool late = now_ms - job->queued_ns / 1000000 > server->config->timeouts_queue_ms;

    if (!late && !connection_is_gone(job->connection))
        return;
    if (!pool_remove(server->pool, &job->task))
        return;
    problem_set(&problem, PROBLEM_QUEUE_FULL, NULL, "The request waited too long for a thread.");
    if (late)
        job_fail(job, &problem);
    job_resume(job, late ? JOB_READY : JOB_DROPPED);
}

static bool is_over(const struct connection *connection, uint64_t now_ms)
{
    return connection->job != NULL && connection->job->state == JOB_POLL &&
           (now_ms >= connection->job->poll_until_ms || connection_is_gone(connection));
}

static uint64_t deadline(const struct connection *connection)
{
    if (connection->phase == CONNECTION_BODY)
        return job_body_deadline(connection->job);
    return connection->deadline_ms != 0 ? connection->deadline_ms : UINT64_MAX;
}

/* libmicrohttpd does not tell of these; the memory they hold would be missed. */
static void drop_if_gone(struct connection *connection)
{
    if (!connection_is_gone(connection))
        return;
    if (connection->phase == CONNECTION_WAIT) {
        admission_forget(connection->job);
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
    return connection->phase == CONNECTION_IDLE || now_ms - server->quiesced_ms >= GRACE_MS;
}

static void look(struct server *server, struct connection *at, uint64_t now_ms)
{
    if (at->killed)
        return;
    if (now_ms >= deadline(at))
        expire(at);
    else if (at->phase == CONNECTION_BODY || at->phase == CONNECTION_WAIT)
        drop_if_gone(at);
    else if (is_queued(at))
        check_queued(server, at->job, now_ms);
    else if (is_over(at, now_ms))
        run_end_poll(at->job);
    else if (is_idle_in_drain(server, at, now_ms))
        connection_kill(at);
}

void sweep_begin(struct server *server)
{
    uint64_t now_ms = clock_ms();

    server->swept_ms = now_ms;
    mailbox_sweep(server, now_ms);
    registry_expire(now_ms, server->config->shm_idle_ms);
    linger_sweep(&server->lingers, now_ms);
    if (server->connections.next_swept == NULL)
        server->connections.next_swept = server->connections.first;
    sweep_go_on(server);
}

void sweep_go_on(struct server *server)
{
    struct connections *connections = &server->connections;
    uint64_t began_ns;

    if (connections->next_swept == NULL)
        return;
    began_ns = clock_ns();
    while (connections->next_swept != NULL && clock_ns() - began_ns < TURN_NS) {
        struct connection *at = connections->next_swept;

        connections->next_swept = at->next;
        look(server, at, began_ns / 1000000);
    }
    admission_grant(server);
    if (connections->next_swept != NULL)
        server_wake(server);
}
