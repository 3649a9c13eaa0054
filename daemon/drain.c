/* drain.c - how the daemon ends without losing a request, in this order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/drain.h"

#include <stdlib.h>

#include "daemon/clock.h"
#include "daemon/crew.h"
#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/registry.h"
#include "daemon/run.h"
#include "daemon/server.h"
#include "daemon/status.h"

static void stop(struct server *server)
{
    server->state = SERVER_STOPPED;
    uv_stop(&server->loop);
}

/* Those who have only waited so far: for memory, or for a thread. */
static void refuse_waiting(struct server *server)
{
    struct problem problem = {0};

    problem_set(&problem, PROBLEM_DRAINING, NULL, "The daemon is shutting down; try another.");
    admission_refuse_all(server, &problem);
    if (!server->hurried)
        return;
    mailbox_refuse_queued(server, &problem);
    for (struct connection *at = server->connections.first; at != NULL; at = at->next) {
        if (at->job == NULL || at->job->state != JOB_QUEUED ||
            !pool_remove(server->pool, &at->job->task))
            continue;
        job_fail(at->job, &problem);
        job_resume(at->job, JOB_READY);
    }
}

/* What is running is lost, the rest gets its answer. */
static void hurry(struct server *server)
{
    server->hurried = true;
    mailbox_quiesce(server);
    for (size_t i = 0; i < server->n_listeners; i++)
        listener_quiesce(&server->listeners[i]);
    refuse_waiting(server);
    run_end_polls(server);
    for (size_t i = 0; i < server->n_listeners; i++)
        listener_pump(&server->listeners[i]); /* the answers leave */
    stop(server);
}

static void on_deadline(uv_timer_t *timer)
{
    struct server *server = timer->data;

    log_event(LOG_LEVEL_WARN, "drain-timeout", LOG_UINT("requests", server->n_jobs),
              LOG_UINT("connections", server->connections.n));
    if (server->n_jobs > 0 || server->mailboxes.n > 0)
        hurry(server);
    else
        stop(server);
}

static void kill_idle(struct server *server)
{
    for (struct connection *at = server->connections.first; at != NULL; at = at->next) {
        if (at->phase == CONNECTION_IDLE && !at->killed)
            connection_kill(at);
    }
}

static void quiesce(struct server *server)
{
    server->state = SERVER_QUIESCED;
    server->quiesced_ms = clock_ms();
    for (size_t i = 0; i < server->n_listeners; i++) {
        listener_quiesce(&server->listeners[i]);
        listener_wake(&server->listeners[i]);
    }
    mailbox_quiesce(server);
    refuse_waiting(server);
    run_end_polls(server);
    kill_idle(server);
    uv_timer_start(&server->drain, on_deadline, server->config->timeouts_drain_ms, 0);
}

static void on_delay(uv_timer_t *timer)
{
    quiesce(timer->data);
}

void drain_begin(struct server *server)
{
    if (server->state != SERVER_SERVING) {
        hurry(server);
        return;
    }
    server->state = SERVER_DRAINING;
    log_event(LOG_LEVEL_INFO, "drain", LOG_UINT("requests", server->n_jobs),
              LOG_UINT("connections", server->connections.n));
    status_say("STOPPING=1\n", "draining: %zu requests", server->n_jobs);
    uv_update_time(&server->loop);
    uv_timer_start(&server->drain, on_delay, server->config->timeouts_drain_delay_ms, 0);
}

void drain_check(struct server *server)
{
    if (server->state == SERVER_QUIESCED && server->connections.n == 0 && server->lingers.n == 0 &&
        server->mailboxes.n == 0)
        stop(server);
}

bool drain_can_finish(struct server *server)
{
    return !server->hurried || server->pool == NULL || pool_halt(server->pool) == 0;
}

static void close_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void drain_finish(struct server *server)
{
    if (server->pool != NULL)
        pool_stop(server->pool); /* from here on nobody else touches a job */
    store_close(server->store);
    for (struct connection *at = server->connections.first; at != NULL; at = at->next) {
        handshake_resume(at);
        if (at->job == NULL || !at->job->suspended)
            continue;
        admission_forget(at->job);
        job_resume(at->job, JOB_DROPPED); /* libmicrohttpd aborts where one is suspended */
    }
    for (size_t i = 0; i < server->n_listeners; i++)
        listener_stop(&server->listeners[i]);
    mailbox_stop(server);
    linger_end_all(&server->lingers);
    uv_walk(&server->loop, close_handle, NULL);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    crew_set_pool(NULL, 0);
    pool_free(server->pool);
    registry_clear();
    memory_on_shortage(NULL, NULL);
    arena_store_done(&server->arenas);
    settings_release(server->settings);
    free(server);
}
