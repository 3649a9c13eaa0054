/* test_summary.c - statistics of many values, against SciPy 1.17.1 and NumPy 2.4.6. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "lib/overlap.h"

static void assert_near(double value, double wanted)
{
    if (!(fabs(value - wanted) <= 1e-13 * fmax(1, fabs(wanted))))
        fail_msg("%.17g is not %.17g", value, wanted);
}

/* scipy.stats.wilcoxon(differences), all arguments left alone. */
static const struct {
    double differences[14];
    size_t n;
    double statistic;
    double p;
    bool exact;
} tests_of_ranks[] = {
    {{0.5}, 1, 0, 1, true},
    {{0.5, -0.25}, 2, 1, 1, true},
    {{0.1, 0.2, -0.3, 0.4, 0.55}, 5, 3, 0.3125, true},
    {{1, 1, -2, 3, -3, 4, 2}, 7, 9, 0.46875, true},
    {{0, 1, -2, 3, 0, 5}, 6, 2, 0.375, true},
    {{8, -1, 2, 5, -3, 7, 4, 6}, 8, 4, 0.0546875, true},
    {{-6, 14, -8, 23, 4, -3, 17, 21, -10, 30, 12, 11}, 12, 13, 0.04248046875, true},
    {{1, 2, 2, -1, 3, 3, -4, 5, 5, -2, 1, 6, 6}, 13, 16, 0.03564453125, true},
    {{1, 2, 2, -1, 3, 3, -4, 5, 5, -2, 1, 6, 6, 7}, 14, 16, 0.021585989447827084, false},
    {{0, 2, 4, -1, 3, 8, -5, 6, 7, -9, 10, 11, 12, 13}, 14, 15, 0.033046943652601253, false},
};

static void the_signed_rank_test_is_that_of_scipy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(tests_of_ranks) / sizeof(tests_of_ranks[0]); i++) {
        struct ov_wilcoxon result;

        assert_int_equal(ov_wilcoxon(tests_of_ranks[i].differences, tests_of_ranks[i].n, &result),
                         OV_OK);
        assert_near(result.statistic, tests_of_ranks[i].statistic);
        assert_near(result.p, tests_of_ranks[i].p);
        assert_int_equal(result.exact, tests_of_ranks[i].exact);
    }
}

static void fifty_differences_are_counted_out_and_one_more_is_not(void **state)
{
    double differences[51];
    struct ov_wilcoxon result;

    (void)state;
    for (int i = 0; i < 51; i++)
        differences[i] = (i % 3 != 0 ? 1 : -1) * (i * 7 % 53 + 1);
    assert_int_equal(ov_wilcoxon(differences, 50, &result), OV_OK);
    assert_true(result.exact);
    assert_near(result.statistic, 473);
    assert_near(result.p, 0.11393994202132163);
    assert_int_equal(ov_wilcoxon(differences, 51, &result), OV_OK);
    assert_false(result.exact);
    assert_near(result.statistic, 479);
    assert_near(result.p, 0.084578322916610535);
}

static void without_a_difference_there_is_no_p(void **state)
{
    static const double zeros[60] = {0};
    struct ov_wilcoxon result;

    (void)state;
    for (size_t n = 0; n <= 60; n += 30) {
        assert_int_equal(ov_wilcoxon(zeros, n, &result), OV_OK);
        assert_true(isnan(result.p) && result.n == 0);
    }
}

static void mean_deviation_and_quantiles_are_those_of_numpy(void **state)
{
    static const double points[][2] = {
        {0, -3},     {0.025, -2.4375}, {0.05, -1.875},   {0.25, 0.15625},
        {0.5, 1.75}, {0.75, 3.5},      {0.975, 7.94375}, {1, 8}};
    double values[] = {0.25, 1.5, -3, 8, 0.125, 2, 2, 7.75, -0.5, 4};

    (void)state;
    assert_near(ov_mean(values, 10), 2.2125);
    assert_near(ov_deviation(values, 10), 3.5069623211865593);
    ov_sort(values, 10);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        assert_near(ov_quantile(values, 10, points[i][0]), points[i][1]);
}

static void too_few_values_give_nan(void **state)
{
    static const double one = 3;

    (void)state;
    assert_true(isnan(ov_mean(&one, 0)) && isnan(ov_deviation(&one, 1)));
    assert_true(isnan(ov_quantile(&one, 0, 0.5)));
    assert_true(isnan(ov_quantile(&one, 1, -0.1)) && isnan(ov_quantile(&one, 1, 1.1)));
    assert_true(isnan(ov_quantile(&one, 1, NAN)));
    assert_true(ov_mean(&one, 1) == 3 && ov_quantile(&one, 1, 0.3) == 3);
}

static void a_mean_does_not_lose_what_large_values_hide(void **state)
{
    static const double values[] = {1e16, 1, -1e16};

    (void)state;
    assert_true(ov_mean(values, 3) == 1.0 / 3);
}

/* The first numbers of SplitMix64 from seed 0 are published: e220a8397b1dcdaf, 6e789e6aa1b965f4,
 * ... */
static void rows_are_drawn_as_documented(void **state)
{
    static const double rows[] = {1, 10, 100, 1000, 10000};
    double sums[2];

    (void)state;
    assert_int_equal(ov_resample(rows, 5, 1, 0, 2, sums), OV_OK);
    assert_true(sums[0] == 10000 + 100 + 1 + 10000 + 1); /* 4 2 0 4 0 */
    assert_true(sums[1] == 10 + 1 + 1000 + 10 + 10000);  /* 1 0 3 1 4 */
}

static void every_column_is_summed_over_the_same_rows(void **state)
{
    enum { ROWS = 7, MOST = 19, RESAMPLES = 5 };
    double rows[ROWS * MOST];
    double sums[RESAMPLES * MOST];

    (void)state;
    for (size_t n = 1; n <= MOST; n++) {
        for (size_t i = 0; i < ROWS * n; i++)
            rows[i] = (double)(i / n) * (double)(1 + i % n);
        assert_int_equal(ov_resample(rows, ROWS, n, 99, RESAMPLES, sums), OV_OK);
        for (size_t i = 0; i < RESAMPLES * n; i++)
            assert_true(sums[i] == sums[i / n * n] * (double)(1 + i % n));
    }
}

static void what_cannot_be_drawn_is_refused(void **state)
{
    double sums = -1;

    (void)state;
    assert_int_equal(ov_resample(&sums, 0, 1, 0, 1, &sums), OV_EINVAL);
    assert_int_equal(ov_resample(&sums, 1, 0, 0, 1, &sums), OV_EINVAL);
    assert_int_equal(ov_resample(&sums, UINT64_C(1) << 33, 1, 0, 1, &sums), OV_EINVAL);
    assert_true(sums == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signed_rank_test_is_that_of_scipy),
        cmocka_unit_test(fifty_differences_are_counted_out_and_one_more_is_not),
        cmocka_unit_test(without_a_difference_there_is_no_p),
        cmocka_unit_test(mean_deviation_and_quantiles_are_those_of_numpy),
        cmocka_unit_test(too_few_values_give_nan),
        cmocka_unit_test(a_mean_does_not_lose_what_large_values_hide),
        cmocka_unit_test(rows_are_drawn_as_documented),
        cmocka_unit_test(every_column_is_summed_over_the_same_rows),
        cmocka_unit_test(what_cannot_be_drawn_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
