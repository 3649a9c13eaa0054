/* test_voxels.c - noise: masks whose runs are short, counted exactly whatever they hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernels/kernels.h"
#include "tests/unit/lib/naive.h"

enum { N = 70001 }; /* more than a table of 16-bit counts holds of one pair */

static int64_t prediction[N], reference[N];

/* Count tiles of both masks, in pieces of `step`, and hold each label's counts against a loop. */
static void check(const struct ov_counter_options *options, const enum ov_dtype dtype[2], size_t n,
                  size_t step, const int64_t *labels, size_t n_labels)
{
    struct ov_counter *counter = naive_counter(options);
    unsigned char *p = naive_encode(prediction, n, (struct ov_encoding){.dtype = dtype[0]});
    unsigned char *r = naive_encode(reference, n, (struct ov_encoding){.dtype = dtype[1]});
    const int64_t *ignore = options != NULL ? options->ignore : NULL;
    size_t n_ignore = options != NULL ? options->n_ignore : 0;
    for (size_t i = 0; i < n; i += step) {
        size_t n_piece = n - i < step ? n - i : step;
        struct ov_piece pieces[] = {
            naive_tile(p + i * ov_dtype_bytes(dtype[0]), dtype[0], n_piece),
            naive_tile(r + i * ov_dtype_bytes(dtype[1]), dtype[1], n_piece)};
        OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    }
    for (size_t i = 0; i < n_labels; i++)
        naive_assert_equal(ov_counter_label(counter, labels[i]),
                           naive_count(prediction, reference, n, &labels[i], 1, ignore, n_ignore));
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void for_each_isa(void (*test)(void))
{
    const struct ov__kernels *kernels;
    for (size_t i = 0; (kernels = ov__kernels_available(i)) != NULL; i++) {
        OK(ov_isa_select(kernels->name));
        test();
    }
    OK(ov_isa_select("auto"));
}

static void fill(size_t n, uint64_t n_labels, uint64_t mean_run, uint64_t seed)
{
    naive_fill(prediction, n, n_labels, mean_run, &seed);
    naive_fill(reference, n, n_labels, mean_run, &seed);
}

static const enum ov_dtype bytes[2] = {OV_U8, OV_U8};

static void count_numbers_of_labels(void)
{
    static const uint64_t n_labels[] = {1, 2, 7, 8, 9, 33, 104, 256};
    static const int64_t labels[] = {0, 1, 7, 8, 31, 103, 255, 256};
    for (size_t i = 0; i < N_OF(n_labels); i++) {
        for (uint64_t mean_run = 1; mean_run <= 25; mean_run += 8) {
            fill(N, n_labels[i], mean_run, i + mean_run);
            check(NULL, bytes, N, N, labels, N_OF(labels));
        }
    }
}

static void any_number_of_labels_is_counted_exactly(void **state)
{
    (void)state;
    for_each_isa(count_numbers_of_labels);
}

/* Labels as bytes cannot tell from their neighbours in a group: -1 and 255, 256 and 0. */
static void count_dtypes(void)
{
    static const int64_t labels[] = {-1, 0, 1, 5, 255, 256, 300};
    for (int a = 0; a < OV_N_DTYPES; a++) {
        for (int b = a; b < OV_N_DTYPES; b += 3) {
            const enum ov_dtype dtypes[] = {(enum ov_dtype)a, (enum ov_dtype)b};
            fill(20000, 6, 1, (uint64_t)a + 1);
            if (ov_dtype_bytes(dtypes[0]) > 1 && ov_dtype_bytes(dtypes[1]) > 1) {
                for (size_t i = 9000; i < 20000; i += 700)
                    prediction[i] = reference[i + 1] = 256;
            }
            check(NULL, dtypes, 20000, 6000, labels, N_OF(labels));
        }
    }
}

static void every_dtype_is_counted_exactly(void **state)
{
    (void)state;
    for_each_isa(count_dtypes);
}

static void count_negative(void)
{
    static const enum ov_dtype dtypes[][2] = {{OV_I8, OV_I8}, {OV_I16, OV_I16}, {OV_I32, OV_I32}};
    static const int64_t labels[] = {-2, -1, 0, 1, 254, 255};
    fill(N, 4, 1, 5);
    for (size_t i = 0; i < N; i++) {
        prediction[i] -= 2;
        reference[i] -= 2;
    }
    for (size_t i = 0; i < N_OF(dtypes); i++)
        check(NULL, dtypes[i], N, N, labels, N_OF(labels));
}

static void negative_labels_are_counted_exactly(void **state)
{
    (void)state;
    for_each_isa(count_negative);
}

/* Noise, calm and noise again, where labels come up that noise did not have before. */
static void count_changing(void)
{
    static const int64_t labels[] = {0, 1, 3, 9, 77, 200, 255};
    fill(N, 4, 1, 6);
    for (size_t i = 10000; i < 30000; i++)
        prediction[i] = reference[i] = 77;
    for (size_t i = 40000; i < N; i++)
        prediction[i] = i % 911 == 0 ? 200 : (int64_t)(i % 3) * 3;
    reference[N - 1] = 255;
    for (size_t i = 60000; i < N; i++)
        reference[i] = prediction[i] = i % 2 == 0 ? 9 : 255;
    check(NULL, bytes, N, N, labels, N_OF(labels));
    check(NULL, bytes, N, 1999, labels, N_OF(labels));
    check(NULL, bytes, N, 4096, labels, N_OF(labels));
}

static void labels_that_come_up_late_are_counted_exactly(void **state)
{
    (void)state;
    for_each_isa(count_changing);
}

static void count_ignoring(void)
{
    static const int64_t ignore[] = {3, 255};
    static const int64_t labels[] = {0, 1, 2, 3, 9, 255};
    const struct ov_counter_options options = {.ignore = ignore, .n_ignore = N_OF(ignore)};
    fill(N, 10, 1, 7);
    check(&options, bytes, N, N, labels, N_OF(labels));
}

static void ignored_voxels_leave_noise_too(void **state)
{
    (void)state;
    for_each_isa(count_ignoring);
}

/* The confusion matrix of noise, against a loop. */
static void count_pairs(void)
{
    enum { N_LABELS = 11 };
    static const int64_t ignore[] = {4};
    const struct ov_counter_options options = {.ignore = ignore, .n_ignore = 1, .pairs = true};
    struct ov_counter *counter = naive_counter(&options);
    uint64_t expected[N_LABELS * N_LABELS] = {0}, matrix[N_LABELS * N_LABELS];
    int64_t labels[N_LABELS];
    fill(N, N_LABELS, 1, 12);
    for (size_t i = 0; i < N; i++)
        expected[reference[i] * N_LABELS + prediction[i]] += reference[i] != 4;
    for (size_t i = 0; i < N_LABELS; i++)
        labels[i] = (int64_t)i;
    unsigned char *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = OV_U8});
    unsigned char *r = naive_encode(reference, N, (struct ov_encoding){.dtype = OV_U8});
    struct ov_piece pieces[] = {naive_tile(p, OV_U8, N), naive_tile(r, OV_U8, N)};
    OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    OK(ov_counter_confusion(counter, labels, N_LABELS, matrix));
    assert_memory_equal(matrix, expected, sizeof expected);
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void pairs_of_noise_are_counted_exactly(void **state)
{
    (void)state;
    for_each_isa(count_pairs);
}

static void count_above(void)
{
    const struct ov_counter_options options = {.has_threshold = true, .threshold = 2.5};
    struct ov_counter *counter = naive_counter(&options);
    const int64_t one = 1;
    fill(N, 6, 1, 8);
    unsigned char *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = OV_U8});
    unsigned char *r = naive_encode(reference, N, (struct ov_encoding){.dtype = OV_U8});
    struct ov_piece pieces[] = {naive_tile(p, OV_U8, N), naive_tile(r, OV_U8, N)};
    OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    for (size_t i = 0; i < N; i++) {
        prediction[i] = prediction[i] > 2;
        reference[i] = reference[i] > 2;
    }
    naive_assert_equal(ov_counter_label(counter, 1),
                       naive_count(prediction, reference, N, &one, 1, NULL, 0));
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void a_threshold_makes_one_label_of_many_in_noise(void **state)
{
    (void)state;
    for_each_isa(count_above);
}

/* A slope so small that all bytes are one label: equal labels need not be equal bytes. */
static void a_scale_may_make_one_label_of_two_bytes(void **state)
{
    const struct ov_encoding encoding = {.dtype = OV_U8, .slope = 1e-300, .intercept = 5};
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    fill(N, 4, 1, 9);
    unsigned char *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = OV_U8});
    unsigned char *r = naive_encode(reference, N, (struct ov_encoding){.dtype = OV_U8});
    struct ov_piece pieces[] = {naive_tile(p, OV_U8, N), naive_tile(r, OV_U8, N)};
    pieces[0].encoding = pieces[1].encoding = encoding;
    OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    naive_assert_equal(ov_counter_label(counter, 5), (struct ov_counts){N, N, N, N});
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void too_many_labels_in_noise_are_refused(void **state)
{
    const struct ov_counter_options options = {.max_labels = 5};
    struct ov_counter *counter = naive_counter(&options);
    (void)state;
    fill(N, 5, 1, 10);
    prediction[N - 2] = 5;
    unsigned char *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = OV_U8});
    unsigned char *r = naive_encode(reference, N, (struct ov_encoding){.dtype = OV_U8});
    struct ov_piece pieces[] = {naive_tile(p, OV_U8, N - 2), naive_tile(r, OV_U8, N - 2)};
    OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    ov_counter_free(counter);
    counter = naive_counter(&options);
    pieces[0].n_voxels = pieces[1].n_voxels = N;
    FAILS(ov_counter_add(counter, &pieces[0], &pieces[1]), OV_EMANY);
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void count_one_pair(void)
{
    static const int64_t labels[] = {0, 7, 99};
    fill(N, 2, 1, 11);
    for (size_t i = 4096; i < N; i++) { /* runs of one voxel, and all voxels one of two pairs */
        prediction[i] = i % 2 == 0 ? 7 : 99;
        reference[i] = 99;
    }
    check(NULL, bytes, N, N, labels, N_OF(labels));
}

static void a_pair_that_fills_a_small_count_is_counted_exactly(void **state)
{
    (void)state;
    for_each_isa(count_one_pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_labels_is_counted_exactly),
        cmocka_unit_test(every_dtype_is_counted_exactly),
        cmocka_unit_test(negative_labels_are_counted_exactly),
        cmocka_unit_test(labels_that_come_up_late_are_counted_exactly),
        cmocka_unit_test(ignored_voxels_leave_noise_too),
        cmocka_unit_test(pairs_of_noise_are_counted_exactly),
        cmocka_unit_test(a_threshold_makes_one_label_of_many_in_noise),
        cmocka_unit_test(a_scale_may_make_one_label_of_two_bytes),
        cmocka_unit_test(too_many_labels_in_noise_are_refused),
        cmocka_unit_test(a_pair_that_fills_a_small_count_is_counted_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
