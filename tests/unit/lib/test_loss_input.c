/* test_loss_input.c - what a loss refuses, where it says the offence is, and what it leaves alone.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "lib/overlap_loss.h"
#include "tests/unit/lib/naive.h"

enum { N = 2, C = 3, V = 20, N_ELEMENTS = N * C * V };

static const uint64_t shape[] = {N, C, 4, 5};
static const uint64_t label_shape[] = {N, 4, 5};

/* A sound problem that each test spoils. */
struct problem {
    float p[N_ELEMENTS];
    double soft[N_ELEMENTS];
    float labels[N * V];
    float gradient[N_ELEMENTS];
    struct ov_tensor prediction, target, by;
    struct ov_loss_inputs inputs;
    struct ov_loss_options options;
};

static struct problem problem;

static int make(void **state)
{
    (void)state;
    memset(&problem, 0, sizeof problem);
    for (size_t i = 0; i < N_ELEMENTS; i++) {
        problem.p[i] = .25f;
        problem.soft[i] = .5;
        problem.gradient[i] = 42;
    }
    for (size_t i = 0; i < N * V; i++)
        problem.labels[i] = (float)(i % C);
    OK(ov_tensor_view(problem.p, OV_TENSOR_F32, 4, shape, &problem.prediction));
    OK(ov_tensor_view(problem.labels, OV_TENSOR_F32, 3, label_shape, &problem.target));
    OK(ov_tensor_view(problem.gradient, OV_TENSOR_F32, 4, shape, &problem.by));
    problem.inputs = (struct ov_loss_inputs){&problem.prediction, &problem.target, NULL};
    problem.options = ov_loss_options_default();
    return 0;
}

static void assert_untouched(double value)
{
    assert_true(value == -1);
    for (size_t i = 0; i < N_ELEMENTS; i++)
        assert_true(problem.gradient[i] == 42);
}

static void fails(enum ov_status expected)
{
    double value = -1;
    FAILS(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, &problem.by, &value,
                                   NULL),
          expected);
    assert_untouched(value);
}

static void fails_at(enum ov_status expected, enum ov_loss_input input, uint64_t index)
{
    double value = -1;
    struct ov_offence offence = {.index = UINT64_MAX};
    FAILS(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, &problem.by, &value,
                                   &offence),
          expected);
    assert_int_equal(offence.input, input);
    assert_int_equal(offence.index, index);
    assert_untouched(value);
}

/* In float against bits, and in double. */
static const enum ov_loss both_paths[] = {OV_LOSS_DICE, OV_LOSS_SQUARED_DICE};

static void a_probability_that_is_none_is_named(void **state)
{
    static const struct {
        float value;
        enum ov_status status;
    } cases[] = {{NAN, OV_ENAN},
                 {INFINITY, OV_EINFINITE},
                 {-INFINITY, OV_EINFINITE},
                 {-1e-30f, OV_EPROBABILITY},
                 {1.0000001f, OV_EPROBABILITY},
                 {-NAN, OV_ENAN}};
    for (size_t k = 0; k < N_OF(both_paths); k++) {
        for (size_t i = 0; i < N_OF(cases); i++) {
            for (size_t at = 0; at < N_ELEMENTS; at += 7) {
                make(state);
                problem.options.loss = both_paths[k];
                problem.p[at] = cases[i].value;
                fails_at(cases[i].status, OV_LOSS_PREDICTION, at);
            }
        }
    }
}

static void the_ends_of_the_range_and_minus_zero_are_probabilities(void **state)
{
    double value;
    (void)state;
    problem.p[0] = 0;
    problem.p[1] = 1;
    problem.p[2] = -0.F;
    OK(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, &problem.by, &value,
                                NULL));
}

static void a_logit_is_any_finite_number(void **state)
{
    double value;
    for (size_t k = 0; k < N_OF(both_paths); k++) {
        for (int activation = 1; activation < OV_N_ACTIVATIONS; activation++) {
            make(state);
            problem.options.loss = both_paths[k];
            problem.options.activation = (enum ov_activation)activation;
            problem.p[3] = -3e38F;
            problem.p[50] = 1e6F;
            OK(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, NULL, &value,
                                        NULL));
            assert_true(value >= 0 && value <= 1);
            problem.p[77] = INFINITY;
            problem.p[78] = NAN;
            fails_at(OV_EINFINITE, OV_LOSS_PREDICTION, 77);
            problem.p[76] = NAN;
            fails_at(OV_ENAN, OV_LOSS_PREDICTION, 76);
        }
    }
}

static void the_first_offence_is_the_predictions(void **state)
{
    for (size_t k = 0; k < N_OF(both_paths); k++) {
        make(state);
        problem.options.loss = both_paths[k];
        problem.labels[0] = 9;
        problem.p[99] = 2;
        problem.p[55] = 3;
        fails_at(OV_EPROBABILITY, OV_LOSS_PREDICTION, 55);
    }
}

static void a_label_that_is_no_class_is_named(void **state)
{
    static const struct {
        float value;
        enum ov_status status;
    } cases[] = {{3, OV_ECLASS}, {-1, OV_ECLASS},     {1e30F, OV_ECLASS}, {INFINITY, OV_ECLASS},
                 {NAN, OV_ENAN}, {.5F, OV_EFRACTION}, {255, OV_ECLASS}};
    for (size_t k = 0; k < N_OF(both_paths); k++) {
        for (size_t i = 0; i < N_OF(cases); i++) {
            make(state);
            problem.options.loss = both_paths[k];
            problem.labels[23] = cases[i].value;
            fails_at(cases[i].status, OV_LOSS_TARGET, 23);
        }
    }
}

static void bytes_that_are_no_class_are_named(void **state)
{
    uint8_t labels[N * V] = {0};
    (void)state;
    OK(ov_tensor_view(labels, OV_TENSOR_U8, 3, label_shape, &problem.target));
    labels[31] = C;
    fails_at(OV_ECLASS, OV_LOSS_TARGET, 31);
    problem.options.has_ignore = true;
    problem.options.ignore = 255;
    fails_at(OV_ECLASS, OV_LOSS_TARGET, 31);
}

static void a_soft_or_one_hot_target_has_its_range(void **state)
{
    (void)state;
    OK(ov_tensor_view(problem.soft, OV_TENSOR_F64, 4, shape, &problem.target));
    problem.options.target = OV_TARGET_ONE_HOT;
    fails_at(OV_EPROBABILITY, OV_LOSS_TARGET, 0);
    problem.options.target = OV_TARGET_SOFT;
    problem.soft[81] = 1.5;
    fails_at(OV_EPROBABILITY, OV_LOSS_TARGET, 81);
    problem.soft[40] = NAN;
    fails_at(OV_ENAN, OV_LOSS_TARGET, 40);
}

static void ignored_voxels_are_checked_too(void **state)
{
    (void)state;
    problem.options.has_ignore = true;
    problem.options.ignore = -100;
    problem.labels[5] = -100;
    problem.p[5] = NAN;
    fails_at(OV_ENAN, OV_LOSS_PREDICTION, 5);
}

static void shapes_that_do_not_broadcast_are_refused(void **state)
{
    (void)state;
    problem.target.shape[1] = 3;
    fails(OV_ESHAPE);
    make(state);
    problem.options.target = OV_TARGET_SOFT;
    fails(OV_ESHAPE);
    make(state);
    problem.by.shape[0] = 1;
    fails(OV_ESHAPE);
    make(state);
    problem.target.ndim = 2;
    fails(OV_ESHAPE);
}

static void an_axis_of_one_serves_all(void **state)
{
    double value, whole;
    (void)state;
    for (size_t i = V; i < (size_t)N * V; i++)
        problem.labels[i] = problem.labels[i - V];
    OK(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, NULL, &whole, NULL));
    problem.target.shape[0] = 1;
    OK(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, NULL, &value, NULL));
    assert_memory_equal(&value, &whole, sizeof value);
}

static void empty_tensors_are_refused(void **state)
{
    (void)state;
    problem.prediction.shape[2] = 0;
    fails(OV_ESIZE);
    make(state);
    problem.target.shape[0] = 0;
    fails(OV_ESIZE);
    make(state);
    problem.prediction.ndim = 1;
    fails(OV_ESIZE);
    make(state);
    problem.prediction.shape[0] = UINT64_MAX / 8;
    fails(OV_ESIZE);
}

static void a_gradient_that_overlaps_is_refused(void **state)
{
    double value = -1;
    (void)state;
    for (int64_t shift = -8; shift <= 8; shift += 4) {
        problem.by.data = (char *)problem.p + shift;
        FAILS(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, &problem.by, &value,
                                       NULL),
              OV_EALIAS);
    }
    problem.by.data = problem.labels;
    FAILS(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, &problem.by, &value,
                                   NULL),
          OV_EALIAS);
    for (size_t i = 0; i < N_ELEMENTS; i++)
        assert_true(problem.p[i] == .25F);
    make(state);
    problem.by.strides_bytes[0] = 0;
    fails(OV_EALIAS);
    make(state);
    problem.by.strides_bytes[3] = 2;
    fails(OV_EALIAS);
}

static void backward_strides_reach_below_their_data(void **state)
{
    double value = -1;
    (void)state;
    problem.by.data = problem.gradient;
    problem.by.strides_bytes[0] = -(int64_t)(C * V * sizeof(float));
    problem.target.data = problem.gradient - C * V; /* which sample 1 of the gradient is */
    FAILS(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, &problem.by, &value,
                                   NULL),
          OV_EALIAS);
}

static void dtypes_have_their_places(void **state)
{
    (void)state;
    problem.prediction.dtype = OV_TENSOR_I32;
    fails(OV_EDTYPE);
    make(state);
    problem.by.dtype = OV_TENSOR_F16;
    problem.by.strides_bytes[0] = 4;
    fails(OV_EDTYPE);
    make(state);
    problem.target.dtype = (enum ov_tensor_dtype)OV_N_TENSOR_DTYPES;
    fails(OV_EDTYPE);
    make(state);
    problem.inputs.mask = &problem.target;
    fails(OV_EDTYPE);
}

static void options_are_checked(void **state)
{
    static const double weights[] = {1, -1, 1};
    const struct ov_loss_options sound = problem.options;
    struct ov_loss_options spoiled[12];
    (void)state;
    for (size_t i = 0; i < N_OF(spoiled); i++)
        spoiled[i] = sound;
    spoiled[0].loss = (enum ov_loss)OV_N_LOSSES;
    spoiled[1].smooth_numerator = -1;
    spoiled[2].smooth_denominator = NAN;
    spoiled[3].gamma = 0;
    spoiled[4].alpha = INFINITY;
    spoiled[5].class_weights = weights;
    spoiled[6].class_weights = weights;
    spoiled[6].n_class_weights = 3;
    spoiled[7].loss = OV_LOSS_DICE_CROSS_ENTROPY;
    spoiled[7].reduction = OV_REDUCTION_NONE;
    spoiled[8].target = OV_TARGET_SOFT;
    spoiled[8].has_ignore = true;
    spoiled[9].n_class_weights = 3;
    spoiled[10].activation = (enum ov_activation)OV_N_ACTIVATIONS;
    spoiled[11].ignore = INT64_MAX;
    spoiled[11].has_ignore = true;
    for (size_t i = 0; i < N_OF(spoiled); i++) {
        problem.options = spoiled[i];
        fails(OV_EINVAL);
    }
}

static void one_class_has_no_softmax_and_no_background(void **state)
{
    double value;
    struct ov_loss_options softmax = problem.options;
    struct ov_loss_options foreground = problem.options;
    (void)state;
    softmax.activation = OV_ACTIVATION_SOFTMAX;
    foreground.exclude_background = true;
    problem.prediction.shape[1] = 1;
    FAILS(ov_loss_forward_backward(&problem.inputs, &softmax, NULL, NULL, &value, NULL), OV_EINVAL);
    FAILS(ov_loss_forward_backward(&problem.inputs, &foreground, NULL, NULL, &value, NULL),
          OV_EINVAL);
}

static void steps_out_of_order_are_refused(void **state)
{
    struct ov_loss_run *run;
    double value = -1;
    (void)state;
    OK(ov_loss_run_new(&problem.inputs, &problem.options, &run));
    FAILS(ov_loss_run_values(run, &value, NULL), OV_EINVAL);
    FAILS(ov_loss_run_gradient(run, NULL, &problem.by, 0, 1), OV_EINVAL);
    FAILS(ov_loss_run_sums(run, 2, 2), OV_EINVAL);
    OK(ov_loss_run_sums(run, 0, 2));
    FAILS(ov_loss_run_values(run, &value, NULL), OV_EINVAL);
    assert_untouched(value);
    OK(ov_loss_run_sums(run, 1, 2));
    OK(ov_loss_run_values(run, &value, NULL));
    OK(ov_loss_run_gradient(run, NULL, &problem.by, 0, 1));
    ov_loss_run_free(run);
    ov_loss_run_free(NULL);
}

static void nothing_to_lose_is_no_loss(void **state)
{
    static const enum ov_loss losses[] = {OV_LOSS_DICE, OV_LOSS_SQUARED_DICE, OV_LOSS_IOU,
                                          OV_LOSS_TVERSKY, OV_LOSS_GENERALISED_DICE};
    double value;
    (void)state;
    memset(problem.p, 0, sizeof problem.p);
    OK(ov_tensor_view(problem.soft, OV_TENSOR_F64, 4, shape, &problem.target));
    memset(problem.soft, 0, sizeof problem.soft);
    problem.options.target = OV_TARGET_SOFT;
    problem.options.smooth_numerator = problem.options.smooth_denominator = 0;
    for (size_t i = 0; i < N_OF(losses); i++) {
        problem.options.loss = losses[i];
        OK(ov_loss_forward_backward(&problem.inputs, &problem.options, NULL, &problem.by, &value,
                                    NULL));
        assert_true(value == 0);
        for (size_t k = 0; k < N_ELEMENTS; k++)
            assert_true(problem.gradient[k] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_probability_that_is_none_is_named, make),
        cmocka_unit_test_setup(the_ends_of_the_range_and_minus_zero_are_probabilities, make),
        cmocka_unit_test_setup(a_logit_is_any_finite_number, make),
        cmocka_unit_test_setup(the_first_offence_is_the_predictions, make),
        cmocka_unit_test_setup(a_label_that_is_no_class_is_named, make),
        cmocka_unit_test_setup(bytes_that_are_no_class_are_named, make),
        cmocka_unit_test_setup(a_soft_or_one_hot_target_has_its_range, make),
        cmocka_unit_test_setup(ignored_voxels_are_checked_too, make),
        cmocka_unit_test_setup(shapes_that_do_not_broadcast_are_refused, make),
        cmocka_unit_test_setup(an_axis_of_one_serves_all, make),
        cmocka_unit_test_setup(empty_tensors_are_refused, make),
        cmocka_unit_test_setup(a_gradient_that_overlaps_is_refused, make),
        cmocka_unit_test_setup(backward_strides_reach_below_their_data, make),
        cmocka_unit_test_setup(dtypes_have_their_places, make),
        cmocka_unit_test_setup(options_are_checked, make),
        cmocka_unit_test_setup(one_class_has_no_softmax_and_no_background, make),
        cmocka_unit_test_setup(steps_out_of_order_are_refused, make),
        cmocka_unit_test_setup(nothing_to_lose_is_no_loss, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
