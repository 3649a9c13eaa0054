/* test_loss_kernels.c - the loops of losses against one-line loops, and each other to the bit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/unit/lib/loss_tables.h"

static void sums_have_the_promised_order_at_every_length(void **state)
{
    uint16_t words[OV__WORDS(MAX)], valid[OV__WORDS(MAX)];
    uint64_t random = 1;
    (void)state;
    for (size_t n = 1; n <= MAX; n++) {
        float *p = (float *)(void *)guard - n;
        for (size_t i = 0; i < n; i++)
            p[i] = uniform(&random);
        random_words(words, n, &random);
        random_words(valid, n, &random);
        double all = lane_sum(p, n, NULL), some = lane_sum(p, n, valid), in = lane_sum(p, n, words);
        EACH_TABLE(kernels)
        {
            double sums[2];
            assert_true(kernels->sums(p, n, words, NULL, NULL, sums));
            assert_memory_equal(&sums[0], &all, sizeof all);
            assert_memory_equal(&sums[1], &in, sizeof in);
            assert_true(kernels->sums(p, n, words, valid, NULL, sums));
            assert_memory_equal(&sums[0], &some, sizeof some);
        }
    }
}

static void one_bad_element_is_suspected_wherever_it_is(void **state)
{
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, 1.0000001F, -1e-45F, 3e38F};
    uint16_t words[OV__WORDS(MAX)] = {0};
    (void)state;
    for (size_t n = 1; n < 100; n += 7) {
        float *p = (float *)(void *)guard - n;
        for (size_t at = 0; at < n; at++) {
            memset(p, 0, n * sizeof *p);
            p[at] = bad[at % N_OF(bad)];
            EACH_TABLE(kernels)
            {
                double sums[2];
                assert_false(kernels->sums(p, n, words, NULL, NULL, sums));
            }
        }
    }
}

static void bits_say_where_a_class_is(void **state)
{
    uint16_t words[OV__WORDS(MAX)];
    uint64_t random = 2;
    (void)state;
    for (size_t n = 1; n <= MAX; n++) {
        uint8_t *labels = guard - n;
        for (size_t i = 0; i < n; i++)
            labels[i] = (uint8_t)(naive_below(&random, 3) * 100);
        EACH_TABLE(kernels)
        {
            kernels->bits(labels, n, 200, words);
            for (size_t i = 0; i < OV__WORDS(n) * OV__LANES; i++)
                assert_int_equal(words[i / OV__LANES] >> i % OV__LANES & 1,
                                 i < n && labels[i] == 200);
            assert_true(kernels->are_below(labels, n, 201));
            labels[n / 2] = 201;
            assert_false(kernels->are_below(labels, n, 201));
            labels[n / 2] = 0;
        }
    }
}

static void gradients_are_two_values_at_every_length_and_place(void **state)
{
    uint16_t words[OV__WORDS(MAX)], valid[OV__WORDS(MAX)];
    const struct ov__two two = {.on = 1.5F, .off = -.25F};
    uint64_t random = 3;
    (void)state;
    for (size_t n = 1; n <= MAX; n++) {
        float *out = (float *)(void *)guard - n;
        random_words(words, n, &random);
        random_words(valid, n, &random);
        EACH_TABLE(kernels)
        {
            for (int has_valid = 0; has_valid < 2; has_valid++) {
                memset(out, 0xff, n * sizeof *out);
                kernels->gradient(out, n, words, has_valid ? valid : NULL, two);
                for (size_t i = 0; i < n; i++) {
                    bool is_on = (words[i / OV__LANES] >> i % OV__LANES & 1) != 0;
                    bool counts = !has_valid || (valid[i / OV__LANES] >> i % OV__LANES & 1) != 0;
                    assert_true(out[i] == (!counts ? 0 : is_on ? two.on : two.off));
                }
            }
        }
    }
}

static void doubles_have_equal_bits(void **state)
{
    static double rows[N_ROWS * STRIDE], z[N_ROWS * STRIDE], other[N_ROWS * STRIDE];
    static double log_sum[STRIDE], slope[STRIDE];
    static double expected[3][N_ROWS * STRIDE], expected_sums[9];
    struct ov__double_rows set = {.rows = rows, .n_rows = N_ROWS, .stride = STRIDE, .n = STRIDE};
    struct ov__double_rows q = {.rows = other, .n_rows = N_ROWS, .stride = STRIDE, .n = STRIDE};
    uint64_t random = 5;
    (void)state;
    for (int i = 0; i < N_ROWS * STRIDE; i++)
        z[i] = 40 * (double)uniform(&random) - 20;
    EACH_TABLE(kernels)
    {
        double sums[9];
        memcpy(rows, z, sizeof z);
        memcpy(other, z, sizeof z);
        kernels->softmax64(&set, log_sum);
        for (size_t i = 0; i < STRIDE; i++) {
            long double sum = 0;
            for (size_t c = 0; c < N_ROWS; c++)
                sum += expl((long double)z[c * STRIDE + i]);
            assert_true(fabsl(log_sum[i] - logl(sum)) <= 1e-14L);
            assert_true(fabsl(rows[i] - expl((long double)z[i]) / sum) <= 1e-15L);
        }
        kernels->softmax_chain64(&q, &set);
        kernels->sums_product(rows, z, STRIDE, sums);
        kernels->sums_squared(rows, z, STRIDE, sums + 3);
        kernels->sums_absolute(rows, z, STRIDE, sums + 6);
        if (i_table == 0) {
            memcpy(expected[0], rows, sizeof rows);
            memcpy(expected[1], other, sizeof rows);
            memcpy(expected_sums, sums, sizeof sums);
        }
        assert_memory_equal(rows, expected[0], sizeof rows);
        assert_memory_equal(other, expected[1], sizeof rows);
        assert_memory_equal(sums, expected_sums, sizeof sums);
        memcpy(other, z, sizeof z);
        kernels->sigmoid64(other, STRIDE, slope);
        if (i_table == 0)
            memcpy(expected[2], other, sizeof other);
        assert_memory_equal(other, expected[2], sizeof other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_have_the_promised_order_at_every_length),
        cmocka_unit_test(one_bad_element_is_suspected_wherever_it_is),
        cmocka_unit_test(bits_say_where_a_class_is),
        cmocka_unit_test(gradients_are_two_values_at_every_length_and_place),
        cmocka_unit_test(doubles_have_equal_bits),
    };
    return cmocka_run_group_tests(tests, map_pages, NULL);
}
