/* watchdog.h - whether loop and workers live, and the service manager told so while they do. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_WATCHDOG_H
#define DAEMON_WATCHDOG_H

#include <stddef.h>
#include <stdint.h>

struct server;

/* Every so often from now on, twice within $WATCHDOG_USEC at least: the loop lives if it does. */
void watchdog_start(struct server *server);

/* Workers that are at one job, or owe a sign of life, for longer than timeouts.worker. */
size_t watchdog_count_stuck(const struct server *server);

/*
 * How often the watchdog is to be fed, as the service manager has it in the environment. 0: not.
 *   usec, pid   $WATCHDOG_USEC and $WATCHDOG_PID, NULL for not there; own_pid is that of who asks
 */
uint64_t watchdog_period_ms(const char *usec, const char *pid, long own_pid);

#endif
