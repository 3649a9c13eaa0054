/* pool.c - worker threads with two lanes: small jobs never wait for large ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/clock.h"

#define STACK_BYTES ((size_t)512 << 10)

/* Large jobs give way to the loop and to small ones, but only a little. */
#define MIXED_NICE 5

/* After so many small tasks a mixed thread takes a large one, or a stream of small would starve it.
 */
#define SMALL_IN_A_ROW 8

struct finished {
    struct task *first;
    struct task **last;
};

struct worker {
    struct pool *pool;
    uv_thread_t thread;
    enum pool_lane lane;
    uv_cond_t wake; /* its own: signalling one that many wait for waits for the slowest of them */
    bool idle;      /* the mutex guards it: waits, and has not been told to wake up */
    atomic_uint_fast64_t since_ms; /* given a task, or asked for a sign of life; 0: owes nothing */
};

struct pool {
    struct pool_options options;
    atomic_size_t n_queued; /* these two as last seen with the mutex held, for who has it not */
    atomic_size_t n_busy;
    uv_mutex_t mutex; /* guards all below but workers and n_workers */
    struct turns lanes[POOL_N_LANES];
    struct finished finished;
    size_t n_running;
    size_t n_idle_small;
    unsigned small_in_a_row;
    bool stopping;
    size_t n_workers;
    struct worker workers[];
};

static void finished_init(struct finished *finished)
{
    finished->first = NULL;
    finished->last = &finished->first;
}

static void finished_put(struct finished *finished, struct task *task)
{
    task->next = NULL;
    *finished->last = task;
    finished->last = &task->next;
}

static struct task *take(struct turns *lane)
{
    struct turn *turn = lane->first;

    turns_take(lane, turn);
    return (struct task *)turn;
}

/* With the mutex held, before it is released. */
static void publish(struct pool *pool)
{
    atomic_store(&pool->n_queued, pool->lanes[POOL_SMALL].n + pool->lanes[POOL_MIXED].n);
    atomic_store(&pool->n_busy, pool->n_running);
}

/* With the mutex held: have a worker of the lane, if one is idle, look for a task. */
static void wake_one(struct pool *pool, enum pool_lane lane)
{
    size_t i = 0;

    while (i < pool->n_workers && !(pool->workers[i].lane == lane && pool->workers[i].idle))
        i++;
    if (i == pool->n_workers)
        return;
    pool->workers[i].idle = false;
    uv_cond_signal(&pool->workers[i].wake);
}

static void wake_all(struct pool *pool)
{
    for (size_t i = 0; i < pool->n_workers; i++)
        uv_cond_signal(&pool->workers[i].wake);
}

static struct task *choose(struct pool *pool, enum pool_lane lane)
{
    bool small = pool->lanes[POOL_SMALL].n > 0;
    bool large = lane == POOL_MIXED && pool->lanes[POOL_MIXED].n > 0;

    if (small && !(large && pool->small_in_a_row >= SMALL_IN_A_ROW)) {
        pool->small_in_a_row += lane == POOL_MIXED;
        return take(&pool->lanes[POOL_SMALL]);
    }
    if (!large)
        return NULL;
    pool->small_in_a_row = 0;
    return take(&pool->lanes[POOL_MIXED]);
}

/* With the mutex held. NULL when the pool stops. */
static struct task *wait_for_task(struct pool *pool, struct worker *worker)
{
    enum pool_lane lane = worker->lane;
    struct task *task;

    while (!pool->stopping) {
        task = choose(pool, lane);
        atomic_store(&worker->since_ms, task != NULL ? clock_ms() : 0);
        if (task != NULL)
            return task;
        pool->n_idle_small += lane == POOL_SMALL;
        worker->idle = true;
        uv_cond_wait(&worker->wake, &pool->mutex);
        worker->idle = false;
        pool->n_idle_small -= lane == POOL_SMALL;
    }
    return NULL;
}

static void name_thread(enum pool_lane lane)
{
    pthread_setname_np(pthread_self(), lane == POOL_SMALL ? "overlapd-small" : "overlapd-mixed");
    if (lane == POOL_MIXED)
        setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), MIXED_NICE);
}

static void run(void *argument)
{
    struct worker *worker = argument;
    struct pool *pool = worker->pool;
    struct task *task;
    bool is_finished;

    name_thread(worker->lane);
    uv_mutex_lock(&pool->mutex);
    while ((task = wait_for_task(pool, worker)) != NULL) {
        pool->n_running++;
        publish(pool);
        uv_mutex_unlock(&pool->mutex);
        is_finished = task->work != NULL ? task->work(task) : pool->options.work(task);
        uv_mutex_lock(&pool->mutex);
        pool->n_running--;
        publish(pool);
        if (!is_finished)
            continue;
        finished_put(&pool->finished, task);
        uv_mutex_unlock(&pool->mutex);
        pool->options.finished(pool->options.user);
        uv_mutex_lock(&pool->mutex);
    }
    uv_mutex_unlock(&pool->mutex);
}

/* Threads inherit the signal mask: signals are the loop's. */
static bool start(struct pool *pool, enum pool_lane lane)
{
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
    struct worker *worker = &pool->workers[pool->n_workers];
    sigset_t all;
    sigset_t before;
    int error;

    worker->pool = pool;
    worker->lane = lane;
    uv_cond_init(&worker->wake);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = uv_thread_create_ex(&worker->thread, &options, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        uv_cond_destroy(&worker->wake);
    pool->n_workers += error == 0;
    return error == 0;
}

struct pool *pool_new(const struct pool_options *options)
{
    struct pool *pool =
        calloc(1, sizeof(*pool) + (options->n_mixed + 1) * sizeof(pool->workers[0]));
    bool ok;

    if (pool == NULL)
        return NULL;
    pool->options = *options;
    uv_mutex_init(&pool->mutex);
    finished_init(&pool->finished);
    ok = start(pool, POOL_SMALL);
    for (size_t i = 0; i < options->n_mixed && ok; i++)
        ok = start(pool, POOL_MIXED);
    if (ok)
        return pool;
    pool_free(pool);
    return NULL;
}

bool pool_has_room(struct pool *pool, uint64_t user, size_t most)
{
    size_t queued = 0;
    size_t own = 0;

    uv_mutex_lock(&pool->mutex);
    for (int lane = 0; lane < POOL_N_LANES; lane++) {
        queued += pool->lanes[lane].n;
        own += turns_of(&pool->lanes[lane], user);
    }
    uv_mutex_unlock(&pool->mutex);
    return queued < pool->options.cap && (own == 0 || own < most);
}

void pool_push(struct pool *pool, enum pool_lane lane, struct task *task)
{
    uv_mutex_lock(&pool->mutex);
    task->dropped = pool->stopping;
    if (!task->dropped)
        turns_add(&pool->lanes[lane], &task->turn);
    publish(pool);
    /* A small task goes to the small thread where it waits for no other, else to any. */
    if (lane == POOL_SMALL && pool->lanes[POOL_SMALL].n <= pool->n_idle_small)
        wake_one(pool, POOL_SMALL);
    else
        wake_one(pool, POOL_MIXED);
    uv_mutex_unlock(&pool->mutex);
}

bool pool_remove(struct pool *pool, struct task *task)
{
    bool found;

    uv_mutex_lock(&pool->mutex);
    found = task->dropped;
    for (int lane = 0; lane < POOL_N_LANES && !found; lane++)
        found = turns_remove(&pool->lanes[lane], &task->turn);
    publish(pool);
    uv_mutex_unlock(&pool->mutex);
    return found;
}

struct task *pool_take_finished(struct pool *pool)
{
    struct task *first;

    uv_mutex_lock(&pool->mutex);
    first = pool->finished.first;
    finished_init(&pool->finished);
    uv_mutex_unlock(&pool->mutex);
    return first;
}

void pool_counts(struct pool *pool, size_t *ret_queued, size_t *ret_running)
{
    *ret_queued = atomic_load(&pool->n_queued);
    *ret_running = atomic_load(&pool->n_busy);
}

void pool_ask(struct pool *pool)
{
    uv_mutex_lock(&pool->mutex);
    for (size_t i = 0; i < pool->n_workers; i++) {
        if (atomic_load(&pool->workers[i].since_ms) == 0)
            atomic_store(&pool->workers[i].since_ms, clock_ms());
    }
    wake_all(pool);
    uv_mutex_unlock(&pool->mutex);
}

size_t pool_count_stuck(const struct pool *pool, uint64_t limit_ms)
{
    uint64_t now_ms = clock_ms();
    size_t n = 0;

    for (size_t i = 0; i < pool->n_workers; i++) {
        uint64_t since_ms = atomic_load(&pool->workers[i].since_ms);

        n += since_ms != 0 && now_ms > since_ms && now_ms - since_ms > limit_ms;
    }
    return n;
}

size_t pool_halt(struct pool *pool)
{
    size_t n_running;

    uv_mutex_lock(&pool->mutex);
    pool->stopping = true;
    for (int lane = 0; lane < POOL_N_LANES; lane++) {
        while (pool->lanes[lane].first != NULL)
            take(&pool->lanes[lane])->dropped = true;
    }
    wake_all(pool);
    publish(pool);
    n_running = pool->n_running;
    uv_mutex_unlock(&pool->mutex);
    return n_running;
}

void pool_stop(struct pool *pool)
{
    pool_halt(pool);
    for (size_t i = 0; i < pool->n_workers; i++) {
        uv_thread_join(&pool->workers[i].thread);
        uv_cond_destroy(&pool->workers[i].wake);
    }
    pool->n_workers = 0;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    pool_stop(pool);
    uv_mutex_destroy(&pool->mutex);
    free(pool);
}
