/* test_ratio.c - scores of counts, against the values that other systems give. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/unit/lib/naive.h"

static struct ov_counts counts_of(uint64_t tp, uint64_t fp, uint64_t fn, uint64_t tn)
{
    return (struct ov_counts){
        .voxels = tp + fp + fn + tn, .prediction = tp + fp, .reference = tp + fn, .tp = tp};
}

static double value(enum ov_metric metric, struct ov_counts counts)
{
    return ov_metric_value(metric, &counts, NULL, 1);
}

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not %.17g", a, b);
}

/* To the digits that the source prints. */
struct expected {
    enum ov_metric metric;
    double value;
    double tolerance;
};

static void assert_values(struct ov_counts counts, const struct expected *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_near(value(expected[i].metric, counts), expected[i].value, expected[i].tolerance);
}

static void monai_mean_dice_and_iou(void **state)
{
    /* MONAI tests/metrics/test_compute_meandice.py, test_compute_meaniou.py */
    static const struct expected case1[] = {{OV_DICE, .8, 1e-15}, {OV_IOU, .6667, 5e-5}};
    static const struct expected case2b[] = {{OV_DICE, .6667, 5e-5}, {OV_IOU, .5, 0}};
    (void)state;
    assert_values(counts_of(2, 0, 1, 1), case1, N_OF(case1));
    assert_values(counts_of(1, 0, 1, 2), case2b, N_OF(case2b));
    assert_values(counts_of(1, 1, 0, 2), case2b, N_OF(case2b));
    assert_near(value(OV_DICE, counts_of(1, 1, 1, 1)), .5, 0);
    assert_near(value(OV_IOU, counts_of(1, 1, 1, 1)), .3333, 5e-5);
}

static void metrics_reloaded_figure_2_9(void **state)
{
    /* MetricsReloaded test/test_metrics/test_pairwise_measures.py */
    static const struct expected first[] = {
        {OV_MCC, .70, 5e-3},         {OV_KAPPA, .70, 5e-3},     {OV_BALANCED_ACCURACY, .85, 5e-3},
        {OV_F_BETA, .86, 5e-3},      {OV_PRECISION, .82, 5e-3}, {OV_RECALL, .9, 1e-15},
        {OV_SPECIFICITY, .8, 1e-15}, {OV_ACCURACY, .85, 1e-15}};
    static const struct expected second[] = {{OV_MCC, .56, 5e-3},
                                             {OV_KAPPA, .53, 5e-3},
                                             {OV_F_BETA, .94, 5e-3},
                                             {OV_PRECISION, .98, 5e-3}};
    (void)state;
    assert_values(counts_of(45, 10, 5, 40), first, N_OF(first));
    assert_values(counts_of(81, 2, 9, 8), second, N_OF(second));
}

static void itk_label_overlap_measures(void **state)
{
    /* ITK LabelOverlapMeasuresImageFilter GTest: 1 against 2 voxels of 128^3; then label 2 of the
     * second image. ITK's volume similarity is the signed one. */
    static const struct expected first[] = {
        {OV_IOU, .5, 0}, {OV_DICE, .6667, 5e-5}, {OV_VOLUME_SIMILARITY_SIGNED, -.6667, 5e-5},
        {OV_FNR, .5, 0}, {OV_FPR, 0, 0},         {OV_VOLUME_SIMILARITY, .6667, 5e-5},
    };
    static const struct expected second[] = {{OV_IOU, .6667, 5e-5},
                                             {OV_DICE, .8, 1e-15},
                                             {OV_VOLUME_SIMILARITY_SIGNED, .4, 1e-15},
                                             {OV_FPR, 4.768e-7, 5e-11}};
    (void)state;
    assert_values(counts_of(1, 0, 1, 2097150), first, N_OF(first));
    assert_values(counts_of(2, 1, 0, 2097149), second, N_OF(second));
}

static void deepmind_and_smp_dice_and_jaccard(void **state)
{
    /* DeepMind surface_distance_test.py: half-spaces of 50 and 51 of 100 rows, Dice .990099... */
    (void)state;
    assert_near(value(OV_DICE, counts_of(50, 1, 0, 49)), 100. / 101, 0);
    /* segmentation_models.pytorch tests/test_losses.py */
    assert_near(value(OV_DICE, counts_of(2, 2, 0, 0)), 2. / 3, 0);
    assert_near(value(OV_IOU, counts_of(2, 2, 0, 0)), .5, 0);
}

static void scores_are_the_correctly_rounded_quotients(void **state)
{
    uint64_t random = 5;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t n[4];
        for (int k = 0; k < 4; k++)
            n[k] = naive_below(&random, (uint64_t)1 << (1 + naive_below(&random, 40)));
        struct ov_counts c = counts_of(n[0] + 1, n[1], n[2], n[3]);
        double sum = (double)(c.prediction + c.reference);
        assert_true(value(OV_DICE, c) == (double)(2 * c.tp) / sum);
        assert_true(value(OV_DICE_LOSS, c) == (double)(n[1] + n[2]) / sum);
        assert_true(value(OV_IOU, c) == (double)c.tp / (double)(n[0] + 1 + n[1] + n[2]));
        assert_true(value(OV_PRECISION, c) == (double)c.tp / (double)c.prediction);
        assert_near(value(OV_DICE, c) + value(OV_DICE_LOSS, c), 1, 1e-15);
        assert_near(value(OV_IOU, c) + value(OV_IOU_LOSS, c), 1, 1e-15);
        assert_near(value(OV_F_BETA, c), value(OV_DICE, c), 0);
        assert_near(value(OV_IOU, c), value(OV_DICE, c) / (2 - value(OV_DICE, c)), 1e-15);
    }
}

static void mcc_and_kappa_follow_their_textbook_form(void **state)
{
    uint64_t random = 6;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        double tp = (double)naive_below(&random, 1000) + 1;
        double fp = (double)naive_below(&random, 1000);
        double fn = (double)naive_below(&random, 1000);
        double tn = (double)naive_below(&random, 1000) + 1;
        double n = tp + fp + fn + tn;
        double po = (tp + tn) / n;
        double pe = ((tp + fp) * (tp + fn) + (tn + fn) * (tn + fp)) / (n * n);
        double root = sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
        struct ov_counts c = counts_of((uint64_t)tp, (uint64_t)fp, (uint64_t)fn, (uint64_t)tn);
        assert_near(value(OV_MCC, c), (tp * tn - fp * fn) / root, 1e-13);
        assert_near(value(OV_KAPPA, c), (po - pe) / (1 - pe), 1e-12);
    }
}

static void the_largest_counts_do_not_overflow(void **state)
{
    const uint64_t half = (uint64_t)1 << 62;
    (void)state;
    for (int metric = 0; metric < OV_N_METRICS; metric++) {
        struct ov_counts perfect = counts_of(half, 0, 0, half - 1);
        struct ov_counts wrong = counts_of(0, half, half - 1, 0);
        bool is_best_at_0 = metric == OV_DICE_LOSS || metric == OV_IOU_LOSS || metric == OV_FPR ||
                            metric == OV_FNR || metric == OV_VOLUME_SIMILARITY_SIGNED;
        assert_near(value((enum ov_metric)metric, perfect), is_best_at_0 ? 0 : 1, 0);
        assert_true(fabs(value((enum ov_metric)metric, wrong)) <= 1);
    }
    assert_near(value(OV_MCC, counts_of(0, half, half, 0)), -1, 0);
    assert_near(value(OV_KAPPA, counts_of(0, half, half, 0)), -1, 0);
}

static void every_value_is_within_the_bounds_of_its_metric(void **state)
{
    static const double bounds[][2] = {
#define BOUNDS(symbol, name, low, high, policy) {low, high},
        OV_METRIC_MAP(BOUNDS)
#undef BOUNDS
    };
    (void)state;
    for (uint64_t code = 0; code < 10000; code++) {
        struct ov_counts c =
            counts_of(code % 10, code / 10 % 10, code / 100 % 10, code / 1000 % 10);
        for (int metric = 0; metric < OV_N_METRICS; metric++) {
            double x = value((enum ov_metric)metric, c);
            assert_true(isnan(x) || (x >= bounds[metric][0] && x <= bounds[metric][1]));
        }
    }
}

static void f_beta_weighs_recall(void **state)
{
    struct ov_counts c = counts_of(6, 2, 4, 0);
    (void)state;
    /* (1+b^2) P R / (b^2 P + R) with P = .75, R = .6 */
    assert_near(ov_metric_value(OV_F_BETA, &c, NULL, 2), 5 * .75 * .6 / (4 * .75 + .6), 1e-15);
    assert_near(ov_metric_value(OV_F_BETA, &c, NULL, .5), 1.25 * .45 / (.25 * .75 + .6), 1e-15);
    assert_true(isnan(ov_metric_value(OV_F_BETA, &c, NULL, 0)));
    assert_true(isnan(ov_metric_value(OV_F_BETA, &c, NULL, -1)));
    assert_true(isnan(ov_metric_value(OV_F_BETA, &c, NULL, NAN)));
}

static void states_tell_what_is_empty(void **state)
{
    static const struct {
        enum ov_state state;
        const char *name;
        struct ov_counts counts;
    } cases[] = {{OV_STATE_OK, "ok", {9, 1, 1, 0}},
                 {OV_STATE_BOTH_EMPTY, "both_empty", {9, 0, 0, 0}},
                 {OV_STATE_REFERENCE_EMPTY, "reference_empty", {9, 1, 0, 0}},
                 {OV_STATE_PREDICTION_EMPTY, "prediction_empty", {9, 0, 1, 0}}};
    (void)state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        assert_int_equal(ov_state(&cases[i].counts), cases[i].state);
        assert_string_equal(ov_state_name(cases[i].state), cases[i].name);
    }
    assert_null(ov_state_name((enum ov_state)4));
}

static void the_default_policy_is_nothing_for_both_empty_and_zero_for_one(void **state)
{
    struct ov_counts both = {9, 0, 0, 0};
    struct ov_counts reference = {9, 1, 0, 0};
    struct ov_counts prediction = {9, 0, 1, 0};
    (void)state;
    for (int metric = OV_DICE; metric <= OV_F_BETA; metric++) {
        bool is_loss = metric == OV_DICE_LOSS || metric == OV_IOU_LOSS;
        assert_true(isnan(value((enum ov_metric)metric, both)));
        assert_near(value((enum ov_metric)metric, reference), is_loss, 0);
        assert_near(value((enum ov_metric)metric, prediction), is_loss, 0);
    }
}

static void a_policy_decides_the_overlap_metrics_alone(void **state)
{
    /* MONAI with ignore_empty=False: both empty 1, reference empty 0. */
    const struct ov_empty_policy monai = {1, 0, 0};
    const struct ov_empty_policy odd = {.25, .5, .75};
    struct ov_counts both = {9, 0, 0, 0};
    struct ov_counts reference = {9, 1, 0, 0};
    struct ov_counts prediction = {9, 0, 1, 0};
    (void)state;
    assert_near(ov_metric_value(OV_DICE, &both, &monai, 1), 1, 0);
    assert_near(ov_metric_value(OV_DICE_LOSS, &both, &monai, 1), 0, 0);
    assert_near(ov_metric_value(OV_DICE, &reference, &monai, 1), 0, 0);
    assert_near(ov_metric_value(OV_IOU, &both, &odd, 1), .25, 0);
    assert_near(ov_metric_value(OV_IOU, &reference, &odd, 1), .5, 0);
    assert_near(ov_metric_value(OV_F_BETA, &prediction, &odd, 1), .75, 0);
    assert_near(ov_metric_value(OV_IOU_LOSS, &prediction, &odd, 1), .25, 0);
    assert_true(isnan(ov_metric_value(OV_RECALL, &reference, &odd, 1)));
    assert_near(ov_metric_value(OV_PRECISION, &reference, &odd, 1), 0, 0);
}

static void nothing_over_nothing_is_nan(void **state)
{
    struct ov_counts none = {0};
    struct ov_counts full = {9, 9, 9, 9};
    (void)state;
    for (int metric = 0; metric < OV_N_METRICS; metric++)
        assert_true(isnan(value((enum ov_metric)metric, none)));
    assert_true(isnan(value(OV_SPECIFICITY, full)));
    assert_true(isnan(value(OV_BALANCED_ACCURACY, full)));
    assert_true(isnan(value(OV_MCC, full)));
    assert_true(isnan(value(OV_KAPPA, full)));
    assert_true(isnan(value(OV_N_METRICS, full)));
}

static void metrics_are_found_by_name(void **state)
{
    enum ov_metric metric;
    (void)state;
    for (int i = 0; i < OV_N_METRICS; i++) {
        OK(ov_metric_find(ov_metric_name((enum ov_metric)i), &metric));
        assert_int_equal(metric, i);
    }
    FAILS(ov_metric_find("dise", &metric), OV_EINVAL);
    FAILS(ov_metric_find(NULL, &metric), OV_EINVAL);
    assert_int_equal(metric, OV_N_METRICS - 1);
    assert_null(ov_metric_name((enum ov_metric)OV_N_METRICS));
}

static void trivial_is_the_score_of_an_all_foreground_prediction(void **state)
{
    struct ov_counts c = counts_of(10, 5, 20, 65);
    struct ov_counts all = ov_trivial(&c);
    (void)state;
    naive_assert_equal(all, counts_of(30, 70, 0, 0));
    assert_near(value(OV_DICE, all), 60. / 130, 0);
}

static void sums_add_each_count(void **state)
{
    (void)state;
    naive_assert_equal(ov_counts_sum(counts_of(1, 2, 3, 4), counts_of(10, 20, 30, 40)),
                       counts_of(11, 22, 33, 44));
}

/* Counts of a class by sizes alone, in a mask large enough. */
static struct ov_counts sizes(uint64_t prediction, uint64_t reference, uint64_t tp)
{
    return (struct ov_counts){1000, prediction, reference, tp};
}

static void generalised_dice_agrees_with_monai(void **state)
{
    /* MONAI tests/metrics/test_compute_generalized_dice.py, case 1: .8 for one class */
    const struct ov_counts one[] = {sizes(2, 3, 2)};
    /* worked by hand from Sudre et al. 2017: weights 1/16 and 1/4 */
    const struct ov_counts two[] = {sizes(3, 4, 2), sizes(5, 2, 1)};
    (void)state;
    assert_near(ov_generalised_dice(one, 1, OV_WEIGHT_SQUARE), .8, 1e-15);
    assert_near(ov_generalised_dice(two, 2, OV_WEIGHT_SQUARE),
                (4. / 16 + 2. / 4) / (7. / 16 + 7. / 4), 1e-15);
    assert_near(ov_generalised_dice(two, 2, OV_WEIGHT_SIMPLE),
                (4. / 4 + 2. / 2) / (7. / 4 + 7. / 2), 1e-15);
    assert_near(ov_generalised_dice(two, 2, OV_WEIGHT_UNIFORM), 6. / 14, 1e-15);
}

static void generalised_dice_gives_an_empty_reference_the_largest_weight(void **state)
{
    const struct ov_counts classes[] = {sizes(3, 4, 2), sizes(5, 2, 1), sizes(6, 0, 0)};
    const struct ov_counts alone[] = {sizes(6, 0, 0), sizes(0, 0, 0)};
    const struct ov_counts empty[] = {sizes(0, 0, 0), sizes(0, 0, 0)};
    (void)state;
    assert_near(ov_generalised_dice(classes, 3, OV_WEIGHT_SQUARE),
                (4. / 16 + 2. / 4) / (7. / 16 + 7. / 4 + 6. / 4), 1e-15);
    assert_near(ov_generalised_dice(alone, 2, OV_WEIGHT_SQUARE), 0, 0);
    assert_true(isnan(ov_generalised_dice(empty, 2, OV_WEIGHT_SQUARE)));
    assert_true(isnan(ov_generalised_dice(empty, 0, OV_WEIGHT_SQUARE)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monai_mean_dice_and_iou),
        cmocka_unit_test(metrics_reloaded_figure_2_9),
        cmocka_unit_test(itk_label_overlap_measures),
        cmocka_unit_test(deepmind_and_smp_dice_and_jaccard),
        cmocka_unit_test(scores_are_the_correctly_rounded_quotients),
        cmocka_unit_test(mcc_and_kappa_follow_their_textbook_form),
        cmocka_unit_test(the_largest_counts_do_not_overflow),
        cmocka_unit_test(every_value_is_within_the_bounds_of_its_metric),
        cmocka_unit_test(f_beta_weighs_recall),
        cmocka_unit_test(states_tell_what_is_empty),
        cmocka_unit_test(the_default_policy_is_nothing_for_both_empty_and_zero_for_one),
        cmocka_unit_test(a_policy_decides_the_overlap_metrics_alone),
        cmocka_unit_test(nothing_over_nothing_is_nan),
        cmocka_unit_test(metrics_are_found_by_name),
        cmocka_unit_test(trivial_is_the_score_of_an_all_foreground_prediction),
        cmocka_unit_test(sums_add_each_count),
        cmocka_unit_test(generalised_dice_agrees_with_monai),
        cmocka_unit_test(generalised_dice_gives_an_empty_reference_the_largest_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
