/* crew.h - one job's parts, worked on by several of the pool's threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CREW_H
#define DAEMON_CREW_H

#include <stddef.h>

struct pool;

/* One pool per process: struct env's function has no argument to name another. NULL: nobody helps.
 */
void crew_set_pool(struct pool *of, size_t n);

/*
 * struct env's `each`. The caller works too and waits only for parts that somebody has begun, so
 * that it ends however busy the pool is. Any thread; parts may call it again.
 */
void crew_each(void (*work)(void *argument, size_t i), void *argument, size_t n);

#endif
