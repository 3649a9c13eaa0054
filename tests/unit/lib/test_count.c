/* test_count.c - pieces of masks -> counts, for every element type and option. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/unit/lib/naive.h"

enum { N = 9001 };

static int64_t prediction[N], reference[N];

static void fill(uint64_t n_labels, uint64_t mean_run, uint64_t seed)
{
    naive_fill(prediction, N, n_labels, mean_run, &seed);
    naive_fill(reference, N, n_labels, mean_run, &seed);
}

static struct ov_counts naive_label(int64_t label)
{
    return naive_count(prediction, reference, N, &label, 1, NULL, 0);
}

static void assert_labels(const struct ov_counter *counter, int64_t n_labels)
{
    for (int64_t label = -1; label <= n_labels; label++)
        naive_assert_equal(ov_counter_label(counter, label), naive_label(label));
}

static void monai_two_by_two_counts(void **state)
{
    /* MONAI test_compute_meandice.py, case 1: Dice .8 from P = [[1,0],[0,1]], R = [[1,0],[1,1]] */
    const uint8_t p[] = {1, 0, 0, 1};
    const float r[] = {1, 0, 1, 1};
    const uint64_t shape[] = {2, 2};
    const int64_t labels[] = {1, 0, 5};
    struct ov_mask masks[2];
    struct ov_counts counts[3];
    (void)state;
    OK(ov_mask_view(p, OV_U8, 2, shape, OV_ORDER_C, &masks[0]));
    OK(ov_mask_view(r, OV_F32, 2, shape, OV_ORDER_C, &masks[1]));
    OK(ov_count(&masks[0], &masks[1], labels, 3, counts));
    naive_assert_equal(counts[0], (struct ov_counts){4, 2, 3, 2});
    naive_assert_equal(counts[1], (struct ov_counts){4, 2, 1, 1});
    naive_assert_equal(counts[2], (struct ov_counts){4, 0, 0, 0});
    OK(ov_count(&masks[0], &masks[1], NULL, 0, NULL));
}

static void all_pairs_of_dtypes_count_alike(void **state)
{
    (void)state;
    fill(6, 12, 11);
    for (int a = 0; a < OV_N_DTYPES; a++) {
        void *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = (enum ov_dtype)a});
        for (int b = 0; b < OV_N_DTYPES; b++) {
            void *r = naive_encode(reference, N, (struct ov_encoding){.dtype = (enum ov_dtype)b});
            struct ov_counter *counter = naive_counter(NULL);
            struct ov_piece pieces[] = {naive_tile(p, (enum ov_dtype)a, N),
                                        naive_tile(r, (enum ov_dtype)b, N)};
            OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
            assert_labels(counter, 6);
            assert_int_equal(ov_counter_n_labels(counter), 6);
            ov_counter_free(counter);
            free(r);
        }
        free(p);
    }
}

/* Both masks by one encoding. */
static void check_encoding(struct ov_encoding encoding)
{
    void *p = naive_encode(prediction, N, encoding);
    void *r = naive_encode(reference, N, encoding);
    struct ov_counter *counter = naive_counter(NULL);
    struct ov_piece pieces[] = {{.n_voxels = N, .tile = p, .encoding = encoding},
                                {.n_voxels = N, .tile = r, .encoding = encoding}};
    OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    assert_labels(counter, 9);
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void swapped_and_scaled_elements_are_the_same_labels(void **state)
{
    (void)state;
    fill(9, 5, 12);
    for (int dtype = 0; dtype < OV_N_DTYPES; dtype++) {
        for (int swapped = 0; swapped < 2; swapped++) {
            bool is_real = dtype >= OV_F32;
            struct ov_encoding encoding = {.dtype = (enum ov_dtype)dtype, .swapped = swapped};
            check_encoding(encoding);
            encoding.slope = .5;
            encoding.intercept = -2;
            check_encoding(encoding);
            encoding.slope = is_real ? -2 : -.25;
            encoding.intercept = 9;
            check_encoding(encoding);
        }
    }
}

static void tiles_and_runs_meet_in_any_combination(void **state)
{
    (void)state;
    fill(5, 40, 13);
    size_t n[2];
    struct ov_run *runs[2] = {naive_run_list(prediction, N, &n[0]),
                              naive_run_list(reference, N, &n[1])};
    void *tiles[2] = {naive_encode(prediction, N, (struct ov_encoding){.dtype = OV_U8}),
                      naive_encode(reference, N, (struct ov_encoding){.dtype = OV_I16})};
    for (int mix = 0; mix < 4; mix++) {
        struct ov_piece p = mix & 1 ? naive_runs(runs[0], n[0], N) : naive_tile(tiles[0], OV_U8, N);
        struct ov_piece r =
            mix & 2 ? naive_runs(runs[1], n[1], N) : naive_tile(tiles[1], OV_I16, N);
        struct ov_counter *counter = naive_counter(NULL);
        OK(ov_counter_add(counter, &p, &r));
        assert_labels(counter, 5);
        ov_counter_free(counter);
    }
    for (int i = 0; i < 2; i++) {
        free(runs[i]);
        free(tiles[i]);
    }
}

static void runs_may_be_many_empty_split_or_huge(void **state)
{
    enum { N_RUNS = 20000 };
    static struct ov_run many[N_RUNS];
    const uint64_t huge = (uint64_t)1 << 40;
    const struct ov_run few[] = {{7, 0}, {1, huge - 1}, {1, 1}, {9, 0}, {2, huge}};
    (void)state;
    for (size_t i = 0; i < N_RUNS; i++)
        many[i] = (struct ov_run){(int64_t)(i % 2), i % 3 == 0 ? 0 : 2 * huge / 13333};
    uint64_t sum = 0;
    for (size_t i = 0; i < N_RUNS; i++)
        sum += many[i].length;
    many[N_RUNS - 1].length += 2 * huge - sum;
    struct ov_piece p = naive_runs(many, N_RUNS, 2 * huge);
    struct ov_piece r = naive_runs(few, 5, 2 * huge);
    struct ov_counter *counter = naive_counter(NULL);
    OK(ov_counter_add(counter, &p, &r));
    assert_int_equal(ov_counter_voxels(counter), 2 * huge);
    assert_int_equal(ov_counter_label(counter, 2).reference, huge);
    assert_int_equal(ov_counter_label(counter, 1).reference, huge);
    assert_int_equal(ov_counter_n_labels(counter), 3);
    assert_int_equal(ov_counter_label(counter, 0).prediction +
                         ov_counter_label(counter, 1).prediction,
                     2 * huge);
    ov_counter_free(counter);
}

static void pieces_of_any_length_add_up(void **state)
{
    uint64_t random = 14;
    (void)state;
    fill(4, 300, 15);
    void *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = OV_U16});
    void *r = naive_encode(reference, N, (struct ov_encoding){.dtype = OV_U8});
    struct ov_counter *counter = naive_counter(NULL);
    for (uint64_t from = 0, n; from < N; from += n) {
        n = naive_below(&random, N / 7);
        n = n < N - from ? n : N - from;
        struct ov_piece a = naive_tile((const char *)p + 2 * from, OV_U16, n);
        struct ov_piece b = naive_tile((const char *)r + from, OV_U8, n);
        OK(ov_counter_add(counter, &a, &b));
    }
    assert_labels(counter, 4);
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void empty_pieces_count_nothing(void **state)
{
    struct ov_piece nothing = {0};
    struct ov_run run = {5, 0};
    struct ov_piece empty_run = naive_runs(&run, 1, 0);
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    OK(ov_counter_add(counter, &nothing, &nothing));
    OK(ov_counter_add(counter, &empty_run, &nothing));
    assert_int_equal(ov_counter_voxels(counter), 0);
    assert_int_equal(ov_counter_n_labels(counter), 0);
    ov_counter_labels(counter, NULL);
    ov_counter_free(counter);
}

/* ---- options ---- */

static struct ov_counter *count_with(const struct ov_counter_options *options)
{
    void *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = OV_U8});
    void *r = naive_encode(reference, N, (struct ov_encoding){.dtype = OV_I32});
    struct ov_counter *counter = naive_counter(options);
    struct ov_piece a = naive_tile(p, OV_U8, N);
    struct ov_piece b = naive_tile(r, OV_I32, N);
    OK(ov_counter_add(counter, &a, &b));
    free(p);
    free(r);
    return counter;
}

static void ignored_reference_labels_leave_every_count(void **state)
{
    const int64_t ignore[] = {4, 2, 4, -7};
    const struct ov_counter_options options = {.ignore = ignore, .n_ignore = 4};
    (void)state;
    fill(6, 9, 16);
    struct ov_counter *counter = count_with(&options);
    uint64_t n_ignored = 0;
    for (size_t i = 0; i < N; i++)
        n_ignored += reference[i] == 4 || reference[i] == 2;
    assert_int_equal(ov_counter_ignored(counter), n_ignored);
    assert_int_equal(ov_counter_voxels(counter), N - n_ignored);
    for (int64_t label = 0; label < 6; label++)
        naive_assert_equal(ov_counter_label(counter, label),
                           naive_count(prediction, reference, N, &label, 1, ignore, 4));
    ov_counter_free(counter);
}

static void labels_found_in_ignored_voxels_alone_are_not_found(void **state)
{
    const uint8_t p[] = {3, 8, 8, 1, 3};
    const uint8_t r[] = {255, 255, 255, 1, 0};
    const int64_t ignore = 255;
    const struct ov_counter_options options = {.ignore = &ignore, .n_ignore = 1};
    struct ov_piece a = naive_tile(p, OV_U8, 5);
    struct ov_piece b = naive_tile(r, OV_U8, 5);
    struct ov_counter *counter = naive_counter(&options);
    int64_t labels[3];
    (void)state;
    OK(ov_counter_add(counter, &a, &b));
    assert_int_equal(ov_counter_n_labels(counter), 3);
    ov_counter_labels(counter, labels);
    assert_true(labels[0] == 0 && labels[1] == 1 && labels[2] == 3);
    naive_assert_equal(ov_counter_label(counter, 255), (struct ov_counts){2, 0, 0, 0});
    naive_assert_equal(ov_counter_label(counter, 8), (struct ov_counts){2, 0, 0, 0});
    naive_assert_equal(ov_counter_label(counter, 3), (struct ov_counts){2, 1, 0, 0});
    ov_counter_free(counter);
}

/* A float prediction against a reference of 0, 1 and 255 = ignore; worked out by hand. */
static void ignored_labels_are_those_before_a_threshold(void **state)
{
    static const float probable[] = {.3F, .7F, .9F, .1F, .6F};
    static const uint8_t labelled[] = {0, 1, 255, 255, 0};
    static const int64_t ignore[] = {255};
    const struct ov_counter_options options = {
        .ignore = ignore, .n_ignore = 1, .has_threshold = true, .threshold = .5};
    const struct ov_piece pieces[] = {
        {.n_voxels = 5, .tile = probable, .encoding = {.dtype = OV_F32}},
        {.n_voxels = 5, .tile = labelled, .encoding = {.dtype = OV_U8}},
    };
    struct ov_counter *counter = NULL;
    struct ov_counts counts;

    (void)state;
    assert_int_equal(ov_counter_new(&options, &counter), OV_OK);
    assert_int_equal(ov_counter_add(counter, &pieces[0], &pieces[1]), OV_OK);
    assert_int_equal(ov_counter_ignored(counter), 2);
    counts = ov_counter_label(counter, 1);
    assert_int_equal(counts.tp, 1);
    assert_int_equal(counts.prediction, 2);
    assert_int_equal(counts.reference, 1);
    ov_counter_free(counter);
}

static void a_threshold_makes_both_masks_binary(void **state)
{
    const float p[] = {.1f, .5f, .500001f, 1e30f, -INFINITY, INFINITY, -0.f, .7f};
    const struct ov_run r[] = {{0, 2}, {1, 3}, {INT64_MIN, 1}, {INT64_MAX, 2}};
    const struct ov_counter_options options = {.has_threshold = true, .threshold = .5};
    struct ov_piece a = naive_tile(p, OV_F32, 8);
    struct ov_piece b = naive_runs(r, 4, 8);
    struct ov_counter *counter = naive_counter(&options);
    (void)state;
    OK(ov_counter_add(counter, &a, &b));
    naive_assert_equal(ov_counter_label(counter, 1), (struct ov_counts){8, 4, 5, 3});
    naive_assert_equal(ov_counter_label(counter, 0), (struct ov_counts){8, 4, 3, 2});
    ov_counter_free(counter);
}

static void unions_are_the_counts_of_the_relabelled_mask(void **state)
{
    /* BraTS: whole tumour is 1, 2 and 4 */
    const int64_t whole[] = {1, 2, 4, 2, 99};
    const int64_t ignore[] = {5};
    const struct ov_counter_options options = {.pairs = true, .ignore = ignore, .n_ignore = 1};
    struct ov_counts counts;
    (void)state;
    fill(7, 3, 17);
    struct ov_counter *counter = count_with(&options);
    OK(ov_counter_union(counter, whole, 5, &counts));
    naive_assert_equal(counts, naive_count(prediction, reference, N, whole, 5, ignore, 1));
    OK(ov_counter_union(counter, whole, 1, &counts));
    naive_assert_equal(counts, ov_counter_label(counter, 1));
    OK(ov_counter_union(counter, NULL, 0, &counts));
    naive_assert_equal(counts, (struct ov_counts){ov_counter_voxels(counter), 0, 0, 0});
    ov_counter_free(counter);
}

static void confusion_is_the_matrix_of_pairs(void **state)
{
    const int64_t labels[] = {3, 0, 77, 1};
    const struct ov_counter_options options = {.pairs = true};
    uint64_t matrix[16], expected[16] = {0};
    (void)state;
    fill(5, 2, 18);
    struct ov_counter *counter = count_with(&options);
    memset(matrix, 0xff, sizeof matrix);
    OK(ov_counter_confusion(counter, labels, 4, matrix));
    for (size_t i = 0; i < 16; i++) {
        for (size_t k = 0; k < N; k++)
            expected[i] += reference[k] == labels[i / 4] && prediction[k] == labels[i % 4];
    }
    assert_memory_equal(matrix, expected, sizeof matrix);
    OK(ov_counter_confusion(counter, NULL, 0, NULL));
    ov_counter_free(counter);
}

static void labels_come_ascending(void **state)
{
    const int64_t p[] = {4294967295, -2147483648, 0, 17};
    const int8_t r[] = {-1, -1, -128, 127};
    const int64_t expected[] = {-2147483648, -128, -1, 0, 17, 127, 4294967295};
    struct ov_piece a = naive_tile(p, OV_I64, 4);
    struct ov_piece b = naive_tile(r, OV_I8, 4);
    struct ov_counter *counter = naive_counter(NULL);
    int64_t labels[7];
    (void)state;
    OK(ov_counter_add(counter, &a, &b));
    assert_int_equal(ov_counter_n_labels(counter), 7);
    ov_counter_labels(counter, labels);
    assert_memory_equal(labels, expected, sizeof labels);
    ov_counter_free(counter);
}

static void questions_that_fail_leave_the_result_alone(void **state)
{
    const struct ov_counter_options options = {.pairs = true};
    const int64_t twice[] = {1, 1};
    uint64_t matrix[4] = {7, 7, 7, 7};
    struct ov_counts counts = {7, 7, 7, 7};
    (void)state;
    fill(3, 3, 19);
    struct ov_counter *without = count_with(NULL);
    struct ov_counter *with = count_with(&options);
    FAILS(ov_counter_union(without, twice, 1, &counts), OV_EINVAL);
    FAILS(ov_counter_union(with, NULL, 1, &counts), OV_EINVAL);
    FAILS(ov_counter_confusion(without, twice, 1, matrix), OV_EINVAL);
    FAILS(ov_counter_confusion(with, twice, 2, matrix), OV_EINVAL);
    FAILS(ov_counter_confusion(with, NULL, 1, matrix), OV_EINVAL);
    naive_assert_equal(counts, (struct ov_counts){7, 7, 7, 7});
    for (int i = 0; i < 4; i++)
        assert_int_equal(matrix[i], 7);
    ov_counter_free(without);
    ov_counter_free(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monai_two_by_two_counts),
        cmocka_unit_test(all_pairs_of_dtypes_count_alike),
        cmocka_unit_test(swapped_and_scaled_elements_are_the_same_labels),
        cmocka_unit_test(tiles_and_runs_meet_in_any_combination),
        cmocka_unit_test(runs_may_be_many_empty_split_or_huge),
        cmocka_unit_test(pieces_of_any_length_add_up),
        cmocka_unit_test(empty_pieces_count_nothing),
        cmocka_unit_test(ignored_reference_labels_leave_every_count),
        cmocka_unit_test(labels_found_in_ignored_voxels_alone_are_not_found),
        cmocka_unit_test(ignored_labels_are_those_before_a_threshold),
        cmocka_unit_test(a_threshold_makes_both_masks_binary),
        cmocka_unit_test(unions_are_the_counts_of_the_relabelled_mask),
        cmocka_unit_test(confusion_is_the_matrix_of_pairs),
        cmocka_unit_test(labels_come_ascending),
        cmocka_unit_test(questions_that_fail_leave_the_result_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
