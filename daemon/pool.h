/* pool.h - worker threads with two lanes: small jobs never wait for large ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_POOL_H
#define DAEMON_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/turns.h"

/*
 * The loop pushes, and a worker what is not for its lane. n_mixed threads take jobs of both lanes,
 * small ones first but not for ever; one more takes small ones alone. In each lane users take
 * turns.
 */
enum pool_lane { POOL_SMALL, POOL_MIXED, POOL_N_LANES };

/* First member of what is worked on. Zeroed, it is of the pool's own kind. */
struct task {
    struct turn turn;              /* first; its user is the caller's to set */
    struct task *next;             /* of those that are finished */
    bool (*work)(struct task *);   /* instead of the pool's; false also where nobody asks for it */
    void (*finish)(struct task *); /* for whoever calls pool_take_finished */
    bool dropped;                  /* by pool_halt */
};

struct pool_options {
    size_t n_mixed;
    size_t cap;                   /* tasks queued in both lanes, beside those that run */
    bool (*work)(struct task *);  /* on a worker; false where it pushed the task again */
    void (*finished)(void *user); /* on a worker, after each task: wake the loop */
    void *user;
};

struct pool;

struct pool *pool_new(
    const struct pool_options *options); /* NULL where threads or memory are out */

/*
 * Room for one more task of this user, who may have no more than most in the queues, or one. A
 * worker that moves its task to the other lane does not ask: then there is one more in the queues
 * than cap.
 */
bool pool_has_room(struct pool *pool, uint64_t user, size_t most);
void pool_push(struct pool *pool, enum pool_lane lane, struct task *task);

/* Take back a task that no worker has begun, nor will; false where one has. */
bool pool_remove(struct pool *pool, struct task *task);

struct task *pool_take_finished(struct pool *pool); /* linked by next, in order; NULL for none */

/* Takes no lock. */
void pool_counts(struct pool *pool, size_t *ret_queued, size_t *ret_running);

/* Have every worker that has no task give a sign of life. */
void pool_ask(struct pool *pool);

/* Workers that owe one, or are at one task, for longer than this. Takes no lock. */
size_t pool_count_stuck(const struct pool *pool, uint64_t limit_ms);

/* Forget the queued tasks and begin no more. Returns how many run. */
size_t pool_halt(struct pool *pool);
/* The same, then wait for those that run, and join. pool_free(NULL) is legal. */
void pool_stop(struct pool *pool);
void pool_free(struct pool *pool);

#endif
