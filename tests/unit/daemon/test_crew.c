/* test_crew.c - parts of a job are each done once, however busy the pool is. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "daemon/crew.h"
#include "daemon/pool.h"

#define N_PARTS 1000

static atomic_uint done[N_PARTS];

static void do_part(void *argument, size_t i)
{
    (void)argument;
    atomic_fetch_add(&done[i], 1);
}

static void expect_each_once(size_t n)
{
    for (size_t i = 0; i < N_PARTS; i++)
        assert_int_equal(atomic_exchange(&done[i], 0), i < n);
}

static bool no_work(struct task *task)
{
    (void)task;
    return false;
}

static void no_finish(void *user)
{
    (void)user;
}

static struct pool *open_pool(size_t n_threads)
{
    const struct pool_options options = {n_threads, 8, no_work, no_finish, NULL};
    struct pool *pool = pool_new(&options);

    assert_non_null(pool);
    crew_set_pool(pool, n_threads);
    return pool;
}

static void close_pool(struct pool *pool)
{
    crew_set_pool(NULL, 0);
    pool_free(pool);
}

static void without_a_pool_the_caller_does_all(void **state)
{
    (void)state;
    crew_each(do_part, NULL, N_PARTS);
    expect_each_once(N_PARTS);
}

static void every_part_is_done_once(void **state)
{
    struct pool *pool = open_pool(4);

    (void)state;
    for (int round = 0; round < 200; round++) {
        size_t n = (size_t)(round * 5);

        crew_each(do_part, NULL, n);
        expect_each_once(n);
    }
    close_pool(pool);
}

static uv_sem_t go;

static bool wait_to_go(struct task *task)
{
    (void)task;
    uv_sem_wait(&go);
    return false;
}

static void a_pool_that_is_busy_is_not_waited_for(void **state)
{
    struct pool *pool = open_pool(2);
    struct task tasks[4] = {
        {.work = wait_to_go}, {.work = wait_to_go}, {.work = wait_to_go}, {.work = wait_to_go}};

    (void)state;
    uv_sem_init(&go, 0);
    for (int i = 0; i < 4; i++)
        pool_push(pool, POOL_MIXED, &tasks[i]);
    crew_each(do_part, NULL, N_PARTS);
    expect_each_once(N_PARTS);
    for (int i = 0; i < 4; i++)
        uv_sem_post(&go);
    close_pool(pool);
    uv_sem_destroy(&go);
}

static void do_parts(void *argument, size_t i)
{
    (void)i;
    crew_each(do_part, argument, 10);
}

static void parts_may_have_parts(void **state)
{
    struct pool *pool = open_pool(3);

    (void)state;
    crew_each(do_parts, NULL, 50);
    for (size_t i = 0; i < N_PARTS; i++)
        assert_int_equal(atomic_exchange(&done[i], 0), i < 10 ? 50 : 0);
    close_pool(pool);
}

static void a_pool_that_has_halted_is_not_waited_for(void **state)
{
    struct pool *pool = open_pool(2);

    (void)state;
    pool_halt(pool);
    crew_each(do_part, NULL, N_PARTS);
    expect_each_once(N_PARTS);
    close_pool(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_pool_the_caller_does_all),
        cmocka_unit_test(every_part_is_done_once),
        cmocka_unit_test(a_pool_that_is_busy_is_not_waited_for),
        cmocka_unit_test(parts_may_have_parts),
        cmocka_unit_test(a_pool_that_has_halted_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
