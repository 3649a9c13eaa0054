/* test_loss_logits.c - the loops from logits to sums and gradients, against long double. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/unit/lib/loss_tables.h"

/* The distance in units of the last place of `expected`. */
static double ulps(float value, long double expected)
{
    int exponent;
    frexpl(expected, &exponent);
    return fabs((double)((value - expected) / ldexpl(1, exponent - 24)));
}

static void one_logit_that_is_not_finite_is_found_wherever_it_is(void **state)
{
    enum { N = 3 * OV__LANES };
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, 3e38F, -3e38F, 0};
    const uint16_t words[N / OV__LANES] = {0};
    float exps[2 * N], inverse[N];
    float *z = (float *)(void *)guard - 2 * N;
    struct ov__softmax set = {.logits = z, .logits_stride_bytes = sizeof(float) * N, .n_rows = 2};
    (void)state;
    set.n = set.stride = N;
    set.exps = exps;
    set.inverse = inverse;
    for (size_t at = 0; at < 2 * N; at++) {
        memset(z, 0, 2 * N * sizeof *z);
        z[at] = bad[at % N_OF(bad)];
        EACH_TABLE(kernels)
        {
            double lanes[2 * OV__LANES] = {0};
            bool is_found = !kernels->sigmoid_sums(z, N, words, NULL, lanes) ||
                            !kernels->sigmoid_sums(z + N, N, words, NULL, lanes);
            assert_int_equal(is_found, !isfinite(z[at]));
            assert_int_equal(kernels->softmax(&set), isfinite(z[at]) != 0);
        }
    }
}

/* One lane each: the sums are the probabilities themselves. */
static void sigmoid_is_right_to_the_last_places(void **state)
{
    const uint16_t none = 0;
    static const uint32_t classes[OV__LANES] = {7};
    const struct ov__target target = {.classes = classes, .class = 7};
    float z[OV__LANES], slope[OV__LANES], first_slope[OV__LANES];
    double p[2 * OV__LANES], first_p[2 * OV__LANES];
    (void)state;
    for (int round = 0; round < 9000; round++) {
        for (int i = 0; i < OV__LANES; i++)
            z[i] = (float)(round - 4500) * .018F + (float)i * .0011F;
        EACH_TABLE(kernels)
        {
            memset(p, 0, sizeof p);
            assert_true(kernels->sigmoid_sums(z, OV__LANES, &none, NULL, p));
            kernels->sigmoid_gradient(z, OV__LANES, &target, (struct ov__two){2, 1}, slope);
            if (i_table == 0) {
                memcpy(first_p, p, sizeof p);
                memcpy(first_slope, slope, sizeof slope);
            }
            assert_memory_equal(p, first_p, sizeof p);
            assert_memory_equal(slope, first_slope, sizeof slope);
        }
        for (int i = 0; i < OV__LANES; i++) {
            long double expected = 1 / (1 + expl(-(long double)z[i]));
            long double by = expected * (1 / (1 + expl((long double)z[i]))) * (i == 0 ? 2 : 1);
            assert_true(ulps((float)p[i], expected) <= 3);
            assert_true(ulps(slope[i], by) <= 5);
        }
    }
}

static void sigmoid_sums_have_the_promised_order_and_leave_out_what_does_not_count(void **state)
{
    static float z[STRIDE], p[STRIDE];
    static uint16_t words[STRIDE / OV__LANES], valid[STRIDE / OV__LANES];
    const uint16_t none = 0;
    uint64_t random = 6;
    (void)state;
    for (size_t n = 1; n <= STRIDE; n += n < 40 ? 1 : 97) {
        random_words(words, n, &random);
        random_words(valid, n, &random);
        for (size_t i = 0; i < STRIDE; i++)
            z[i] = 8 * uniform(&random) - 4;
        EACH_TABLE(kernels)
        {
            double sums[2 * OV__LANES] = {0}, in_valid[2 * OV__LANES] = {0};
            for (size_t i = 0; i < n; i += OV__LANES) {
                double one[2 * OV__LANES] = {0};
                kernels->sigmoid_sums(z + i, OV__LANES, &none, NULL, one);
                for (size_t k = 0; k < OV__LANES; k++)
                    p[i + k] = (float)one[k];
            }
            kernels->sigmoid_sums(z, n, words, NULL, sums);
            kernels->sigmoid_sums(z, n, words, valid, in_valid);
            assert_true(total(sums) == lane_sum(p, n, NULL));
            assert_true(total(sums + OV__LANES) == lane_sum(p, n, words));
            assert_true(total(in_valid) == lane_sum(p, n, valid));
        }
    }
}

/* Five rows of logits, and what softmax makes of them. */
static struct {
    float z[N_ROWS * STRIDE], exps[N_ROWS * STRIDE], inverse[STRIDE], dot[STRIDE];
    uint32_t classes[STRIDE];
    struct ov__two two[N_ROWS];
} soft;

static struct ov__softmax make_softmax(bool has_gradient)
{
    uint64_t random = 4;
    for (int i = 0; i < N_ROWS * STRIDE; i++)
        soft.z[i] = 40 * uniform(&random) - 20;
    for (int i = 0; i < STRIDE; i++)
        soft.classes[i] = (uint32_t)naive_below(&random, N_ROWS + 1) - 1;
    for (int c = 0; c < N_ROWS; c++)
        soft.two[c] = (struct ov__two){.on = uniform(&random), .off = uniform(&random)};
    return (struct ov__softmax){.logits = soft.z,
                                .logits_stride_bytes = sizeof(float) * STRIDE,
                                .n_rows = N_ROWS,
                                .n = STRIDE,
                                .ahead = soft.z,
                                .exps = soft.exps,
                                .stride = STRIDE,
                                .inverse = soft.inverse,
                                .two = has_gradient ? soft.two : NULL,
                                .classes = soft.classes,
                                .dot = soft.dot};
}

/* Straight from the definition. */
static long double probability(size_t c, size_t i)
{
    long double sum = 0;
    for (size_t k = 0; k < N_ROWS; k++)
        sum += expl((long double)soft.z[k * STRIDE + i] - soft.z[c * STRIDE + i]);
    return 1 / sum;
}

static void softmax_is_right_and_its_sums_have_the_promised_order(void **state)
{
    static float p[STRIDE], expected[STRIDE];
    static uint16_t words[STRIDE / OV__LANES], valid[STRIDE / OV__LANES];
    const struct ov__softmax set = make_softmax(false);
    uint64_t random = 8;
    (void)state;
    EACH_TABLE(kernels)
    {
        assert_true(kernels->softmax(&set));
        for (size_t i = 0; i < STRIDE; i++) {
            p[i] = soft.exps[2 * STRIDE + i] * soft.inverse[i];
            assert_true(fabsl(p[i] - probability(2, i)) <= 0x1p-22L);
        }
        if (i_table == 0)
            memcpy(expected, p, sizeof p);
        assert_memory_equal(p, expected, sizeof p);
        for (size_t n = 1; n <= STRIDE; n += n < 40 ? 1 : 97) {
            double sums[2 * OV__LANES] = {0}, in_valid[2 * OV__LANES] = {0};
            random_words(words, n, &random);
            random_words(valid, n, &random);
            kernels->softmax_sums(soft.exps + 2 * STRIDE, soft.inverse, n, words, NULL, sums);
            kernels->softmax_sums(soft.exps + 2 * STRIDE, soft.inverse, n, words, valid, in_valid);
            assert_true(total(sums) == lane_sum(p, n, NULL));
            assert_true(total(sums + OV__LANES) == lane_sum(p, n, words));
            assert_true(total(in_valid) == lane_sum(p, n, valid));
        }
    }
}

static long double chained(size_t c, size_t i)
{
    long double dot = 0;
    if (soft.classes[i] == (uint32_t)-1)
        return 0;
    for (size_t k = 0; k < N_ROWS; k++)
        dot += probability(k, i) * (soft.classes[i] == k ? soft.two[k].on : soft.two[k].off);
    return probability(c, i) * ((soft.classes[i] == c ? soft.two[c].on : soft.two[c].off) - dot);
}

static void softmax_gradients_follow_the_formula_with_equal_bits(void **state)
{
    static float expected[STRIDE];
    const struct ov__softmax set = make_softmax(true);
    float *gradient = (float *)(void *)guard - STRIDE; /* aligned */
    (void)state;
    EACH_TABLE(kernels)
    {
        assert_true(kernels->softmax(&set));
        for (size_t c = 0; c < N_ROWS; c++) {
            kernels->softmax_gradient(&set, c, true, gradient);
            kernels->fence();
            for (size_t i = 0; i < STRIDE; i++)
                assert_true(fabsl(gradient[i] - chained(c, i)) <= 0x1p-22L);
        }
        if (i_table == 0)
            memcpy(expected, gradient, sizeof expected);
        assert_memory_equal(gradient, expected, sizeof expected);
        for (size_t shift = 0; shift < 2; shift++) { /* past the cache, and not */
            kernels->softmax_gradient(&set, N_ROWS - 1, false, gradient - shift);
            kernels->fence();
            for (size_t i = 0; i < STRIDE; i++)
                assert_true(soft.classes[i] == (uint32_t)-1 || gradient[i - shift] == expected[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_logit_that_is_not_finite_is_found_wherever_it_is),
        cmocka_unit_test(sigmoid_is_right_to_the_last_places),
        cmocka_unit_test(sigmoid_sums_have_the_promised_order_and_leave_out_what_does_not_count),
        cmocka_unit_test(softmax_is_right_and_its_sums_have_the_promised_order),
        cmocka_unit_test(softmax_gradients_follow_the_formula_with_equal_bits),
    };
    return cmocka_run_group_tests(tests, map_pages, NULL);
}
