/* test_rule.c - which numbers are labels, and which side of a threshold they lie on. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/unit/lib/naive.h"

/* How many of n elements exceed a threshold. */
static uint64_t above(const void *tile, enum ov_dtype dtype, uint64_t n, double threshold)
{
    const struct ov_counter_options options = {.has_threshold = true, .threshold = threshold};
    struct ov_counter *counter = naive_counter(&options);
    struct ov_piece piece = naive_tile(tile, dtype, n);
    OK(ov_counter_add(counter, &piece, &piece));
    uint64_t n_above = ov_counter_label(counter, 1).tp;
    ov_counter_free(counter);
    return n_above;
}

static void thresholds_are_exact_where_doubles_cannot_hold_the_integers(void **state)
{
    const int64_t i64[] = {((int64_t)1 << 53) + 1, (int64_t)1 << 53, INT64_MIN, INT64_MAX, -3};
    const uint64_t u64[] = {((uint64_t)1 << 63) + 1, (uint64_t)1 << 63, UINT64_MAX, 0, 2};
    (void)state;
    assert_int_equal(above(i64, OV_I64, 5, 0x1p53), 2);
    assert_int_equal(above(i64, OV_I64, 5, 0x1p63), 0);
    assert_int_equal(above(i64, OV_I64, 5, -0x1p63), 4);
    assert_int_equal(above(i64, OV_I64, 5, -0x1p64), 5);
    assert_int_equal(above(i64, OV_I64, 5, -3.5), 4);
    assert_int_equal(above(i64, OV_I64, 5, -2.5), 3);
    assert_int_equal(above(u64, OV_U64, 5, 0x1p63), 2);
    assert_int_equal(above(u64, OV_U64, 5, 0x1p64), 0);
    assert_int_equal(above(u64, OV_U64, 5, -.5), 5);
    assert_int_equal(above(u64, OV_U64, 5, 1.5), 4);
    assert_int_equal(above(u64, OV_U64, 5, INFINITY), 0);
}

static enum ov_status add_one(struct ov_encoding encoding, double value, double threshold)
{
    const struct ov_counter_options options = {.has_threshold = !isnan(threshold),
                                               .threshold = threshold};
    unsigned char element[8];
    naive_store(element, encoding.dtype, encoding.swapped, value);
    struct ov_counter *counter = naive_counter(&options);
    struct ov_piece a = {.n_voxels = 1, .tile = element, .encoding = encoding};
    struct ov_run run = {0, 1};
    struct ov_piece b = naive_runs(&run, 1, 1);
    enum ov_status status = ov_counter_add(counter, &a, &b);
    enum ov_status other_side = ov_counter_add(counter, &b, &a);
    assert_int_equal(status, other_side);
    ov_counter_free(counter);
    return status;
}

static void values_that_are_no_labels_are_refused(void **state)
{
    static const struct {
        enum ov_status status;
        struct ov_encoding encoding;
        double value;
        double threshold;
    } cases[] = {
        {OV_ENAN, {.dtype = OV_F32}, NAN, NAN},
        {OV_ENAN, {.dtype = OV_F64}, NAN, .5},
        {OV_ENAN, {.dtype = OV_F64, .swapped = true}, NAN, NAN},
        {OV_ENAN, {.dtype = OV_U8, .slope = NAN}, 1, NAN},
        {OV_ENAN, {.dtype = OV_F64, .slope = 1, .intercept = -INFINITY}, INFINITY, 0},
        {OV_EFRACTION, {.dtype = OV_F32}, .5, NAN},
        {OV_OK, {.dtype = OV_F32}, .5, .25},
        {OV_OK, {.dtype = OV_F32}, -0., NAN},
        {OV_EFRACTION, {.dtype = OV_U8, .slope = .5}, 3, NAN},
        {OV_OK, {.dtype = OV_U8, .slope = .5}, 4, NAN},
        {OV_OK, {.dtype = OV_I16, .slope = 0x1p-8, .intercept = 0x1p-9}, 256, NAN},
        {OV_EFRACTION, {.dtype = OV_I16, .slope = 0x1p-8, .intercept = 0x1p-8}, 256, NAN},
        {OV_EFRACTION, {.dtype = OV_F32, .slope = 0x1p-8, .intercept = 0x1p-9}, 256, NAN},
        {OV_ELABEL, {.dtype = OV_F64}, INFINITY, NAN},
        {OV_ELABEL, {.dtype = OV_F32}, -INFINITY, NAN},
        {OV_OK, {.dtype = OV_F64}, INFINITY, 0},
        {OV_OK, {.dtype = OV_F64}, 4294967295, NAN},
        {OV_ELABEL, {.dtype = OV_F64}, 4294967296, NAN},
        {OV_OK, {.dtype = OV_F64}, -2147483648, NAN},
        {OV_ELABEL, {.dtype = OV_F64}, -2147483649, NAN},
        {OV_OK, {.dtype = OV_I64}, 4294967295, NAN},
        {OV_ELABEL, {.dtype = OV_I64}, 4294967296, NAN},
        {OV_ELABEL, {.dtype = OV_I64}, -2147483649, NAN},
        {OV_ELABEL, {.dtype = OV_U64}, 0x1p63, NAN},
        {OV_ELABEL, {.dtype = OV_U64}, 4294967296, NAN},
        {OV_OK, {.dtype = OV_U64}, 4294967295, NAN},
        {OV_OK, {.dtype = OV_U64}, 0x1p63, 1},
        {OV_ELABEL, {.dtype = OV_U64, .slope = 1}, 0x1p63, NAN},
        {OV_OK, {.dtype = OV_U32}, 4294967295, NAN},
        {OV_OK, {.dtype = OV_I32}, -2147483648, NAN},
        {OV_EDTYPE, {.dtype = (enum ov_dtype)OV_N_DTYPES}, 0, NAN},
    };
    (void)state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        if (add_one(cases[i].encoding, cases[i].value, cases[i].threshold) != cases[i].status)
            fail_msg("case %zu", i);
    }
}

static void labels_of_runs_have_the_same_bounds(void **state)
{
    static const struct {
        int64_t label;
        enum ov_status status;
    } cases[] = {{4294967295, OV_OK},
                 {4294967296, OV_ELABEL},
                 {-2147483648, OV_OK},
                 {-2147483649, OV_ELABEL}};
    (void)state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct ov_run run = {cases[i].label, 9};
        struct ov_piece piece = naive_runs(&run, 1, 9);
        struct ov_counter *counter = naive_counter(NULL);
        assert_int_equal(ov_counter_add(counter, &piece, &piece), cases[i].status);
        ov_counter_free(counter);
    }
}

static void zero_and_minus_zero_are_one_label(void **state)
{
    const double p[] = {0., -0., 0.};
    const float r[] = {-0.f, -0.f, 1.f};
    struct ov_piece a = naive_tile(p, OV_F64, 3);
    struct ov_piece b = naive_tile(r, OV_F32, 3);
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    OK(ov_counter_add(counter, &a, &b));
    naive_assert_equal(ov_counter_label(counter, 0), (struct ov_counts){3, 3, 2, 2});
    ov_counter_free(counter);
}

static void an_error_is_found_however_late(void **state)
{
    enum { N = 9001 };
    static float values[N];
    struct ov_piece piece = naive_tile(values, OV_F32, N);
    (void)state;
    for (size_t at = 0; at < N; at += 811) {
        struct ov_counter *counter = naive_counter(NULL);
        memset(values, 0, sizeof values);
        values[at] = NAN;
        FAILS(ov_counter_add(counter, &piece, &piece), OV_ENAN);
        ov_counter_free(counter);
    }
}

static void element_values_are_those_stored(void **state)
{
    static const double numbers[] = {0, 1, 2, 100, 5};
    (void)state;
    for (int dtype = 0; dtype < OV_N_DTYPES; dtype++) {
        for (int swapped = 0; swapped < 2; swapped++) {
            struct ov_encoding encoding = {.dtype = (enum ov_dtype)dtype, .swapped = swapped};
            for (size_t i = 0; i < N_OF(numbers); i++) {
                unsigned char element[8];
                naive_store(element, encoding.dtype, swapped, numbers[i]);
                assert_true(ov_element_value(&encoding, element) == numbers[i]);
                encoding.slope = .25;
                encoding.intercept = -3;
                assert_true(ov_element_value(&encoding, element) == numbers[i] * .25 - 3);
                encoding.slope = 0;
            }
        }
    }
}

/* IEEE 754-2008, table 3.5; 1/3 and the largest number from NumPy's float16. */
static void half_precision_is_exact(void **state)
{
    static const struct {
        enum ov_dtype dtype;
        uint16_t bits;
        double value;
    } cases[] = {{OV_F16, 0x3c00, 1},         {OV_F16, 0x3555, 0.333251953125},
                 {OV_F16, 0x7bff, 65504},     {OV_F16, 1, 0x1p-24},
                 {OV_F16, 0x03ff, 0x3ffp-24}, {OV_F16, 0xc000, -2},
                 {OV_F16, 0xfc00, -INFINITY}, {OV_BF16, 0x3f80, 1},
                 {OV_BF16, 0x4049, 3.140625}, {OV_BF16, 0x0001, 0x1p-133},
                 {OV_BF16, 0xff80, -INFINITY}};
    (void)state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct ov_encoding encoding = {.dtype = cases[i].dtype};
        assert_true(ov_element_value(&encoding, &cases[i].bits) == cases[i].value);
    }
    struct ov_encoding encoding = {.dtype = OV_F16};
    assert_true(isnan(ov_element_value(&encoding, &(uint16_t){0x7e01})));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(element_values_are_those_stored),
        cmocka_unit_test(half_precision_is_exact),
        cmocka_unit_test(thresholds_are_exact_where_doubles_cannot_hold_the_integers),
        cmocka_unit_test(values_that_are_no_labels_are_refused),
        cmocka_unit_test(labels_of_runs_have_the_same_bounds),
        cmocka_unit_test(zero_and_minus_zero_are_one_label),
        cmocka_unit_test(an_error_is_found_however_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
