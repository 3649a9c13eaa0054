/* test_loss_vectors.c - losses and gradients against values that others print. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "lib/overlap_loss.h"
#include "tests/unit/lib/naive.h"

static void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance))
        fail_msg("%.17g is not %.17g", a, b);
}

/* One channel, four voxels in a square: MONAI tests/losses/test_dice_loss.py and its neighbours. */
static double logits[] = {1, -1, -1, 1};
static uint8_t labels[] = {1, 0, 1, 1};

static struct ov_tensor tensor(void *data, enum ov_tensor_dtype dtype, int ndim,
                               const uint64_t *shape)
{
    struct ov_tensor view;
    OK(ov_tensor_view(data, dtype, ndim, shape, &view));
    return view;
}

/* The loss and its gradient by the logits. */
static double square(struct ov_loss_options options, double *ret_gradient)
{
    const uint64_t shape[] = {1, 1, 2, 2};
    struct ov_tensor p = tensor(logits, OV_TENSOR_F64, 4, shape);
    struct ov_tensor t = tensor(labels, OV_TENSOR_U8, 4, shape);
    struct ov_tensor gradient = tensor(ret_gradient, OV_TENSOR_F64, 4, shape);
    double value = NAN;
    options.activation = OV_ACTIVATION_SIGMOID;
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL}, &options, NULL, &gradient,
                                &value, NULL));
    return value;
}

struct vector {
    enum ov_loss loss;
    double alpha;
    double gamma;
    double value;
    double by_p[4];
};

/* Values and slopes by p that finite differences confirmed, to nine digits. */
static const struct vector vectors[] = {
    {OV_LOSS_DICE, .5, 1, .307575953, {-.261514668, .138484532, -.261514668, -.261514668}},
    {OV_LOSS_SQUARED_DICE, .5, 1, .178337251, {-.189538625, .104889466, -.369768288, -.189538625}},
    {OV_LOSS_IOU, .5, 1, .470451421, {-.305908492, .161993407, -.305908492, -.305908492}},
    {OV_LOSS_TVERSKY, .3, 1, .358865864, {-.299132136, .071236862, -.299132136, -.299132136}},
    {OV_LOSS_FOCAL_TVERSKY,
     .3,
     .75,
     .463659446,
     {-.289862009, .069029227, -.289862009, -.289862009}},
    {OV_LOSS_LOG_COSH_DICE, .5, 1, .046573964, {-.077991584, .041300276, -.077991584, -.077991584}},
};

static void values_and_slopes_are_those_of_the_formulae(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(vectors); i++) {
        struct ov_loss_options options = ov_loss_options_default();
        double gradient[4];
        options.loss = vectors[i].loss;
        options.alpha = vectors[i].alpha;
        options.beta = 1 - vectors[i].alpha;
        options.gamma = vectors[i].gamma;
        assert_near(square(options, gradient), vectors[i].value, 1e-9);
        for (size_t k = 0; k < 4; k++) {
            double p = 1 / (1 + exp(-logits[k]));
            assert_near(gradient[k], vectors[i].by_p[k] * p * (1 - p), 1e-9);
        }
    }
}

static void dice_by_the_logits(void **state)
{
    static const double expected[] = {-.051416904, .027227712, -.051416904, -.051416904};
    double gradient[4];
    (void)state;
    square(ov_loss_options_default(), gradient);
    for (size_t k = 0; k < 4; k++)
        assert_near(gradient[k], expected[k], 1e-9);
}

static void monai_smoothing_of_iou(void **state)
{
    struct ov_loss_options options = ov_loss_options_default();
    double gradient[4];
    (void)state;
    options.loss = OV_LOSS_IOU_MONAI;
    assert_near(square(options, gradient), .470452141, 1e-9);
}

static void lovasz_of_tied_errors(void **state)
{
    struct ov_loss_options options = ov_loss_options_default();
    double gradient[4];
    (void)state;
    options.loss = OV_LOSS_LOVASZ;
    assert_near(square(options, gradient), .422980474, 1e-9);
    /* errors .731 at 1; .269 at 0, 1, 3 in the order of their indices */
    static const double by_p[] = {-1. / 3, 1. / 12, -1. / 3, -1. / 4};
    double exact[] = {.75, .25, .25, .75};
    const uint64_t shape[] = {1, 1, 4};
    struct ov_tensor p = tensor(exact, OV_TENSOR_F64, 3, shape);
    struct ov_tensor t = tensor(labels, OV_TENSOR_U8, 3, shape);
    struct ov_tensor by = tensor(gradient, OV_TENSOR_F64, 3, shape);
    double value;
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL}, &options, NULL, &by, &value,
                                NULL));
    for (size_t k = 0; k < 4; k++)
        assert_near(gradient[k], by_p[k], 1e-15);
}

static void monai_prints_six_digits(void **state)
{
    /* MONAI tests/losses/test_tversky_loss.py, test_dice_loss.py, test_generalized_dice_loss.py */
    static const struct {
        enum ov_loss loss;
        double alpha;
        double value;
        double tolerance;
    } cases[] = {
        {OV_LOSS_DICE, .5, .307576, 1e-6},
        {OV_LOSS_SQUARED_DICE, .5, .178337, 1e-6},
        {OV_LOSS_TVERSKY, .3, .3589, 5e-5},
        {OV_LOSS_TVERSKY, .7, .247366, 5e-7},
        {OV_LOSS_GENERALISED_DICE, .5, .307576, 5e-7},
    };
    double gradient[4];
    (void)state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct ov_loss_options options = ov_loss_options_default();
        options.loss = cases[i].loss;
        options.alpha = cases[i].alpha;
        options.beta = 1 - cases[i].alpha;
        options.smooth_numerator = options.smooth_denominator = 1e-6;
        assert_near(square(options, gradient), cases[i].value, cases[i].tolerance);
    }
}

/* Softmax over two classes, three voxels; one sample or two: MONAI tests/losses/. */
static double two_classes(struct ov_loss_options options, enum ov_activation activation,
                          uint64_t n_samples, double *ret_values, double *ret_gradient)
{
    static double z[] = {-1, 0, 1, 1, 0, -1, 0, 0, 0, 0, 0, 0};
    static int64_t classes[] = {1, 0, 0, 1, 1, 0};
    const uint64_t shape[] = {n_samples, 2, 3};
    const uint64_t label_shape[] = {n_samples, 1, 3};
    struct ov_tensor p = tensor(z, OV_TENSOR_F64, 3, shape);
    struct ov_tensor t = tensor(classes, OV_TENSOR_I64, 3, label_shape);
    struct ov_tensor gradient = tensor(ret_gradient, OV_TENSOR_F64, 3, shape);
    options.activation = activation;
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL}, &options, NULL, &gradient,
                                ret_values, NULL));
    return ret_values[0];
}

static struct ov_loss_options smoothed(enum ov_loss loss, double smoothing)
{
    struct ov_loss_options options = ov_loss_options_default();
    options.loss = loss;
    options.smooth_numerator = options.smooth_denominator = smoothing;
    return options;
}

static void generalised_dice_with_its_gradient(void **state)
{
    static const double row[] = {.0452658781, -.0773972136, -.0325048448};
    double value, gradient[6];
    (void)state;
    two_classes(smoothed(OV_LOSS_GENERALISED_DICE, 1e-4), OV_ACTIVATION_SOFTMAX, 1, &value,
                gradient);
    assert_near(value, .2734755430, 1e-10);
    for (size_t i = 0; i < 3; i++) {
        assert_near(gradient[i], row[i], 1e-8);
        assert_near(gradient[3 + i], -row[i], 1e-8);
    }
}

static void batches_and_reductions_as_monai_has_them(void **state)
{
    const enum ov_activation softmax = OV_ACTIVATION_SOFTMAX;
    const enum ov_activation sigmoid = OV_ACTIVATION_SIGMOID;
    double values[4], gradient[12];
    struct ov_loss_options options = smoothed(OV_LOSS_TVERSKY, 1e-4);
    (void)state;
    assert_near(two_classes(options, softmax, 2, values, gradient), .383713, 4e-5);
    assert_near(two_classes(options, sigmoid, 2, values, gradient), .435050, 2e-5);
    options.reduction = OV_REDUCTION_SUM;
    assert_near(two_classes(options, sigmoid, 2, values, gradient), 1.74013, 2e-5);
    options.reduction = OV_REDUCTION_NONE;
    two_classes(options, softmax, 2, values, gradient);
    assert_near(values[0], .210961, 5e-7);
    assert_near(values[1], .295339, 5e-7);
    assert_near(values[2], .599952, 5e-7);
    assert_near(values[3], .428547, 5e-7);
    options = smoothed(OV_LOSS_TVERSKY, 1e-5);
    options.batch = true;
    assert_near(two_classes(options, sigmoid, 2, values, gradient), .422979, 5e-7);
}

static void dice_over_two_classes_as_monai_has_it(void **state)
{
    struct ov_loss_options options = smoothed(OV_LOSS_DICE, 1e-4);
    double values[4], gradient[12];
    (void)state;
    assert_near(two_classes(options, OV_ACTIVATION_SOFTMAX, 2, values, gradient), .383713, 1e-5);
    options.reduction = OV_REDUCTION_SUM;
    assert_near(two_classes(options, OV_ACTIVATION_SOFTMAX, 2, values, gradient), 1.534853, 3e-5);
}

static void generalised_dice_as_monai_has_it(void **state)
{
    struct ov_loss_options options = smoothed(OV_LOSS_GENERALISED_DICE, 1e-4);
    double values[4], gradient[12];
    (void)state;
    assert_near(two_classes(options, OV_ACTIVATION_SOFTMAX, 2, values, gradient), .414507, 5e-7);
    assert_near(two_classes(options, OV_ACTIVATION_SIGMOID, 2, values, gradient), .469964, 5e-7);
    options.reduction = OV_REDUCTION_NONE;
    two_classes(options, OV_ACTIVATION_SOFTMAX, 2, values, gradient);
    assert_near(values[0], .273476, 5e-7);
    assert_near(values[1], .555539, 5e-7);
}

static void generalised_dice_with_simple_weights(void **state)
{
    double z[] = {0, 10, 10, 10, 10, 0, 0, 0};
    int32_t classes[] = {1, 1, 0, 0};
    const uint64_t shape[] = {1, 2, 4};
    const uint64_t label_shape[] = {1, 4};
    struct ov_tensor p = tensor(z, OV_TENSOR_F64, 3, shape);
    struct ov_tensor t = tensor(classes, OV_TENSOR_I32, 2, label_shape);
    struct ov_loss_options options = smoothed(OV_LOSS_GENERALISED_DICE, 0);
    double value;
    (void)state;
    options.activation = OV_ACTIVATION_SOFTMAX;
    options.weighting = OV_WEIGHT_SIMPLE;
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL}, &options, NULL, NULL,
                                &value, NULL));
    assert_near(value, .250023, 5e-7);
}

/* A perfect soft prediction: the usual form finds a loss, the one for soft labels none. */
static void soft_labels_as_monai_has_them(void **state)
{
    double amounts[] = {.3, .4, .7, .9, 1, .1, .5, .3};
    const uint64_t shape[] = {2, 1, 2, 2};
    struct ov_tensor p = tensor(amounts, OV_TENSOR_F64, 4, shape);
    struct ov_loss_options options = smoothed(OV_LOSS_DICE, 1e-4);
    double value;
    (void)state;
    options.target = OV_TARGET_SOFT;
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &p, NULL}, &options, NULL, NULL,
                                &value, NULL));
    assert_near(value, .307773, 5e-7);
    options.soft_labels = true;
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &p, NULL}, &options, NULL, NULL,
                                &value, NULL));
    assert_near(value, 0, 1e-15);
}

/* MONAI tests/losses/test_dice_ce_loss.py: ln(1 + e) - 1, its Dice being 0. */
static void cross_entropy_as_monai_has_it(void **state)
{
    double z[] = {1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 0};
    float classes[] = {0, 0, 1, 0, 1, 0};
    const uint64_t shape[] = {2, 2, 3};
    const uint64_t label_shape[] = {2, 1, 3};
    struct ov_tensor p = tensor(z, OV_TENSOR_F64, 3, shape);
    struct ov_tensor t = tensor(classes, OV_TENSOR_F32, 3, label_shape);
    struct ov_loss_options options = ov_loss_options_default();
    double value;
    (void)state;
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL}, &options, NULL, NULL,
                                &value, NULL));
    assert_near(value, 0, 1e-12);
    options.loss = OV_LOSS_CROSS_ENTROPY;
    options.activation = OV_ACTIVATION_SOFTMAX;
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL}, &options, NULL, NULL,
                                &value, NULL));
    assert_near(value, log(1 + exp(1)) - 1, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_slopes_are_those_of_the_formulae),
        cmocka_unit_test(dice_by_the_logits),
        cmocka_unit_test(monai_smoothing_of_iou),
        cmocka_unit_test(lovasz_of_tied_errors),
        cmocka_unit_test(monai_prints_six_digits),
        cmocka_unit_test(generalised_dice_with_its_gradient),
        cmocka_unit_test(batches_and_reductions_as_monai_has_them),
        cmocka_unit_test(dice_over_two_classes_as_monai_has_it),
        cmocka_unit_test(generalised_dice_as_monai_has_it),
        cmocka_unit_test(generalised_dice_with_simple_weights),
        cmocka_unit_test(soft_labels_as_monai_has_them),
        cmocka_unit_test(cross_entropy_as_monai_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
