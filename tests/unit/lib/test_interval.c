/* test_interval.c - intervals of binary masks against counting voxel by voxel. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lib/naive.h"

enum { N = 500 };

static size_t intervals_of(const int64_t *mask, struct ov_interval *ret)
{
    size_t n = 0;
    for (uint32_t i = 0; i < N; i++) {
        if (mask[i] != 0 && (i == 0 || mask[i - 1] == 0))
            ret[n++].start = i;
        if (mask[i] != 0)
            ret[n - 1].end = i + 1;
    }
    return n;
}

static void overlap_equals_voxels_in_both(void **state)
{
    static int64_t a[N], b[N];
    static struct ov_interval in_a[N], in_b[N];
    uint64_t seed = 5;
    (void)state;
    for (uint64_t mean_run = 1; mean_run < 200; mean_run++) {
        uint64_t both = 0;
        naive_fill(a, N, 2, mean_run, &seed);
        naive_fill(b, N, 2, 1 + mean_run / 2, &seed);
        for (size_t i = 0; i < N; i++)
            both += a[i] != 0 && b[i] != 0;
        size_t n_a = intervals_of(a, in_a);
        size_t n_b = intervals_of(b, in_b);
        assert_int_equal(ov_intervals_overlap(in_a, n_a, in_b, n_b), both);
        assert_int_equal(ov_intervals_overlap(in_b, n_b, in_a, n_a), both);
        assert_int_equal(ov_intervals_overlap(in_a, n_a, in_a, n_a),
                         ov_intervals_overlap(in_a, n_a, &(struct ov_interval){0, N}, 1));
    }
}

static void edges_of_32_bits_overlap(void **state)
{
    const struct ov_interval all = {0, UINT32_MAX};
    const struct ov_interval last = {UINT32_MAX - 1, UINT32_MAX};
    (void)state;
    assert_int_equal(ov_intervals_overlap(&all, 1, &all, 1), UINT32_MAX);
    assert_int_equal(ov_intervals_overlap(&all, 1, &last, 1), 1);
    assert_int_equal(ov_intervals_overlap(NULL, 0, &last, 1), 0);
    assert_int_equal(ov_intervals_overlap(NULL, 0, NULL, 0), 0);
}

static void pairs_are_those_counted(void **state)
{
    const int64_t ignore[] = {2};
    const uint8_t p[] = {0, 1, 1, 2, 2, 1}, r[] = {0, 1, 2, 2, 1, 1};
    struct ov_counter_options options = {.pairs = true, .ignore = ignore, .n_ignore = 1};
    struct ov_counter *counter = naive_counter(&options);
    struct ov_piece pieces[] = {naive_tile(p, OV_U8, 6), naive_tile(r, OV_U8, 6)};
    struct ov_pair pairs[3];
    uint64_t n_seen = 0;
    (void)state;
    OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    assert_int_equal(ov_counter_n_pairs(counter), 3);
    ov_counter_pairs(counter, pairs);
    for (size_t i = 0; i < 3; i++) {
        bool is_one = pairs[i].prediction == 1 && pairs[i].reference == 1;
        bool is_known = is_one || (pairs[i].prediction == 0 && pairs[i].reference == 0) ||
                        (pairs[i].prediction == 2 && pairs[i].reference == 1);
        assert_true(is_known);
        assert_int_equal(pairs[i].n_voxels, is_one ? 2 : 1);
        n_seen += pairs[i].n_voxels;
    }
    assert_int_equal(n_seen, ov_counter_voxels(counter));
    ov_counter_free(counter);
}

static void without_pairs_there_are_none(void **state)
{
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    assert_int_equal(ov_counter_n_pairs(counter), 0);
    ov_counter_pairs(counter, NULL);
    ov_counter_free(counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlap_equals_voxels_in_both),
        cmocka_unit_test(edges_of_32_bits_overlap),
        cmocka_unit_test(pairs_are_those_counted),
        cmocka_unit_test(without_pairs_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
