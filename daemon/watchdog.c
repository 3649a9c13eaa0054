/* watchdog.c - whether loop and workers live, and the service manager told so while they do. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/watchdog.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/server.h"
#include "daemon/status.h"

/* So often at least, with a watchdog to feed or without. */
#define PERIOD_MS 1000

static bool read_number(const char *text, uint64_t *ret_number)
{
    char *end;

    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *ret_number = strtoull(text, &end, 10);
    return *end == '\0';
}

uint64_t watchdog_period_ms(const char *usec, const char *pid, long own_pid)
{
    uint64_t limit_usec;
    uint64_t whom;

    if (!read_number(usec, &limit_usec) || limit_usec == 0)
        return 0;
    if (pid != NULL && (!read_number(pid, &whom) || whom != (uint64_t)own_pid))
        return 0;
    return limit_usec / 2 < 1000 ? 1 : limit_usec / 2000;
}

size_t watchdog_count_stuck(const struct server *server)
{
    uint64_t limit_ms = server->config->timeouts_worker_ms;

    return limit_ms > 0 ? pool_count_stuck(server->pool, limit_ms) : 0;
}

static void report(struct server *server, size_t n_stuck)
{
    server->n_stuck = n_stuck;
    if (n_stuck == 0) {
        log_event(LOG_LEVEL_INFO, "workers-live", LOG_UINT("workers", server->n_workers));
        status_say_listening("", server);
        return;
    }
    log_event(LOG_LEVEL_ERROR, "workers-stuck", LOG_UINT("stuck", n_stuck),
              LOG_UINT("workers", server->n_workers));
    status_say("", "%zu of %zu workers are stuck", n_stuck, server->n_workers);
}

static void on_period(uv_timer_t *timer)
{
    struct server *server = timer->data;
    size_t n_stuck = watchdog_count_stuck(server);

    if (n_stuck != server->n_stuck)
        report(server, n_stuck);
    if (n_stuck == 0 && server->feeds_watchdog)
        notify_send("WATCHDOG=1\n");
    pool_ask(server->pool);
}

void watchdog_start(struct server *server)
{
    uint64_t feed_ms =
        watchdog_period_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), (long)getpid());
    uint64_t period_ms = feed_ms > 0 && feed_ms < PERIOD_MS ? feed_ms : PERIOD_MS;

    uv_timer_init(&server->loop, &server->watchdog);
    server->watchdog.data = server;
    server->feeds_watchdog = feed_ms > 0;
    uv_timer_start(&server->watchdog, on_period, 0, period_ms);
}
