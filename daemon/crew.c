/* crew.c - one job's parts, worked on by several of the pool's threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/crew.h"

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/pool.h"

/* More threads than this do not help one job: counting is bound by memory long before. */
#define MAX_HELPERS 15

static struct pool *pool;
static size_t n_threads;

struct crew {
    void (*work)(void *argument, size_t i);
    void *argument;
    size_t n;
    atomic_size_t next; /* the first part that nobody has begun */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

struct helper {
    struct task task; /* first: the pool's */
    struct crew *crew;
    bool done; /* guarded by the crew's mutex */
};

void crew_set_pool(struct pool *of, size_t n)
{
    pool = of;
    n_threads = n;
}

static void work_on(struct crew *crew)
{
    for (size_t i; (i = atomic_fetch_add(&crew->next, 1)) < crew->n;)
        crew->work(crew->argument, i);
}

/* Nothing of the helper may be touched once it is done: it is on its caller's stack. */
static bool help(struct task *task)
{
    struct helper *helper = (struct helper *)task;
    struct crew *crew = helper->crew;

    work_on(crew);
    pthread_mutex_lock(&crew->mutex);
    helper->done = true;
    pthread_cond_signal(&crew->changed);
    pthread_mutex_unlock(&crew->mutex);
    return false;
}

static void wait_for(struct crew *crew, struct helper *helper)
{
    if (pool_remove(pool, &helper->task))
        return;
    pthread_mutex_lock(&crew->mutex);
    while (!helper->done)
        pthread_cond_wait(&crew->changed, &crew->mutex);
    pthread_mutex_unlock(&crew->mutex);
}

static size_t count_helpers(size_t n)
{
    size_t most = n_threads > MAX_HELPERS ? MAX_HELPERS : n_threads;

    if (pool == NULL || most < 2 || n < 2)
        return 0;
    return n < most ? n - 1 : most - 1;
}

void crew_each(void (*work)(void *argument, size_t i), void *argument, size_t n)
{
    struct helper helpers[MAX_HELPERS] = {{.done = false}};
    struct crew crew = {.work = work, .argument = argument, .n = n};
    size_t n_helpers = count_helpers(n);

    pthread_mutex_init(&crew.mutex, NULL);
    pthread_cond_init(&crew.changed, NULL);
    for (size_t i = 0; i < n_helpers; i++) {
        helpers[i] = (struct helper){.task = {.work = help}, .crew = &crew};
        pool_push(pool, POOL_MIXED, &helpers[i].task);
    }
    work_on(&crew);
    for (size_t i = 0; i < n_helpers; i++)
        wait_for(&crew, &helpers[i]);
    pthread_cond_destroy(&crew.changed);
    pthread_mutex_destroy(&crew.mutex);
}
