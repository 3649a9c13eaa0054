/* test_limits.c - limits at their edge, and arguments that are refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/unit/lib/naive.h"

static struct ov_mask one_voxel;

static enum ov_status count_distinct(size_t n_labels, size_t max_labels, bool pairs)
{
    const struct ov_counter_options options = {.max_labels = max_labels, .pairs = pairs};
    struct ov_counter *counter = naive_counter(&options);
    uint32_t *tile = calloc(n_labels, sizeof *tile);
    assert_non_null(tile);
    for (size_t i = 0; i < n_labels; i++)
        tile[i] = (uint32_t)(i * 65537);
    struct ov_piece piece = naive_tile(tile, OV_U32, n_labels);
    enum ov_status status = ov_counter_add(counter, &piece, &piece);
    if (status == OV_OK) {
        assert_int_equal(ov_counter_n_labels(counter), n_labels);
        for (size_t i = 0; i < n_labels; i++)
            assert_int_equal(ov_counter_label(counter, tile[i]).tp, 1);
    }
    ov_counter_free(counter);
    free(tile);
    return status;
}

static void as_many_labels_as_the_limit_fit_and_one_more_does_not(void **state)
{
    static const size_t limits[] = {1, 2, 31, 32, 33, 255, 1000};
    (void)state;
    for (size_t i = 0; i < N_OF(limits); i++) {
        OK(count_distinct(limits[i], limits[i], true));
        FAILS(count_distinct(limits[i] + 1, limits[i], false), OV_EMANY);
    }
    OK(count_distinct(OV_MAX_LABELS, 0, true));
    OK(count_distinct(OV_MAX_LABELS, OV_MAX_LABELS, false));
    FAILS(count_distinct(OV_MAX_LABELS + 1, 0, false), OV_EMANY);
}

static void all_labels_of_16_bits_are_counted(void **state)
{
    enum { ALL = 65536 };
    static uint16_t p[ALL], r[ALL];
    struct ov_piece a = naive_tile(p, OV_U16, ALL);
    struct ov_piece b = naive_tile(r, OV_I16, ALL);
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    for (uint32_t i = 0; i < ALL; i++) {
        p[i] = (uint16_t)(i * 40503u);
        r[i] = (uint16_t)((i * 40503u) % 32768);
    }
    OK(ov_counter_add(counter, &a, &b));
    assert_int_equal(ov_counter_n_labels(counter), ALL);
    naive_assert_equal(ov_counter_label(counter, 12345), (struct ov_counts){ALL, 1, 2, 1});
    naive_assert_equal(ov_counter_label(counter, 65535), (struct ov_counts){ALL, 1, 0, 0});
    ov_counter_free(counter);
}

static void distinct_pairs_have_a_limit(void **state)
{
    enum { SIDE = 1025, ALL = SIDE * SIDE };
    const struct ov_counter_options options = {.pairs = true};
    uint16_t *p = calloc(ALL, sizeof *p);
    uint16_t *r = calloc(ALL, sizeof *r);
    (void)state;
    assert_true(p != NULL && r != NULL);
    for (size_t i = 0; i < ALL; i++) {
        p[i] = (uint16_t)(i % SIDE);
        r[i] = (uint16_t)(i / SIDE);
    }
    struct ov_counter *counter = naive_counter(&options);
    struct ov_piece a = naive_tile(p, OV_U16, OV_MAX_PAIRS);
    struct ov_piece b = naive_tile(r, OV_U16, OV_MAX_PAIRS);
    OK(ov_counter_add(counter, &a, &b));
    OK(ov_counter_add(counter, &a, &b));
    a = naive_tile(p + OV_MAX_PAIRS, OV_U16, 1);
    b = naive_tile(r + OV_MAX_PAIRS, OV_U16, 1);
    FAILS(ov_counter_add(counter, &a, &b), OV_EPAIRS);
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void voxels_are_limited_to_2_to_the_63_less_one(void **state)
{
    const struct ov_run runs[] = {{1, INT64_MAX}};
    const struct ov_run too_many[] = {{1, INT64_MAX}, {2, 1}};
    struct ov_piece most = naive_runs(runs, 1, INT64_MAX);
    struct ov_piece more = naive_runs(too_many, 2, (uint64_t)INT64_MAX + 1);
    struct ov_piece one = naive_runs(&(struct ov_run){1, 1}, 1, 1);
    struct ov_counter *counter = naive_counter(NULL);
    struct ov_counter *other = naive_counter(NULL);
    (void)state;
    FAILS(ov_counter_add(counter, &more, &more), OV_ESIZE);
    OK(ov_counter_add(counter, &most, &most));
    FAILS(ov_counter_add(counter, &one, &one), OV_ESIZE);
    OK(ov_counter_add(other, &one, &one));
    FAILS(ov_counter_merge(counter, other), OV_ESIZE);
    naive_assert_equal(ov_counter_label(counter, 1),
                       (struct ov_counts){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX});
    ov_counter_free(counter);
    ov_counter_free(other);
}

static void pieces_that_do_not_fit_are_refused(void **state)
{
    const uint8_t tile[8] = {0};
    const struct ov_run runs[] = {{1, 3}, {2, UINT64_MAX}, {3, 2}};
    struct ov_piece good = naive_tile(tile, OV_U8, 8);
    struct ov_piece shorter = naive_tile(tile, OV_U8, 7);
    struct ov_piece nothing = {.n_voxels = 8};
    struct ov_piece both = {.n_voxels = 8, .tile = tile, .runs = runs, .n_runs = 1};
    struct ov_piece wrong_sum = naive_runs(runs, 1, 8);
    struct ov_piece overflow = naive_runs(runs, 3, 4);
    struct ov_piece odd = naive_tile(tile, (enum ov_dtype)OV_N_DTYPES, 8);
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    FAILS(ov_counter_add(counter, &good, &shorter), OV_ESHAPE);
    FAILS(ov_counter_add(counter, &nothing, &good), OV_EINVAL);
    FAILS(ov_counter_add(counter, &good, &both), OV_EINVAL);
    FAILS(ov_counter_add(counter, &good, &wrong_sum), OV_EINVAL);
    FAILS(ov_counter_add(counter, &overflow, &good), OV_EINVAL);
    FAILS(ov_counter_add(counter, &good, &odd), OV_EDTYPE);
    assert_int_equal(ov_counter_voxels(counter), 0);
    ov_counter_free(counter);
}

static void options_out_of_range_leave_the_counter_alone(void **state)
{
    const struct ov_counter_options cases[] = {
        {.n_ignore = 1},
        {.max_labels = OV_MAX_LABELS + 1},
        {.has_threshold = true, .threshold = NAN},
    };
    struct ov_counter *counter = NULL;
    (void)state;
    for (size_t i = 0; i < N_OF(cases); i++)
        FAILS(ov_counter_new(&cases[i], &counter), OV_EINVAL);
    assert_null(counter);
    ov_counter_free(NULL);
}

static int view_one_voxel(void **state)
{
    static const uint8_t data[1] = {1};
    const uint64_t shape[] = {1};
    (void)state;
    OK(ov_mask_view(data, OV_U8, 1, shape, OV_ORDER_C, &one_voxel));
    return 0;
}

static void counts_that_fail_leave_the_result_alone(void **state)
{
    const float half[1] = {.5f};
    const int64_t twice[] = {1, 2, 1};
    struct ov_mask other = one_voxel;
    struct ov_counts counts[3], before[3];
    (void)state;
    memset(counts, 0x5a, sizeof counts);
    memcpy(before, counts, sizeof counts);
    FAILS(ov_count(&one_voxel, &one_voxel, twice, 3, counts), OV_EINVAL);
    FAILS(ov_count(&one_voxel, &one_voxel, NULL, 1, counts), OV_EINVAL);
    FAILS(ov_count(NULL, &one_voxel, twice, 1, counts), OV_EINVAL);
    FAILS(ov_count(&one_voxel, NULL, twice, 1, counts), OV_EINVAL);
    other.data = half;
    other.encoding.dtype = OV_F32;
    FAILS(ov_count(&one_voxel, &other, twice, 1, counts), OV_EFRACTION);
    other.data = NULL;
    FAILS(ov_count(&one_voxel, &other, twice, 1, counts), OV_EINVAL);
    assert_memory_equal(counts, before, sizeof counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_labels_as_the_limit_fit_and_one_more_does_not),
        cmocka_unit_test(all_labels_of_16_bits_are_counted),
        cmocka_unit_test(distinct_pairs_have_a_limit),
        cmocka_unit_test(voxels_are_limited_to_2_to_the_63_less_one),
        cmocka_unit_test(pieces_that_do_not_fit_are_refused),
        cmocka_unit_test(options_out_of_range_leave_the_counter_alone),
        cmocka_unit_test(counts_that_fail_leave_the_result_alone),
    };
    return cmocka_run_group_tests(tests, view_one_voxel, NULL);
}
