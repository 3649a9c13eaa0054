/* test_labels.c - the hash tables: regular labels, and labels chosen to collide. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/labels.h"
#include "lib/pairs.h"
#include "tests/unit/lib/naive.h"

enum { N = 20000 };

/* How far the labels of a table lie from their own bucket, in all. */
static size_t displacement(const struct ov__labels *labels)
{
    size_t mask = 2 * labels->cap_slots - 1;
    size_t sum = 0;
    for (size_t i = 0; i <= mask; i++) {
        if (labels->buckets[i] == OV__SLOT_NONE)
            continue;
        uint64_t key = (uint64_t)labels->slots[labels->buckets[i]].value;
        sum += (i - (size_t)ov__hash_key(&labels->hash, key)) & mask;
    }
    return sum;
}

static size_t displacement_of(const int64_t *values, size_t n, uint64_t seed)
{
    struct ov__labels labels;
    uint32_t slot;
    OK(ov__labels_init(&labels, n, seed));
    for (size_t i = 0; i < n; i++)
        OK(ov__labels_slot(&labels, values[i], &slot));
    size_t sum = displacement(&labels);
    ov__labels_done(&labels);
    return sum;
}

static void regular_labels_spread(void **state)
{
    static int64_t values[N];
    (void)state;
    for (int shift = 0; shift < 18; shift++) {
        for (size_t i = 0; i < N; i++)
            values[i] = (int64_t)((uint64_t)i << shift) - (1 << 20);
        assert_true(displacement_of(values, N, (uint64_t)shift) < 2 * N);
    }
}

static void labels_that_collide_under_one_seed_spread_under_another(void **state)
{
    enum { N_COLLIDING = 1000 };
    static int64_t values[N_COLLIDING];
    const struct ov__hash known = ov__hash_seeded(0);
    size_t n = 0;
    (void)state;
    for (int64_t value = 0; n < N_COLLIDING; value++) {
        if ((ov__hash_key(&known, (uint64_t)value) & 2047) < 2)
            values[n++] = value;
    }
    assert_true(displacement_of(values, N_COLLIDING, 0) > N_COLLIDING * N_COLLIDING / 8);
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_true(displacement_of(values, N_COLLIDING, seed * 0x10001) < 4 * N_COLLIDING);
}

static void pairs_of_a_grid_spread(void **state)
{
    enum { SIDE = 300 };
    struct ov__pairs pairs;
    (void)state;
    OK(ov__pairs_init(&pairs, 9));
    for (uint32_t i = 0; i < SIDE * SIDE; i++)
        OK(ov__pairs_add(&pairs, i / SIDE, i % SIDE, i + 1));
    assert_int_equal(pairs.n_pairs, SIDE * SIDE);
    size_t longest = 0;
    size_t length = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < pairs.n_buckets; i++) {
        length = pairs.buckets[i].n_voxels > 0 ? length + 1 : 0;
        longest = length > longest ? length : longest;
        sum += pairs.buckets[i].n_voxels;
    }
    assert_true(longest < 100);
    assert_int_equal(sum, (uint64_t)SIDE * SIDE * (SIDE * SIDE + 1) / 2);
    ov__pairs_done(&pairs);
}

static void the_seed_changes_no_result(void **state)
{
    static uint32_t tile[N];
    uint64_t random = 41;
    (void)state;
    for (size_t i = 0; i < N; i++)
        tile[i] = (uint32_t)naive_below(&random, 500) * 8191;
    struct ov_piece piece = naive_tile(tile, OV_U32, N);
    struct ov_counts counts[2];
    for (uint64_t seed = 0; seed < 2; seed++) {
        const struct ov_counter_options options = {.hash_seed = seed};
        struct ov_counter *counter = naive_counter(&options);
        OK(ov_counter_add(counter, &piece, &piece));
        counts[seed] = ov_counter_label(counter, 8191);
        ov_counter_free(counter);
    }
    naive_assert_equal(counts[0], counts[1]);
}

static void a_byte_is_another_label_signed_than_unsigned(void **state)
{
    const uint8_t bytes[] = {255, 255, 1};
    struct ov_piece as_unsigned = naive_tile(bytes, OV_U8, 3);
    struct ov_piece as_signed = naive_tile(bytes, OV_I8, 3);
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    OK(ov_counter_add(counter, &as_unsigned, &as_signed));
    OK(ov_counter_add(counter, &as_signed, &as_unsigned));
    OK(ov_counter_add(counter, &as_signed, &as_signed));
    naive_assert_equal(ov_counter_label(counter, 255), (struct ov_counts){9, 2, 2, 0});
    naive_assert_equal(ov_counter_label(counter, -1), (struct ov_counts){9, 4, 4, 2});
    naive_assert_equal(ov_counter_label(counter, 1), (struct ov_counts){9, 3, 3, 3});
    ov_counter_free(counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regular_labels_spread),
        cmocka_unit_test(labels_that_collide_under_one_seed_spread_under_another),
        cmocka_unit_test(pairs_of_a_grid_spread),
        cmocka_unit_test(the_seed_changes_no_result),
        cmocka_unit_test(a_byte_is_another_label_signed_than_unsigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
