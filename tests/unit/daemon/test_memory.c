/* test_memory.c - the byte budget is never exceeded and always comes back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/memory.h"

#define N_THREADS 4
#define N_ROUNDS  20000

static void takes_stop_at_the_budget(void **state)
{
    (void)state;
    memory_set_budget(100);
    assert_int_equal(memory_budget(), 100);
    assert_true(memory_take(60));
    assert_false(memory_take(41));
    assert_true(memory_take(40));
    assert_false(memory_take(1));
    assert_true(memory_take(0));
    assert_int_equal(memory_used(), 100);
    memory_give(100);
    assert_int_equal(memory_used(), 0);
}

static void huge_takes_do_not_wrap(void **state)
{
    (void)state;
    memory_set_budget(100);
    assert_true(memory_take(10));
    assert_false(memory_take(UINT64_MAX));
    assert_false(memory_take(UINT64_MAX - 5));
    memory_give(10);
    memory_set_budget(UINT64_MAX);
    assert_true(memory_take(UINT64_MAX));
    assert_false(memory_take(1));
    memory_give(UINT64_MAX);
}

static void take_and_give(void *user)
{
    (void)user;
    for (int i = 0; i < N_ROUNDS; i++) {
        if (memory_take(40)) {
            if (memory_used() > 100)
                abort();
            memory_give(40);
        }
    }
}

static void threads_share_the_budget(void **state)
{
    uv_thread_t threads[N_THREADS];

    (void)state;
    memory_set_budget(100);
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(uv_thread_create(&threads[i], take_and_give, NULL), 0);
    for (int i = 0; i < N_THREADS; i++)
        uv_thread_join(&threads[i]);
    assert_int_equal(memory_used(), 0);
}

/* A file below root, with the folders it needs. */
static void put(const char *root, const char *name, const char *text)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s%s", root, name);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void the_least_limit_of_the_cgroups_counts(void **state)
{
    char root[] = "/tmp/overlapd-test-root-XXXXXX";
    char command[64];
    uint64_t machine;

    (void)state;
    assert_non_null(mkdtemp(root));
    machine = memory_limit(root);
    assert_true(machine > 0);
    put(root, "/sys/fs/cgroup/memory.max", "max\n");
    assert_int_equal(memory_limit(root), machine);
    put(root, "/sys/fs/cgroup/memory.max", "9000000\n");
    assert_int_equal(memory_limit(root), 9000000);
    put(root, "/proc/self/cgroup", "1:name=systemd:/x\n0::/a/b\n");
    put(root, "/sys/fs/cgroup/a/b/memory.max", "5000000\n");
    assert_int_equal(memory_limit(root), 5000000);
    put(root, "/sys/fs/cgroup/a/memory.max", "4000000\n");
    assert_int_equal(memory_limit(root), 4000000);
    put(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "3000000\n");
    assert_int_equal(memory_limit(root), 3000000);
    snprintf(command, sizeof(command), "rm -r %s", root);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_stop_at_the_budget),
        cmocka_unit_test(huge_takes_do_not_wrap),
        cmocka_unit_test(threads_share_the_budget),
        cmocka_unit_test(the_least_limit_of_the_cgroups_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
