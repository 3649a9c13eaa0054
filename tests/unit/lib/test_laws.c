/* test_laws.c - what must hold between counts of related masks, whatever the masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "tests/unit/lib/naive.h"

enum { NX = 40, NY = 33, NZ = 21, N = NX * NY * NZ, N_LABELS = 6 };

static const uint64_t shape[] = {NX, NY, NZ};
static int64_t labels_of[2][N];
static uint8_t prediction[N], reference[N];
static struct ov_mask masks[2];

static int make_masks(void **state)
{
    uint64_t random = 31;
    (void)state;
    for (int i = 0; i < 2; i++)
        naive_fill(labels_of[i], N, N_LABELS, 25, &random);
    for (size_t i = 0; i < N; i++) {
        prediction[i] = (uint8_t)labels_of[0][i];
        reference[i] = (uint8_t)labels_of[1][i];
    }
    OK(ov_mask_view(prediction, OV_U8, 3, shape, OV_ORDER_C, &masks[0]));
    OK(ov_mask_view(reference, OV_U8, 3, shape, OV_ORDER_C, &masks[1]));
    return 0;
}

static struct ov_counts count(const struct ov_mask *p, const struct ov_mask *r, int64_t label)
{
    struct ov_counts counts;
    OK(ov_count(p, r, &label, 1, &counts));
    return counts;
}

static void swapping_the_masks_swaps_precision_and_recall(void **state)
{
    (void)state;
    for (int64_t label = 0; label < N_LABELS; label++) {
        struct ov_counts there = count(&masks[0], &masks[1], label);
        struct ov_counts back = count(&masks[1], &masks[0], label);
        assert_true(ov_metric_value(OV_PRECISION, &there, NULL, 1) ==
                    ov_metric_value(OV_RECALL, &back, NULL, 1));
        assert_true(ov_metric_value(OV_DICE, &there, NULL, 1) ==
                    ov_metric_value(OV_DICE, &back, NULL, 1));
        assert_int_equal(there.tp, back.tp);
    }
}

static void relabelling_relabels_the_counts(void **state)
{
    static int32_t p[N], r[N];
    struct ov_mask renamed[2];
    (void)state;
    for (size_t i = 0; i < N; i++) {
        p[i] = 70000 - 9 * prediction[i];
        r[i] = 70000 - 9 * reference[i];
    }
    OK(ov_mask_view(p, OV_I32, 3, shape, OV_ORDER_C, &renamed[0]));
    OK(ov_mask_view(r, OV_I32, 3, shape, OV_ORDER_C, &renamed[1]));
    for (int64_t label = 0; label < N_LABELS; label++)
        naive_assert_equal(count(&renamed[0], &renamed[1], 70000 - 9 * label),
                           count(&masks[0], &masks[1], label));
}

/* Half of a mask along an axis. */
static struct ov_mask half(struct ov_mask mask, int axis, bool is_second)
{
    uint64_t first = mask.shape[axis] / 3;
    if (is_second)
        mask.data = (const char *)mask.data + (int64_t)first * mask.strides_bytes[axis];
    mask.shape[axis] = is_second ? mask.shape[axis] - first : first;
    return mask;
}

static void counts_of_crops_sum_to_the_whole(void **state)
{
    (void)state;
    for (int axis = 0; axis < 3; axis++) {
        struct ov_mask crops[4] = {half(masks[0], axis, false), half(masks[1], axis, false),
                                   half(masks[0], axis, true), half(masks[1], axis, true)};
        for (int64_t label = 0; label < N_LABELS; label++)
            naive_assert_equal(ov_counts_sum(count(&crops[0], &crops[1], label),
                                             count(&crops[2], &crops[3], label)),
                               count(&masks[0], &masks[1], label));
    }
}

static struct ov_mask permuted(const struct ov_mask *mask, const int *axes)
{
    struct ov_mask result = *mask;
    for (int i = 0; i < 3; i++) {
        result.shape[i] = mask->shape[axes[i]];
        result.strides_bytes[i] = mask->strides_bytes[axes[i]];
    }
    return result;
}

static void permuting_and_flipping_axes_of_both_changes_nothing(void **state)
{
    static const int orders[][3] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    (void)state;
    for (size_t i = 0; i < N_OF(orders); i++) {
        struct ov_mask p = permuted(&masks[0], orders[i]);
        struct ov_mask r = permuted(&masks[1], orders[i]);
        int axis = (int)(i % 3);
        p.data = (const char *)p.data + (int64_t)(p.shape[axis] - 1) * p.strides_bytes[axis];
        r.data = (const char *)r.data + (int64_t)(r.shape[axis] - 1) * r.strides_bytes[axis];
        p.strides_bytes[axis] *= -1;
        r.strides_bytes[axis] *= -1;
        naive_assert_equal(count(&p, &r, 2), count(&masks[0], &masks[1], 2));
    }
}

static void a_mask_against_itself_is_perfect(void **state)
{
    (void)state;
    for (int64_t label = 0; label < N_LABELS; label++) {
        struct ov_counts counts = count(&masks[0], &masks[0], label);
        assert_int_equal(counts.tp, counts.prediction);
        assert_int_equal(counts.tp, counts.reference);
        assert_true(ov_metric_value(OV_DICE, &counts, NULL, 1) == 1);
        assert_true(ov_metric_value(OV_MCC, &counts, NULL, 1) == 1);
    }
}

static void classes_partition_the_voxels(void **state)
{
    struct ov_counts sum = {0};
    (void)state;
    for (int64_t label = 0; label < N_LABELS; label++)
        sum = ov_counts_sum(sum, count(&masks[0], &masks[1], label));
    assert_int_equal(sum.prediction, N);
    assert_int_equal(sum.reference, N);
}

/* ---- splits and merges ---- */

static const int64_t ignore[] = {4};

static struct ov_counter_options options_seeded(uint64_t seed)
{
    return (struct ov_counter_options){
        .ignore = ignore, .n_ignore = 1, .pairs = true, .hash_seed = seed};
}

static struct ov_counter *count_part(size_t part, size_t n_parts)
{
    struct ov_counter_options options = options_seeded(part * 77);
    struct ov_counter *counter = naive_counter(&options);
    OK(ov_counter_add_masks(counter, &masks[0], &masks[1], part, n_parts));
    return counter;
}

static void assert_same(const struct ov_counter *a, const struct ov_counter *b)
{
    const int64_t all[] = {0, 1, 2, 3, 4, 5};
    uint64_t matrices[2][N_LABELS * N_LABELS];
    assert_int_equal(ov_counter_voxels(a), ov_counter_voxels(b));
    assert_int_equal(ov_counter_ignored(a), ov_counter_ignored(b));
    assert_int_equal(ov_counter_n_labels(a), ov_counter_n_labels(b));
    for (int64_t label = 0; label < N_LABELS; label++)
        naive_assert_equal(ov_counter_label(a, label), ov_counter_label(b, label));
    OK(ov_counter_confusion(a, all, N_LABELS, matrices[0]));
    OK(ov_counter_confusion(b, all, N_LABELS, matrices[1]));
    assert_memory_equal(matrices[0], matrices[1], sizeof matrices[0]);
}

static void merging_parts_in_any_order_gives_the_whole(void **state)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct ov_counter *whole = count_part(0, 1);
    (void)state;
    naive_assert_equal(ov_counter_label(whole, 3), naive_count(labels_of[0], labels_of[1], N,
                                                               (const int64_t[]){3}, 1, ignore, 1));
    for (size_t i = 0; i < N_OF(orders); i++) {
        struct ov_counter *parts[3];
        for (size_t k = 0; k < 3; k++)
            parts[k] = count_part(k, 3);
        OK(ov_counter_merge(parts[orders[i][1]], parts[orders[i][2]]));
        OK(ov_counter_merge(parts[orders[i][0]], parts[orders[i][1]]));
        assert_same(parts[orders[i][0]], whole);
        for (size_t k = 0; k < 3; k++)
            ov_counter_free(parts[k]);
    }
    ov_counter_free(whole);
}

static void a_counter_merged_with_itself_counts_twice(void **state)
{
    struct ov_counter *once = count_part(0, 1);
    struct ov_counter *twice = count_part(0, 1);
    (void)state;
    OK(ov_counter_merge(once, once));
    OK(ov_counter_add_masks(twice, &masks[0], &masks[1], 0, 1));
    assert_same(once, twice);
    ov_counter_free(once);
    ov_counter_free(twice);
}

static void counters_of_other_options_are_not_merged(void **state)
{
    const int64_t others[] = {3};
    const struct ov_counter_options base = options_seeded(0);
    struct ov_counter_options cases[6] = {base, base, base, base, base, base};
    struct ov_counter *counter = naive_counter(&base);
    (void)state;
    cases[0].ignore = others;
    cases[1].n_ignore = 0;
    cases[2].pairs = false;
    cases[3].max_labels = 9;
    cases[4].has_threshold = true;
    cases[5].hash_seed = 5;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct ov_counter *other = naive_counter(&cases[i]);
        assert_int_equal(ov_counter_merge(counter, other), i == 5 ? OV_OK : OV_EINVAL);
        ov_counter_free(other);
    }
    struct ov_counter *low = naive_counter(&cases[4]);
    cases[4].threshold = .5;
    struct ov_counter *high = naive_counter(&cases[4]);
    FAILS(ov_counter_merge(low, high), OV_EINVAL);
    ov_counter_free(low);
    ov_counter_free(high);
    ov_counter_free(counter);
}

static void a_merge_obeys_the_limit_of_labels(void **state)
{
    const struct ov_counter_options options = {.max_labels = 3};
    struct ov_counter *counters[3];
    (void)state;
    for (int64_t i = 0; i < 3; i++) {
        const struct ov_run runs[] = {{i, 1}, {i + 1, 1}};
        struct ov_piece piece = naive_runs(runs, 2, 2);
        counters[i] = naive_counter(&options);
        OK(ov_counter_add(counters[i], &piece, &piece));
    }
    OK(ov_counter_merge(counters[0], counters[1]));
    assert_int_equal(ov_counter_n_labels(counters[0]), 3);
    FAILS(ov_counter_merge(counters[0], counters[2]), OV_EMANY);
    for (int i = 0; i < 3; i++)
        ov_counter_free(counters[i]);
}

static void *count_half(void *part)
{
    return count_part(*(const size_t *)part, 2);
}

static void threads_with_a_counter_each_count_the_whole_together(void **state)
{
    size_t parts[] = {0, 1};
    pthread_t threads[2];
    void *counters[2];
    struct ov_counter *whole = count_part(0, 1);
    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_half, &parts[i]), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], &counters[i]), 0);
    OK(ov_counter_merge(counters[1], counters[0]));
    assert_same(counters[1], whole);
    ov_counter_free(counters[0]);
    ov_counter_free(counters[1]);
    ov_counter_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swapping_the_masks_swaps_precision_and_recall),
        cmocka_unit_test(relabelling_relabels_the_counts),
        cmocka_unit_test(counts_of_crops_sum_to_the_whole),
        cmocka_unit_test(permuting_and_flipping_axes_of_both_changes_nothing),
        cmocka_unit_test(a_mask_against_itself_is_perfect),
        cmocka_unit_test(classes_partition_the_voxels),
        cmocka_unit_test(merging_parts_in_any_order_gives_the_whole),
        cmocka_unit_test(a_counter_merged_with_itself_counts_twice),
        cmocka_unit_test(counters_of_other_options_are_not_merged),
        cmocka_unit_test(a_merge_obeys_the_limit_of_labels),
        cmocka_unit_test(threads_with_a_counter_each_count_the_whole_together),
    };
    return cmocka_run_group_tests(tests, make_masks, NULL);
}
