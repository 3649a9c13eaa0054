/* test_tally.c - large tiles with long runs, counted exactly whatever they hold. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "lib/kernels/kernels.h"
#include "tests/unit/lib/naive.h"

enum { N = 90001 };

static int64_t prediction[N], reference[N];

/* Count a tile of each mask twice, and hold each label's counts against twice those of a loop. */
static void check(enum ov_dtype dtype, const int64_t *labels, size_t n_labels)
{
    struct ov_counter *counter = naive_counter(NULL);
    unsigned char *p = naive_encode(prediction, N, (struct ov_encoding){.dtype = dtype});
    unsigned char *r = naive_encode(reference, N, (struct ov_encoding){.dtype = dtype});
    struct ov_piece pieces[] = {naive_tile(p, dtype, N), naive_tile(r, dtype, N)};
    OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    OK(ov_counter_add(counter, &pieces[0], &pieces[1]));
    for (size_t i = 0; i < n_labels; i++) {
        struct ov_counts once = naive_count(prediction, reference, N, &labels[i], 1, NULL, 0);
        naive_assert_equal(ov_counter_label(counter, labels[i]),
                           (struct ov_counts){.voxels = 2 * once.voxels,
                                              .prediction = 2 * once.prediction,
                                              .reference = 2 * once.reference,
                                              .tp = 2 * once.tp});
    }
    ov_counter_free(counter);
    free(p);
    free(r);
}

static void fill(uint64_t n_labels, uint64_t seed)
{
    naive_fill(prediction, N, n_labels, 300, &seed);
    naive_fill(reference, N, n_labels, 300, &seed);
    for (size_t i = 0; i < N; i++) { /* the masks agree here and there */
        if (i / 1000 % 2 == 0)
            reference[i] = prediction[i];
    }
}

static void any_number_of_labels_is_counted_exactly(void **state)
{
    static const uint64_t n_labels[] = {1, 2, 8, 104, 256};
    static const int64_t labels[] = {0, 1, 7, 8, 63, 103, 254, 255, 256};
    (void)state;
    for (size_t i = 0; i < N_OF(n_labels); i++) {
        fill(n_labels[i], i + 1);
        check(OV_U8, labels, N_OF(labels));
    }
}

/* Beside labels whose elements are below 256 there are others. */
static void labels_of_any_dtype_are_counted_exactly(void **state)
{
    static const int64_t labels[] = {-2, -1, 0, 1, 100, 127, 255, 256, 257, 300, 65280};
    (void)state;
    for (int dtype = 0; dtype < OV_N_DTYPES; dtype++) {
        bool has_few_bits = ov_dtype_bytes((enum ov_dtype)dtype) == 1 || dtype == OV_BF16;
        bool has_sign = dtype == OV_I8 || dtype == OV_I16 || dtype == OV_I32 || dtype == OV_I64;
        fill(has_few_bits ? 128 : 512, (uint64_t)dtype + 1);
        for (size_t i = 0; has_sign && i < N; i++) {
            prediction[i] -= 2;
            reference[i] -= 2;
        }
        check((enum ov_dtype)dtype, labels, N_OF(labels));
    }
}

static void more_labels_than_allowed_are_refused(void **state)
{
    static const uint8_t many[N] = {[5] = 1, [N / 2] = 2, [N - 1] = 3};
    const struct ov_counter_options three = {.max_labels = 3}, four = {.max_labels = 4};
    struct ov_piece piece = naive_tile(many, OV_U8, N);
    struct ov_counter *counter = naive_counter(&three);
    (void)state;
    FAILS(ov_counter_add(counter, &piece, &piece), OV_EMANY);
    ov_counter_free(counter);
    counter = naive_counter(&four);
    OK(ov_counter_add(counter, &piece, &piece));
    naive_assert_equal(ov_counter_label(counter, 3), (struct ov_counts){N, 1, 1, 1});
    ov_counter_free(counter);
}

/* One piece of zeros: all its pages are the same one. */
static void a_tile_of_more_voxels_than_32_bits_hold_is_counted_exactly(void **state)
{
    const uint64_t n = ((uint64_t)1 << 32) + 12345;
    struct ov_counter *counter = naive_counter(NULL);
    void *zeros = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    (void)state;
    assert_true(zeros != MAP_FAILED);
    madvise(zeros, n, MADV_HUGEPAGE);
    struct ov_piece piece = naive_tile(zeros, OV_U8, n);
    OK(ov_counter_add(counter, &piece, &piece));
    naive_assert_equal(ov_counter_label(counter, 0), (struct ov_counts){n, n, n, n});
    ov_counter_free(counter);
    munmap(zeros, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_labels_is_counted_exactly),
        cmocka_unit_test(labels_of_any_dtype_are_counted_exactly),
        cmocka_unit_test(more_labels_than_allowed_are_refused),
        cmocka_unit_test(a_tile_of_more_voxels_than_32_bits_hold_is_counted_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
