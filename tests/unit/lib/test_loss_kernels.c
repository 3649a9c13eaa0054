/* test_loss_kernels.c - the loops of losses against one-line loops, and each other to the bit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/kernels/loss_kernels.h"
#include "tests/unit/lib/naive.h"

enum { MAX = 700, N_ROWS = 5, STRIDE = 720 };

/* The last byte before an unreadable page. */
static unsigned char *guard;

static int map_pages(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages =
        mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + 4 * page, page, PROT_NONE), 0);
    guard = pages + 4 * page;
    return 0;
}

static const struct ov__loss_kernels *table(size_t i)
{
    static const struct ov__loss_kernels *found[4];
    static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};
    if (i >= N_OF(isas) || ov_isa_select(isas[i]) != OV_OK)
        return NULL;
    found[i] = ov__loss_kernels_selected();
    return found[i];
}

#define EACH_TABLE(kernels)                          \
    for (size_t i_table = 0; i_table < 4; i_table++) \
        for (const struct ov__loss_kernels *kernels = table(i_table); kernels; kernels = NULL)

static float uniform(uint64_t *random)
{
    return (float)(naive_random(random) >> 40) * 0x1p-24F;
}

/* Lanes as the header promises them. */
static double lane_sum(const float *p, size_t n, const uint16_t *words)
{
    double lanes[OV__LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        if (words == NULL || (words[i / OV__LANES] >> i % OV__LANES & 1) != 0)
            lanes[i % OV__LANES] += p[i];
    }
    for (size_t half = OV__LANES / 2; half > 0; half /= 2) {
        for (size_t i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    }
    return lanes[0];
}

static void random_words(uint16_t *words, size_t n, uint64_t *random)
{
    for (size_t i = 0; i < OV__WORDS(n); i++)
        words[i] = (uint16_t)(naive_below(random, 3) == 0 ? 0 : naive_random(random));
    if (n % OV__LANES != 0)
        words[n / OV__LANES] &= (uint16_t)((1u << n % OV__LANES) - 1);
}

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
    float copy[MAX];
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
                assert_int_equal(kernels->copy_finite(copy, p, n), isfinite(p[at]) != 0);
                assert_memory_equal(copy, p, n * sizeof *p);
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

/* The distance in units of the last place of `expected`. */
static double ulps(float value, long double expected)
{
    int exponent;
    frexpl(expected, &exponent);
    return fabs((double)((value - expected) / ldexpl(1, exponent - 24)));
}

static void sigmoid_is_right_to_the_last_places(void **state)
{
    static float z[STRIDE], slope[STRIDE], p[STRIDE], first_p[STRIDE], first_slope[STRIDE];
    (void)state;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < STRIDE; i++)
            z[i] = (float)(round - 100) * .8F + (float)i * .0011F;
        EACH_TABLE(kernels)
        {
            memcpy(p, z, sizeof p);
            kernels->sigmoid(p, STRIDE, slope);
            if (i_table == 0) {
                memcpy(first_p, p, sizeof p);
                memcpy(first_slope, slope, sizeof slope);
            }
            assert_memory_equal(p, first_p, sizeof p);
            assert_memory_equal(slope, first_slope, sizeof slope);
        }
        for (int i = 0; i < STRIDE; i++) {
            long double expected = 1 / (1 + expl(-(long double)z[i]));
            assert_true(ulps(p[i], expected) <= 3);
            assert_true(ulps(slope[i], expected * (1 / (1 + expl((long double)z[i])))) <= 5);
        }
    }
}

static void softmax_sums_to_one_and_has_equal_bits(void **state)
{
    static float rows[N_ROWS * STRIDE], expected[N_ROWS * STRIDE], z[N_ROWS * STRIDE];
    static uint16_t words[N_ROWS * STRIDE / OV__LANES], valid[STRIDE / OV__LANES];
    struct ov__float_rows set = {.rows = rows, .n_rows = N_ROWS, .stride = STRIDE, .n = STRIDE};
    struct ov__float_sink sink = {.rows = rows, .stride_bytes = sizeof(float) * STRIDE};
    struct ov__two two[N_ROWS];
    uint64_t random = 4;
    (void)state;
    for (int i = 0; i < N_ROWS * STRIDE; i++)
        z[i] = 40 * uniform(&random) - 20;
    for (int c = 0; c < N_ROWS; c++) {
        two[c] = (struct ov__two){.on = uniform(&random), .off = uniform(&random)};
        random_words(words + c * STRIDE / OV__LANES, STRIDE, &random);
    }
    random_words(valid, STRIDE, &random);
    EACH_TABLE(kernels)
    {
        memcpy(rows, z, sizeof z);
        kernels->softmax(&set);
        for (size_t i = 0; i < STRIDE; i++) {
            long double sum = 0;
            for (size_t c = 0; c < N_ROWS; c++)
                sum += expl((long double)z[c * STRIDE + i] - z[i]);
            assert_true(fabsl(rows[i] - 1 / sum) <= 0x1p-22L);
        }
        kernels->softmax_gradient(&set, words, valid, two, &sink);
        if (i_table == 0)
            memcpy(expected, rows, sizeof rows);
        assert_memory_equal(rows, expected, sizeof rows);
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
        cmocka_unit_test(sigmoid_is_right_to_the_last_places),
        cmocka_unit_test(softmax_sums_to_one_and_has_equal_bits),
        cmocka_unit_test(doubles_have_equal_bits),
    };
    return cmocka_run_group_tests(tests, map_pages, NULL);
}
