/* store.c - the store's thread: what gathered while it committed is committed next, together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "daemon/store_impl.h"

#define GROUP_ROWS  256
#define QUEUE_ROWS  8192
#define IDLE_NS     (UINT64_C(1000) * 1000 * 1000)
#define STACK_BYTES ((size_t)512 << 10)

static void queue_init(struct store_queue *queue)
{
    *queue = (struct store_queue){.last = &queue->first};
}

static void queue_put(struct store_queue *queue, struct store_write *write)
{
    write->next = NULL;
    *queue->last = write;
    queue->last = &write->next;
    queue->n++;
}

/* The first `most` of a queue, linked; NULL where it is empty. */
static struct store_write *queue_take(struct store_queue *queue, size_t most)
{
    struct store_write *first = queue->first;
    struct store_write **link = &queue->first;

    for (; *link != NULL && most > 0; most--) {
        link = &(*link)->next;
        queue->n--;
    }
    queue->first = *link;
    *link = NULL;
    if (queue->first == NULL)
        queue->last = &queue->first;
    return first == *link ? NULL : first;
}

/* With the mutex held. NULL: nothing came within a second, or the store closes. */
static struct store_write *wait_for_group(struct store *store)
{
    if (store->queue.n == 0 && !store->stopping)
        uv_cond_timedwait(&store->wake, &store->mutex, IDLE_NS);
    return queue_take(&store->queue, store->options.single ? 1 : GROUP_ROWS);
}

static void finish(struct store *store, struct store_write *first)
{
    struct store_write *next;

    uv_mutex_lock(&store->mutex);
    for (struct store_write *at = first; at != NULL; at = next) {
        next = at->next;
        queue_put(&store->finished, at);
    }
    uv_mutex_unlock(&store->mutex);
    store->options.finished(store->options.user);
}

static void run(void *argument)
{
    struct store *store = argument;
    bool stopping = false;

    pthread_setname_np(pthread_self(), "overlapd-store");
    while (!stopping) {
        struct store_write *group;

        uv_mutex_lock(&store->mutex);
        group = wait_for_group(store);
        stopping = store->stopping && group == NULL;
        uv_mutex_unlock(&store->mutex);
        if (group != NULL) {
            store_writer_commit(store, group);
            finish(store, group);
        }
        if (!stopping)
            store_upkeep(store);
    }
}

/* Threads inherit the signal mask: signals are the loop's. */
static bool start(struct store *store)
{
    uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_BYTES};
    sigset_t all;
    sigset_t before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    store->has_thread = uv_thread_create_ex(&store->thread, &options, run, store) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return store->has_thread;
}

/* Against a second daemon on one store: each would take the other's revisions for its own. */
static bool lock(struct store *store, char *reterr)
{
    char *path = NULL;
    const char *why = NULL;

    if (asprintf(&path, "%s-lock", store->path) < 0)
        return false;
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        why = strerror(errno);
    else if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        why = "another overlapd has this store";
    if (why != NULL)
        snprintf(reterr, STORE_ERROR_BYTES, "%s: %s", path, why);
    free(path);
    return why == NULL;
}

struct store *store_open(const struct store_options *options, char *reterr)
{
    struct store *store = calloc(1, sizeof(*store));

    snprintf(reterr, STORE_ERROR_BYTES, "out of memory, or no thread can be started");
    if (store == NULL)
        return NULL;
    store->options = *options;
    store->lock_fd = -1;
    queue_init(&store->queue);
    queue_init(&store->finished);
    uv_mutex_init(&store->mutex);
    uv_mutex_init(&store->index_mutex);
    uv_cond_init(&store->wake);
    store->path = strdup(options->path);
    if (store->path != NULL && store_is_local(store->path, reterr) && lock(store, reterr) &&
        store_writer_open(store, reterr) && start(store))
        return store;
    store_close(store);
    return NULL;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    uv_mutex_lock(&store->mutex);
    store->stopping = true;
    uv_cond_signal(&store->wake);
    uv_mutex_unlock(&store->mutex);
    if (store->has_thread)
        uv_thread_join(&store->thread);
    store_readers_close(store);
    store_writer_close(store); /* last: it leaves no log behind */
    store_index_clear(store);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    uv_cond_destroy(&store->wake);
    uv_mutex_destroy(&store->index_mutex);
    uv_mutex_destroy(&store->mutex);
    free(store->path);
    free(store);
}

bool store_push(struct store *store, struct store_write *write)
{
    bool has_room;

    uv_mutex_lock(&store->mutex);
    has_room = store->queue.n < QUEUE_ROWS && !store->stopping;
    if (has_room) {
        queue_put(&store->queue, write);
        uv_cond_signal(&store->wake);
    }
    uv_mutex_unlock(&store->mutex);
    return has_room;
}

struct store_write *store_take_finished(struct store *store)
{
    struct store_write *first;

    uv_mutex_lock(&store->mutex);
    first = store->finished.first;
    queue_init(&store->finished);
    uv_mutex_unlock(&store->mutex);
    return first;
}
