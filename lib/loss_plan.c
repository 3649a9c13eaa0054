/* loss_plan.c - inputs and options of a loss, checked before anything is read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "lib/loss.h"

struct ov_loss_options ov_loss_options_default(void)
{
    return (struct ov_loss_options){.loss = OV_LOSS_DICE,
                                    .smooth_numerator = 1e-5,
                                    .smooth_denominator = 1e-5,
                                    .alpha = .5,
                                    .beta = .5,
                                    .gamma = .75,
                                    .weighting = OV_WEIGHT_SQUARE,
                                    .focal_gamma = 2,
                                    .lambda_overlap = 1,
                                    .lambda_voxel = 1};
}

static bool is_weight(double value)
{
    return value >= 0 && isfinite(value);
}

static bool has_voxel_term(enum ov_loss loss)
{
    return loss == OV_LOSS_CROSS_ENTROPY || loss == OV_LOSS_FOCAL ||
           loss == OV_LOSS_DICE_CROSS_ENTROPY || loss == OV_LOSS_DICE_FOCAL;
}

static bool has_overlap_term(enum ov_loss loss)
{
    return loss != OV_LOSS_CROSS_ENTROPY && loss != OV_LOSS_FOCAL;
}

static bool are_names_sound(const struct ov_loss_options *options)
{
    return ov_loss_name(options->loss) != NULL && ov_activation_name(options->activation) != NULL &&
           ov_target_name(options->target) != NULL &&
           ov_reduction_name(options->reduction) != NULL &&
           ov_weighting_name(options->weighting) != NULL;
}

static bool are_numbers_sound(const struct ov_loss_options *options)
{
    return is_weight(options->smooth_numerator) && is_weight(options->smooth_denominator) &&
           is_weight(options->alpha) && is_weight(options->beta) && is_weight(options->gamma) &&
           options->gamma > 0 && is_weight(options->focal_gamma) &&
           is_weight(options->lambda_overlap) && is_weight(options->lambda_voxel);
}

/* A mean over voxels has no value per sample and class. */
static bool is_reduction_sound(const struct ov_loss_options *options)
{
    return !has_voxel_term(options->loss) || options->reduction == OV_REDUCTION_MEAN ||
           options->reduction == OV_REDUCTION_SUM;
}

static bool are_weights_sound(const struct ov_loss_options *options, uint64_t n_classes)
{
    if (options->class_weights == NULL)
        return options->n_class_weights == 0;
    for (size_t i = 0; i < options->n_class_weights; i++) {
        if (!is_weight(options->class_weights[i]))
            return false;
    }
    return options->n_class_weights == n_classes;
}

/* Labels of every dtype are compared as doubles. */
static bool is_exact(int64_t label)
{
    return label >= -(1LL << 53) && label <= 1LL << 53;
}

static bool is_sound(const struct ov_loss_options *options, uint64_t n_classes)
{
    return are_names_sound(options) && are_numbers_sound(options) && is_reduction_sound(options) &&
           are_weights_sound(options, n_classes) &&
           (!options->exclude_background || n_classes > 1) &&
           (options->activation != OV_ACTIVATION_SOFTMAX || n_classes > 1) &&
           (!options->has_ignore ||
            (options->target == OV_TARGET_LABELS && is_exact(options->ignore)));
}

static enum ov_status check_inputs(const struct ov_loss_inputs *inputs, struct ov__plan *plan)
{
    const struct ov_tensor *tensors[3] = {inputs->prediction, inputs->target, inputs->mask};
    for (int i = 0; i < 3; i++) {
        if (tensors[i] == NULL)
            continue;
        enum ov_status status = ov__tensor_extent(tensors[i], &plan->low[i], &plan->high[i]);
        if (status != OV_OK)
            return status;
    }
    if (inputs->prediction->dtype < OV_TENSOR_F16 ||
        (inputs->mask != NULL && inputs->mask->dtype != OV_TENSOR_U8))
        return OV_EDTYPE;
    return inputs->prediction->ndim < 2 ? OV_ESIZE : OV_OK;
}

static enum ov_status set_planes(const struct ov_loss_inputs *inputs, struct ov__plan *plan)
{
    bool has_classes = plan->options.target != OV_TARGET_LABELS;
    enum ov_status status =
        ov__planes_of(inputs->prediction, plan->ndim, plan->shape, true, &plan->prediction);
    if (status == OV_OK)
        status = ov__planes_of(inputs->target, plan->ndim, plan->shape, has_classes, &plan->target);
    if (status == OV_OK && inputs->mask != NULL)
        status = ov__planes_of(inputs->mask, plan->ndim, plan->shape, false, &plan->mask);
    return status;
}

static enum ov__form form_of(const struct ov_loss_options *options)
{
    if (options->loss == OV_LOSS_SQUARED_DICE)
        return OV__FORM_SQUARED;
    bool is_soft = options->soft_labels && options->target == OV_TARGET_SOFT; /* else they agree */
    return is_soft ? OV__FORM_ABSOLUTE : OV__FORM_PRODUCT;
}

/* Rows of a tile share the cache with those of all classes. */
static size_t tile_of(uint64_t n_classes, size_t budget)
{
    uint64_t n = budget / n_classes / OV__LANES * OV__LANES;
    if (n < OV__LANES)
        return OV__LANES;
    return n > 2048 ? 2048 : (size_t)n;
}

static void choose_path(struct ov__plan *plan)
{
    const struct ov_loss_options *options = &plan->options;
    plan->form = form_of(options);
    plan->has_overlap = has_overlap_term(options->loss);
    plan->has_voxel = has_voxel_term(options->loss);
    plan->is_categorical = options->activation == OV_ACTIVATION_SOFTMAX ||
                           (options->activation == OV_ACTIVATION_NONE && plan->n_classes > 1);
    plan->is_fast = plan->prediction.dtype != OV_TENSOR_F64 &&
                    options->target == OV_TARGET_LABELS && plan->n_classes < UINT8_MAX &&
                    plan->form != OV__FORM_SQUARED && !plan->has_voxel &&
                    options->loss != OV_LOSS_LOVASZ;
    if (!plan->is_fast)
        plan->tile = tile_of(plan->n_classes, 16384);
    else if (options->activation == OV_ACTIVATION_SOFTMAX)
        plan->tile = tile_of(plan->n_classes, 6144);
    else
        plan->tile = options->activation == OV_ACTIVATION_SIGMOID ? 2048 : OV__BLOCK;
    plan->stride = plan->tile + OV__LANES;
    plan->kernels = ov__loss_kernels_selected();
}

static bool is_countable(const struct ov__plan *plan)
{
    uint64_t entries;
    return !__builtin_mul_overflow(plan->n_samples, plan->n_blocks, &entries) &&
           !__builtin_mul_overflow(entries, plan->n_classes, &entries) && entries <= SIZE_MAX / 64;
}

enum ov_status ov__plan_make(const struct ov_loss_inputs *inputs,
                             const struct ov_loss_options *options, struct ov__plan *ret_plan)
{
    if (inputs == NULL || inputs->prediction == NULL || inputs->target == NULL)
        return OV_EINVAL;
    struct ov__plan plan = {.options = options != NULL ? *options : ov_loss_options_default()};
    enum ov_status status = check_inputs(inputs, &plan);
    if (status != OV_OK)
        return status;
    plan.ndim = inputs->prediction->ndim;
    memcpy(plan.shape, inputs->prediction->shape, (size_t)plan.ndim * sizeof plan.shape[0]);
    plan.n_samples = plan.shape[0];
    plan.n_classes = plan.shape[1];
    plan.n_voxels = 1;
    for (int i = 2; i < plan.ndim; i++)
        plan.n_voxels *= plan.shape[i];
    plan.n_blocks = (plan.n_voxels - 1) / OV__BLOCK + 1;
    if (!is_countable(&plan) || plan.n_classes > INT32_MAX)
        return OV_ESIZE;
    if (!is_sound(&plan.options, plan.n_classes))
        return OV_EINVAL;
    plan.first_class = plan.options.exclude_background ? 1 : 0;
    status = set_planes(inputs, &plan);
    if (status != OV_OK)
        return status;
    choose_path(&plan);
    *ret_plan = plan;
    return OV_OK;
}

enum ov_status ov__plan_check_gradient(const struct ov__plan *plan,
                                       const struct ov_tensor *gradient,
                                       struct ov__planes *ret_planes)
{
    uintptr_t low, high;
    enum ov_status status = ov__tensor_extent(gradient, &low, &high);
    if (status != OV_OK)
        return status;
    if (gradient->dtype != plan->prediction.dtype)
        return OV_EDTYPE;
    if (gradient->ndim != plan->ndim ||
        memcmp(gradient->shape, plan->shape, (size_t)plan->ndim * sizeof plan->shape[0]) != 0)
        return OV_ESHAPE;
    for (int i = 0; i < 3; i++) {
        if (low < plan->high[i] && plan->low[i] < high)
            return OV_EALIAS;
    }
    if (ov__tensor_folds(gradient))
        return OV_EALIAS;
    return ov__planes_of(gradient, plan->ndim, plan->shape, true, ret_planes);
}

enum ov_status ov_loss_n_values(const struct ov_loss_options *options, uint64_t n_samples,
                                uint64_t n_classes, uint64_t *ret_n_values)
{
    struct ov__plan plan = {.options = options != NULL ? *options : ov_loss_options_default(),
                            .n_samples = n_samples,
                            .n_classes = n_classes};
    uint64_t product;
    if (n_samples == 0 || n_classes == 0 || __builtin_mul_overflow(n_samples, n_classes, &product))
        return OV_ESIZE;
    if (!is_sound(&plan.options, n_classes))
        return OV_EINVAL;
    plan.first_class = plan.options.exclude_background ? 1 : 0;
    *ret_n_values = ov__region_n_values(&plan);
    return OV_OK;
}
