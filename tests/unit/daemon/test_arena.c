/* test_arena.c - body memory grows without losing a byte and is used again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/arena.h"
#include "daemon/memory.h"

#define MIB ((size_t)1 << 20)

static struct arena_store store;

static int open_store(void **state)
{
    (void)state;
    arena_store_init(&store, 16 * MIB);
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    arena_store_done(&store);
    return store.kept_bytes != 0;
}

static void sizes_are_exact_below_a_mebibyte_and_huge_pages_above(void **state)
{
    (void)state;
    assert_int_equal(arena_size(0), 1);
    assert_int_equal(arena_size(1000), 1000);
    assert_int_equal(arena_size(MIB - 1), MIB - 1);
    assert_int_equal(arena_size(MIB), 2 * MIB);
    assert_int_equal(arena_size(2 * MIB), 2 * MIB);
    assert_int_equal(arena_size(2 * MIB + 1), 4 * MIB);
}

static void large_arenas_lie_on_huge_page_borders(void **state)
{
    struct arena arena;

    (void)state;
    assert_true(arena_new(&store, 3 * MIB, &arena));
    assert_int_equal((uintptr_t)arena.bytes % (2 * MIB), 0);
    assert_int_equal(arena.cap, 4 * MIB);
    memset(arena.bytes, 1, arena.cap);
    arena_free(&store, &arena);
    assert_null(arena.bytes);
}

static void freed_ones_are_used_again_where_they_are_of_that_size(void **state)
{
    struct arena first;
    struct arena second;
    uint8_t *bytes;

    (void)state;
    assert_true(arena_new(&store, 4 * MIB, &first));
    bytes = first.bytes;
    arena_free(&store, &first);
    assert_int_equal(store.kept_bytes, 4 * MIB);
    assert_true(arena_new(&store, 2 * MIB, &second));
    assert_int_equal(second.cap, 2 * MIB);
    assert_ptr_not_equal(second.bytes, bytes);
    arena_free(&store, &second);
    assert_int_equal(store.n_kept, 2);
    assert_true(arena_new(&store, 3 * MIB, &second));
    assert_ptr_equal(second.bytes, bytes);
    assert_int_equal(store.kept_bytes, 2 * MIB);
    arena_free(&store, &second);
}

static bool release_kept(void *user, uint64_t n_bytes)
{
    return arena_store_release(user, n_bytes);
}

static void what_is_kept_counts_but_gives_way(void **state)
{
    struct arena first;
    struct arena second;

    (void)state;
    memory_set_budget(8 * MIB);
    memory_on_shortage(release_kept, &store);
    assert_true(arena_new(&store, 4 * MIB, &first));
    assert_true(arena_new(&store, 2 * MIB, &second));
    arena_free(&store, &first);
    arena_free(&store, &second);
    assert_int_equal(memory_used(), 0);
    assert_true(memory_take(2 * MIB));
    assert_int_equal(store.kept_bytes, 6 * MIB);
    assert_true(memory_take(2 * MIB)); /* the 2 MiB arena goes */
    assert_int_equal(store.kept_bytes, 4 * MIB);
    assert_true(memory_take(4 * MIB));
    assert_int_equal(store.kept_bytes, 0);
    assert_false(memory_take(1));
    assert_int_equal(memory_used(), 8 * MIB);
    memory_give(8 * MIB);
    memory_on_shortage(NULL, NULL);
}

static void no_more_is_kept_than_allowed(void **state)
{
    struct arena arenas[4];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_true(arena_new(&store, 6 * MIB, &arenas[i]));
    for (int i = 0; i < 4; i++)
        arena_free(&store, &arenas[i]);
    assert_int_equal(store.kept_bytes, 12 * MIB);
}

static void growing_keeps_the_contents(void **state)
{
    static const size_t sizes[] = {1, 1000, 64 << 10, 900 << 10, 3 << 20, 5 << 20, 20 << 20};
    struct arena arena = {NULL, 0};

    (void)state;
    assert_true(arena_new(&store, 1, &arena));
    arena.bytes[0] = 7;
    for (size_t i = 1; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_true(arena_grow(&store, &arena, sizes[i]));
        assert_true(arena.cap >= sizes[i]);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(arena.bytes[sizes[k] - 1], 7);
        arena.bytes[sizes[i] - 1] = 7;
    }
    assert_true(arena_grow(&store, &arena, 10));
    assert_int_equal(arena.cap, 20 * MIB);
    arena_free(&store, &arena);
}

static void what_cannot_be_had_changes_nothing(void **state)
{
    struct arena arena;
    struct arena before;

    (void)state;
    assert_false(arena_new(&store, SIZE_MAX / 4, &arena));
    assert_true(arena_new(&store, 3 * MIB, &arena));
    before = arena;
    assert_false(arena_grow(&store, &arena, SIZE_MAX / 4));
    assert_memory_equal(&arena, &before, sizeof(arena));
    arena_free(&store, &arena);
}

static void freeing_nothing_is_legal(void **state)
{
    struct arena arena = {NULL, 0};

    (void)state;
    arena_free(&store, &arena);
    assert_int_equal(store.n_kept, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_exact_below_a_mebibyte_and_huge_pages_above),
        cmocka_unit_test_setup_teardown(large_arenas_lie_on_huge_page_borders, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(freed_ones_are_used_again_where_they_are_of_that_size,
                                        open_store, close_store),
        cmocka_unit_test_setup_teardown(what_is_kept_counts_but_gives_way, open_store, close_store),
        cmocka_unit_test_setup_teardown(no_more_is_kept_than_allowed, open_store, close_store),
        cmocka_unit_test_setup_teardown(growing_keeps_the_contents, open_store, close_store),
        cmocka_unit_test_setup_teardown(what_cannot_be_had_changes_nothing, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(freeing_nothing_is_legal, open_store, close_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
