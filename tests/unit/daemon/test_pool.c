/* test_pool.c - small tasks pass large ones, the queue is bounded, and stopping joins. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <uv.h>

#include "daemon/pool.h"

/* A task that says that it runs and, where told so, waits to be let go. */
struct work {
    struct task task;
    uv_sem_t *started; /* NULL: does not say */
    uv_sem_t *go;      /* NULL: does not wait */
    struct pool *pool; /* of which it is */
    bool again;        /* pushes itself to the mixed lane first */
    int number;
};

static uv_sem_t finished;
static uv_sem_t started;
static uv_sem_t go;

static bool work(struct task *task)
{
    struct work *own = (struct work *)task;

    if (own->started != NULL)
        uv_sem_post(own->started);
    if (own->go != NULL)
        uv_sem_wait(own->go);
    if (!own->again)
        return true;
    own->again = false;
    pool_push(own->pool, POOL_MIXED, task);
    return false;
}

static void finish(void *user)
{
    uv_sem_post(user);
}

static struct pool *open_pool(size_t n_mixed, size_t cap)
{
    const struct pool_options options = {n_mixed, cap, work, finish, &finished};
    struct pool *pool = pool_new(&options);

    assert_non_null(pool);
    return pool;
}

static int open_semaphores(void **state)
{
    (void)state;
    return uv_sem_init(&finished, 0) + uv_sem_init(&started, 0) + uv_sem_init(&go, 0);
}

static int close_semaphores(void **state)
{
    (void)state;
    uv_sem_destroy(&finished);
    uv_sem_destroy(&started);
    uv_sem_destroy(&go);
    return 0;
}

/* Every mixed thread busy until go is posted. */
static void block(struct pool *pool, struct work *blockers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        blockers[i] = (struct work){.started = &started, .go = &go};
        pool_push(pool, POOL_MIXED, &blockers[i].task);
    }
    for (size_t i = 0; i < n; i++)
        uv_sem_wait(&started);
}

static void release(size_t n)
{
    for (size_t i = 0; i < n; i++)
        uv_sem_post(&go);
}

static void await(size_t n)
{
    for (size_t i = 0; i < n; i++)
        uv_sem_wait(&finished);
}

static void tasks_come_back_once_each(void **state)
{
    struct work works[64] = {0};
    struct pool *pool = open_pool(2, 64);
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 64; i++) {
        works[i].number = 1;
        pool_push(pool, i % 2 == 0 ? POOL_SMALL : POOL_MIXED, &works[i].task);
    }
    await(64);
    for (struct task *task = pool_take_finished(pool); task != NULL; task = task->next) {
        n += (size_t)((struct work *)task)->number;
        ((struct work *)task)->number = 0;
    }
    assert_int_equal(n, 64);
    assert_null(pool_take_finished(pool));
    pool_free(pool);
}

static void small_tasks_do_not_wait_for_large_ones(void **state)
{
    struct work blockers[2];
    struct work large = {0};
    struct work small[3] = {0};
    struct pool *pool = open_pool(2, 16);

    (void)state;
    block(pool, blockers, 2);
    pool_push(pool, POOL_MIXED, &large.task);
    for (int i = 0; i < 3; i++)
        pool_push(pool, POOL_SMALL, &small[i].task);
    await(3);
    for (struct task *task = pool_take_finished(pool); task != NULL; task = task->next)
        assert_true(task == &small[0].task || task == &small[1].task || task == &small[2].task);
    release(2);
    await(3);
    pool_free(pool);
}

static void mixed_threads_help_with_small_tasks(void **state)
{
    struct work small[3];
    struct pool *pool = open_pool(2, 16);

    (void)state;
    for (int i = 0; i < 3; i++) {
        small[i] = (struct work){.started = &started, .go = &go};
        pool_push(pool, POOL_SMALL, &small[i].task);
    }
    for (int i = 0; i < 3; i++)
        uv_sem_wait(&started); /* all three at once: one small thread and two mixed */
    release(3);
    await(3);
    pool_free(pool);
}

static void small_tasks_do_not_starve_large_ones(void **state)
{
    uv_sem_t go_small;
    struct work blocker;
    struct work small_blocker = {.started = &started, .go = &go_small};
    struct work small[32] = {0};
    struct work large = {0};
    struct pool *pool = open_pool(1, 64);
    int place = 0;

    (void)state;
    assert_int_equal(uv_sem_init(&go_small, 0), 0);
    block(pool, &blocker, 1);
    pool_push(pool, POOL_SMALL, &small_blocker.task);
    uv_sem_wait(&started);
    pool_push(pool, POOL_MIXED, &large.task);
    for (int i = 0; i < 32; i++)
        pool_push(pool, POOL_SMALL, &small[i].task);
    release(1); /* the mixed thread has all to itself */
    await(34);
    for (struct task *task = pool_take_finished(pool); task != &large.task; task = task->next)
        place++;
    assert_in_range(place, 2, 20);
    uv_sem_post(&go_small);
    await(1);
    pool_free(pool);
    uv_sem_destroy(&go_small);
}

static void a_task_may_change_its_lane(void **state)
{
    struct pool *pool = open_pool(1, 2);
    struct work moved = {.pool = pool, .again = true};

    (void)state;
    pool_push(pool, POOL_SMALL, &moved.task);
    await(1);
    assert_false(moved.again);
    assert_ptr_equal(pool_take_finished(pool), &moved.task);
    pool_free(pool);
}

static void the_queue_is_bounded(void **state)
{
    struct work blocker;
    struct work queued[2] = {0};
    struct pool *pool = open_pool(1, 2);
    size_t n_queued;
    size_t n_running;

    (void)state;
    block(pool, &blocker, 1);
    assert_true(pool_has_room(pool, 0, SIZE_MAX));
    pool_push(pool, POOL_MIXED, &queued[0].task);
    assert_true(pool_has_room(pool, 0, SIZE_MAX));
    pool_push(pool, POOL_MIXED, &queued[1].task);
    assert_false(pool_has_room(pool, 0, SIZE_MAX));
    pool_counts(pool, &n_queued, &n_running);
    assert_int_equal(n_queued, 2);
    assert_int_equal(n_running, 1);
    release(1);
    await(3);
    assert_true(pool_has_room(pool, 0, SIZE_MAX));
    pool_counts(pool, &n_queued, &n_running);
    assert_int_equal(n_queued + n_running, 0);
    pool_free(pool);
}

static void a_task_that_nobody_has_begun_can_be_taken_back(void **state)
{
    struct work blocker;
    struct work queued[3] = {0};
    struct pool *pool = open_pool(1, 8);

    (void)state;
    block(pool, &blocker, 1);
    for (int i = 0; i < 3; i++)
        pool_push(pool, POOL_MIXED, &queued[i].task);
    assert_true(pool_remove(pool, &queued[1].task));
    assert_false(pool_remove(pool, &queued[1].task));
    assert_true(pool_remove(pool, &queued[2].task)); /* the last: the queue goes on behind it */
    pool_push(pool, POOL_MIXED, &queued[1].task);
    assert_false(pool_remove(pool, &blocker.task));
    release(1);
    await(3);
    assert_false(pool_remove(pool, &queued[0].task));
    assert_ptr_equal(pool_take_finished(pool), &blocker.task);
    assert_ptr_equal(blocker.task.next, &queued[0].task);
    assert_ptr_equal(queued[0].task.next, &queued[1].task);
    pool_free(pool);
}

static void users_take_turns_in_a_lane(void **state)
{
    static const int order[] = {1, 5, 2, 3, 4};
    struct work blocker;
    struct work queued[5] = {0};
    struct pool *pool = open_pool(1, 8);
    struct task *task;

    (void)state;
    block(pool, &blocker, 1);
    for (int i = 0; i < 5; i++) {
        queued[i].number = i + 1;
        queued[i].task.turn.user = i < 4 ? 1 : 2;
        pool_push(pool, POOL_MIXED, &queued[i].task);
    }
    release(1);
    await(6);
    task = pool_take_finished(pool);
    for (int i = 0; i < 5; i++) {
        task = task->next;
        assert_int_equal(((struct work *)task)->number, order[i]);
    }
    pool_free(pool);
}

static void a_user_has_room_for_so_many_or_one(void **state)
{
    struct work blocker;
    struct work queued[2] = {0};
    struct pool *pool = open_pool(1, 8);

    (void)state;
    block(pool, &blocker, 1);
    for (int i = 0; i < 2; i++) {
        assert_true(pool_has_room(pool, 1, 2));
        queued[i].task.turn.user = 1;
        pool_push(pool, i == 0 ? POOL_MIXED : POOL_SMALL, &queued[i].task);
        if (i == 0)
            assert_false(pool_has_room(pool, 1, 1));
    }
    assert_true(pool_has_room(pool, 2, 0));
    release(1);
    await(3);
    pool_free(pool);
}

static void let_go(void *user)
{
    uv_sem_post(user);
}

static void stopping_ends_what_runs_and_forgets_what_waits(void **state)
{
    struct work blocker;
    struct work queued = {.number = 5};
    struct pool *pool = open_pool(1, 8);
    struct task *task;
    uv_thread_t thread;

    (void)state;
    block(pool, &blocker, 1);
    pool_push(pool, POOL_MIXED, &queued.task);
    assert_int_equal(uv_thread_create(&thread, let_go, &go), 0);
    pool_stop(pool);
    uv_thread_join(&thread);
    task = pool_take_finished(pool);
    assert_ptr_equal(task, &blocker.task);
    /* The queued one has run only if the blocker was let go before the stop. */
    assert_true(task->next == NULL || task->next == &queued.task);
    pool_free(pool);
}

/* Whether there come to be so many within some seconds. */
static bool come_to_be_stuck(struct pool *pool, uint64_t limit_ms, size_t wanted)
{
    for (int i = 0; i < 5000 && pool_count_stuck(pool, limit_ms) != wanted; i++)
        uv_sleep(1);
    return pool_count_stuck(pool, limit_ms) == wanted;
}

static void a_worker_that_is_long_at_one_task_is_stuck(void **state)
{
    struct work blockers[2];
    struct pool *pool = open_pool(3, 8);

    (void)state;
    assert_int_equal(pool_count_stuck(pool, 0), 0);
    block(pool, blockers, 2);
    assert_int_equal(pool_count_stuck(pool, 60000), 0);
    assert_true(come_to_be_stuck(pool, 20, 2));
    pool_ask(pool);
    uv_sleep(40);
    assert_true(come_to_be_stuck(pool, 20, 2));
    release(2);
    await(2);
    assert_true(come_to_be_stuck(pool, 0, 0));
    pool_free(pool);
}

static void idle_workers_answer_when_asked(void **state)
{
    struct pool *pool = open_pool(3, 8);

    (void)state;
    for (int i = 0; i < 100; i++)
        pool_ask(pool);
    assert_true(come_to_be_stuck(pool, 0, 0));
    uv_sleep(20);
    assert_int_equal(pool_count_stuck(pool, 0), 0);
    pool_free(pool);
}

static void freeing_nothing_is_legal(void **state)
{
    (void)state;
    pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tasks_come_back_once_each, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test_setup_teardown(small_tasks_do_not_wait_for_large_ones, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test_setup_teardown(mixed_threads_help_with_small_tasks, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test_setup_teardown(small_tasks_do_not_starve_large_ones, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test_setup_teardown(a_task_may_change_its_lane, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test_setup_teardown(the_queue_is_bounded, open_semaphores, close_semaphores),
        cmocka_unit_test_setup_teardown(a_task_that_nobody_has_begun_can_be_taken_back,
                                        open_semaphores, close_semaphores),
        cmocka_unit_test_setup_teardown(users_take_turns_in_a_lane, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test_setup_teardown(a_user_has_room_for_so_many_or_one, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test_setup_teardown(stopping_ends_what_runs_and_forgets_what_waits,
                                        open_semaphores, close_semaphores),
        cmocka_unit_test_setup_teardown(a_worker_that_is_long_at_one_task_is_stuck, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test_setup_teardown(idle_workers_answer_when_asked, open_semaphores,
                                        close_semaphores),
        cmocka_unit_test(freeing_nothing_is_legal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
