/* server.c - the daemon while it runs: the loop and what lives on it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/crew.h"
#include "daemon/drain.h"
#include "daemon/info.h"
#include "daemon/job.h"
#include "daemon/keep.h"
#include "daemon/listeners.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/registry.h"
#include "daemon/reload.h"
#include "daemon/run.h"
#include "daemon/status.h"
#include "daemon/sweep.h"
#include "daemon/watchdog.h"
#include "daemon/work.h"
#include "lib/overlap.h"
#include "proto/json.h"

/* Deadlines are kept this exactly. */
#define SWEEP_MS 250

/* Belt and braces: libmicrohttpd runs at least this often. */
#define HEARTBEAT_MS 1000

#define DAY_MS (UINT64_C(24) * 3600 * 1000)

/* Of the budget, what the arenas keep for the next bodies instead of giving it back. */
#define KEPT_SHARE 4
#define KEPT_BYTES (128 * MIB)

/* An idle handle that runs keeps the loop from sleeping, so that on_check comes soon. */
static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

void server_wake(struct server *server)
{
    uv_idle_start(&server->idle, on_idle);
}

static void on_check(uv_check_t *check)
{
    struct server *server = check->data;

    uv_idle_stop(&server->idle);
    sweep_go_on(server);
    for (size_t i = 0; i < server->n_listeners; i++) {
        if (server->listeners[i].need)
            listener_pump(&server->listeners[i]);
    }
    drain_check(server);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct server *server = timer->data;

    for (size_t i = 0; i < server->n_listeners; i++)
        listener_wake(&server->listeners[i]);
    log_sweep(clock_ms());
}

static void on_sweep(uv_timer_t *timer)
{
    sweep_begin(timer->data);
}

static void on_finished(uv_async_t *async)
{
    struct server *server = async->data;
    struct task *next;

    for (struct task *task = pool_take_finished(server->pool); task != NULL; task = next) {
        struct job *job = (struct job *)task;

        next = task->next;
        if (task->finish != NULL)
            task->finish(task);
        else
            job_resume(job, job->answer.status != 0 ? JOB_READY : JOB_DROPPED);
    }
    if (server->store != NULL) {
        keep_answer_finished(server);
        run_wake_polls(server);
    }
    admission_grant(server);
}

static void wake_loop(void *user)
{
    struct server *server = user;

    uv_async_send(&server->finished);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;

    if (number == SIGHUP)
        reload_run(server);
    else
        drain_begin(server);
}

static void on_panic(void *user, const char *file, unsigned line, const char *reason)
{
    (void)user;
    log_event(LOG_LEVEL_ERROR, "libmicrohttpd-panic", LOG_TEXT("file", file),
              LOG_UINT("line", line), LOG_TEXT("reason", reason));
    abort();
}

static void init_shm(const struct config *config)
{
    const struct registry_limits limits = {.regions = (size_t)config->shm_regions,
                                           .regions_per_uid = (size_t)config->shm_regions_per_uid,
                                           .bytes_per_uid = config->shm_bytes_per_uid};

    registry_set_limits(&limits);
}

static bool release_kept(void *user, uint64_t n_bytes)
{
    return arena_store_release(user, n_bytes);
}

static void init_memory(struct server *server, const struct config *config)
{
    uint64_t budget = config->limits_budget_bytes;

    memory_hold();
    memory_set_budget(budget != 0 ? budget : memory_limit("") / 4);
    arena_store_init(&server->arenas, 0);
    server->arenas.max_bytes = memory_budget() / KEPT_SHARE;
    if (server->arenas.max_bytes > KEPT_BYTES)
        server->arenas.max_bytes = KEPT_BYTES;
    memory_on_shortage(release_kept, &server->arenas);
}

static bool init_settings(struct server *server, const struct config *config)
{
    struct config_error error = {""};
    struct settings *settings = settings_new(config, &error);

    if (settings != NULL)
        server_use(server, settings);
    else
        log_event(LOG_LEVEL_ERROR, "start-failed", LOG_TEXT("reason", error.text));
    return settings != NULL &&
           uv_random(NULL, NULL, &server->seed, sizeof(server->seed), 0, NULL) == 0 &&
           uv_random(NULL, NULL, &server->throttle.seed, sizeof(server->throttle.seed), 0, NULL) ==
               0 &&
           uv_random(NULL, NULL, &server->life, sizeof(server->life), 0, NULL) == 0;
}

static void init_timers(struct server *server)
{
    uv_timer_init(&server->loop, &server->sweep);
    uv_timer_init(&server->loop, &server->heartbeat);
    uv_timer_init(&server->loop, &server->drain);
    server->sweep.data = server->heartbeat.data = server->drain.data = server;
    uv_timer_start(&server->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    uv_timer_start(&server->heartbeat, on_heartbeat, HEARTBEAT_MS, HEARTBEAT_MS);
}

static bool init_signals(struct server *server)
{
    static const int numbers[SERVER_N_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    bool ok = true;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that is too large is an error of write */
    for (int i = 0; i < SERVER_N_SIGNALS && ok; i++) {
        ok = uv_signal_init(&server->loop, &server->signals[i]) == 0;
        server->signals[i].data = server;
        ok = ok && uv_signal_start(&server->signals[i], on_signal, numbers[i]) == 0;
    }
    return ok;
}

static bool init_handles(struct server *server)
{
    uv_check_init(&server->loop, &server->check);
    uv_idle_init(&server->loop, &server->idle);
    server->check.data = server->finished.data = server;
    server->lingers.loop = &server->loop;
    uv_check_start(&server->check, on_check);
    init_timers(server);
    return uv_async_init(&server->loop, &server->finished, on_finished) == 0 &&
           init_signals(server);
}

void server_use(struct server *server, struct settings *settings)
{
    server->settings = settings;
    server->config = &settings->config;
    for (size_t i = 0; i < server->n_listeners; i++)
        listener_allow_hosts(&server->listeners[i], &settings->config);
}

static bool start_pool(struct server *server)
{
    struct pool_options options = {.cap = (size_t)server->config->workers_jobs,
                                   .work = work_run,
                                   .finished = wake_loop,
                                   .user = server};

    options.n_mixed = settings_threads(server->config);
    server->n_workers = options.n_mixed + 1;
    server->pool = pool_new(&options);
    crew_set_pool(server->pool, options.n_mixed);
    if (server->pool == NULL)
        log_event(LOG_LEVEL_ERROR, "start-failed", LOG_TEXT("reason", "threads cannot be started"));
    return server->pool != NULL;
}

static bool open_store(struct server *server)
{
    const struct config *config = server->config;
    struct store_options options = {.path = config->store_path,
                                    .max_runs = config->limits_runs,
                                    .max_cases = config->limits_run_cases,
                                    .retention_ms = config->store_retention_days * DAY_MS,
                                    .retention_cases = config->store_retention_cases,
                                    .single = strcmp(config->store_commit, "single") == 0,
                                    .finished = wake_loop,
                                    .user = server};
    char error[STORE_ERROR_BYTES];

    if (config->store_path[0] == '\0')
        return true;
    server->store = store_open(&options, error);
    if (server->store == NULL)
        log_event(LOG_LEVEL_ERROR, "start-failed", LOG_TEXT("reason", error));
    return server->store != NULL;
}

static bool open_server(struct server *server)
{
    struct settings *settings = server->settings;
    struct config_error error = {""};

    if (!init_handles(server)) {
        log_event(LOG_LEVEL_ERROR, "start-failed", LOG_TEXT("reason", "no event loop"));
        return false;
    }
    if (ov_isa_select(server->config->kernels_isa) != OV_OK) {
        log_event(LOG_LEVEL_ERROR, "start-failed",
                  LOG_TEXT("reason", "this machine lacks the instruction set in kernels.isa"));
        return false;
    }
    if (!open_store(server) || !listeners_open(server))
        return false;
    if (!listeners_are_allowed(server, settings, &error)) {
        log_event(LOG_LEVEL_ERROR, "start-failed", LOG_TEXT("reason", error.text));
        return false;
    }
    if (!start_pool(server))
        return false;
    settings->info = info_text(server, server->config, &settings->info_bytes);
    if (settings->info == NULL)
        log_event(LOG_LEVEL_ERROR, "start-failed", LOG_TEXT("reason", "out of memory"));
    return settings->info != NULL;
}

static void announce(const struct server *server)
{
    const char *tcp = NULL;
    const char *local = NULL;

    for (size_t i = 0; i < server->n_listeners; i++)
        *(server->listeners[i].is_unix ? &local : &tcp) = server->listeners[i].where;
    log_event(LOG_LEVEL_INFO, "ready", LOG_TEXT("tcp", tcp), LOG_TEXT("unix", local),
              LOG_UINT("workers", server->n_workers), LOG_TEXT("isa", ov_isa()),
              LOG_UINT("budget_bytes", memory_budget()), LOG_TEXT("version", ov_version()));
    status_say_listening("READY=1\n", server);
}

int server_run(const struct config *config, char *const *arguments, char *const *variables)
{
    struct server *server = calloc(1, sizeof(*server));
    int status = 1;

    if (server == NULL || uv_loop_init(&server->loop) != 0) {
        free(server);
        return 1;
    }
    server->arguments = arguments;
    server->variables = variables;
    log_set_level(config->log_level);
    log_set_format(config->log_format);
    MHD_set_panic_func(on_panic, NULL);
    json_set_up();
    init_shm(config);
    init_memory(server, config);
    if (init_settings(server, config) && open_server(server)) {
        settings_log_certificate(server->settings);
        announce(server);
        watchdog_start(server);
        uv_run(&server->loop, UV_RUN_DEFAULT);
        status = server->hurried ? 1 : 0;
        log_event(LOG_LEVEL_INFO, "stop", LOG_UINT("status", (uint64_t)status));
    }
    if (drain_can_finish(server))
        drain_finish(server);
    return status;
}
