/* loss_fit.c - whether inputs and options of a loss go together, and what to do where not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/loss.h"
#include "proto/shape.h"

static int class_axis(enum layout layout, int ndim)
{
    return layout == LAYOUT_NCS ? 1 : layout == LAYOUT_CS ? 0 : ndim - 1;
}

/* The prediction's shape as sent; for labels with one class, or without the axis of classes. */
static int wanted_shape(const struct loss *loss, bool is_labels, bool has_classes, uint64_t *shape)
{
    const struct mask_header *prediction = reader_header(loss->inputs[LOSS_PREDICTION].reader);
    int axis = class_axis(loss->request.layout, prediction->ndim);
    int ndim = prediction->ndim;

    memcpy(shape, prediction->shape, (size_t)ndim * sizeof(*shape));
    if (is_labels && has_classes)
        shape[axis] = 1;
    if (is_labels && !has_classes) {
        ndim--;
        memmove(shape + axis, shape + axis + 1, (size_t)(ndim - axis) * sizeof(*shape));
    }
    return ndim;
}

/* The library lets an axis of 1 serve a whole one; of files that is more often a mistake. */
static bool check_shape(const struct loss *loss, enum loss_part part, struct problem *reterr)
{
    const struct mask_header *header = reader_header(loss->inputs[part].reader);
    const struct mask_header *prediction = reader_header(loss->inputs[LOSS_PREDICTION].reader);
    bool is_labels = part == LOSS_MASK || loss->request.options.target == OV_TARGET_LABELS;
    uint64_t shape[OV_MAX_NDIM];
    int ndim = wanted_shape(loss, is_labels, header->ndim == prediction->ndim, shape);

    if (header->ndim == ndim && memcmp(header->shape, shape, (size_t)ndim * sizeof(*shape)) == 0)
        return true;
    ndim = wanted_shape(loss, is_labels, false, shape);
    return problem_set(
        reterr, PROBLEM_SHAPE_MISMATCH, loss->request.sources[part].pointer,
        "The shape is %s; with \"layout\": \"%s\" and a prediction of %s, %s must be "
        "%s.",
        shape_text(header->ndim, header->shape).at, layout_name(loss->request.layout),
        shape_text(prediction->ndim, prediction->shape).at,
        part == LOSS_MASK ? "a mask"
        : is_labels       ? "labels"
                          : "a target that is not of labels",
        shape_text(ndim, shape).at);
}

bool loss_fit_shapes(const struct loss *loss, struct problem *reterr)
{
    return check_shape(loss, LOSS_TARGET, reterr) &&
           (loss->inputs[LOSS_MASK].reader == NULL || check_shape(loss, LOSS_MASK, reterr));
}

/* Asked last: nothing else is left that the library could mean. */
static bool check_reduction(const struct loss *loss, struct problem *reterr)
{
    const struct ov_tensor *prediction = &loss->inputs[LOSS_PREDICTION].tensor;
    const struct ov_loss_options *options = &loss->request.options;
    uint64_t n_values;

    return ov_loss_n_values(options, prediction->shape[0], prediction->shape[1], &n_values) !=
               OV_EINVAL ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/reduction",
                       "%s has no value of its own for each sample and class: reduction must be "
                       "mean or sum.",
                       ov_loss_name(options->loss));
}

bool loss_fit_options(const struct loss *loss, struct problem *reterr)
{
    const struct ov_loss_options *options = &loss->request.options;
    const struct ov_tensor *prediction = &loss->inputs[LOSS_PREDICTION].tensor;
    unsigned long long n_classes = prediction->shape[1];

    if (options->class_weights != NULL && options->n_class_weights != n_classes)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/class_weights",
                           "There are %zu class_weights; the prediction has %llu classes.",
                           options->n_class_weights, n_classes);
    if (n_classes == 1 && options->exclude_background)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/include_background",
                           "The prediction has one class: without it nothing is left.");
    if (n_classes == 1 && options->activation == OV_ACTIVATION_SOFTMAX)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/activation",
                           "The prediction has one class, of which softmax is always 1; sigmoid is "
                           "for one.");
    if (options->has_ignore && options->target != OV_TARGET_LABELS)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/ignore",
                           "The target is not of labels, so none can be ignored; a mask leaves "
                           "voxels out.");
    if (options->gamma == 0)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/gamma", "gamma must be more than 0.");
    return check_reduction(loss, reterr);
}
