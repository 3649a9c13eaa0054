/* loss_input.c - the inputs of a loss, read whole: their axes are samples, classes, space. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/loss.h"

/* ---- elements -------------------------------------------------------------------------------- */

static void swap_bytes(uint8_t *bytes, uint64_t n, size_t width)
{
    for (uint64_t i = 0; i < n; i++) {
        for (size_t j = 0; j < width / 2; j++) {
            uint8_t byte = bytes[i * width + j];

            bytes[i * width + j] = bytes[i * width + width - 1 - j];
            bytes[i * width + width - 1 - j] = byte;
        }
    }
}

static bool check_header(const struct mask_header *header, const char *pointer,
                         struct problem *reterr)
{
    if (header->layers != NULL)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, pointer,
                           "A %s mask is made of layers; a loss is of numbers in an array.",
                           format_name(header->format));
    return header->encoding.slope == 0 ||
           problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, pointer,
                       "The values are scaled by slope and intercept; a loss takes them as they "
                       "are stored, so store them unscaled.");
}

/* Elements in this machine's byte order, in the body or in room of their own. */
static const void *read_elements(struct loss *loss, struct loss_input *input,
                                 struct problem *reterr)
{
    const struct mask_header *header = reader_header(input->reader);
    size_t width = ov_dtype_bytes(header->encoding.dtype);
    size_t n = (size_t)header->n_voxels;
    const void *found;

    if (!reader_is_in_place(input->reader) || header->encoding.swapped) {
        input->room = growth_new(&loss->body.growth, n, width, reterr);
        if (input->room == NULL)
            return NULL;
    }
    found = reader_tile(input->reader, n, input->room, reterr);
    if (found == NULL || !header->encoding.swapped)
        return found;
    if (found != input->room)
        memcpy(input->room, found, n * width);
    swap_bytes(input->room, n, width);
    return input->room;
}

/* ---- axes ------------------------------------------------------------------------------------ */

/* The axes as they lie in the file, without gaps. */
static struct ov_tensor view(const void *data, const struct mask_header *header,
                             enum ov_order order)
{
    /* The library only reads inputs, which its tensors do not say. */
    union {
        const void *given;
        void *data;
    } place = {data};
    struct ov_tensor tensor = {.data = place.data, .ndim = header->ndim};
    int64_t stride = (int64_t)ov_dtype_bytes(header->encoding.dtype);

    for (int i = 0; i < header->ndim; i++) {
        int axis = order == OV_ORDER_C ? header->ndim - 1 - i : i;

        tensor.shape[axis] = header->shape[axis];
        tensor.strides_bytes[axis] = stride;
        stride *= (int64_t)header->shape[axis];
    }
    return tensor;
}

/* Move an axis to a place before it. */
static void move_axis(struct ov_tensor *tensor, int from, int to)
{
    uint64_t extent = tensor->shape[from];
    int64_t stride = tensor->strides_bytes[from];

    for (int i = from; i > to; i--) {
        tensor->shape[i] = tensor->shape[i - 1];
        tensor->strides_bytes[i] = tensor->strides_bytes[i - 1];
    }
    tensor->shape[to] = extent;
    tensor->strides_bytes[to] = stride;
}

/* false where there are too many axes already. */
static bool add_samples(struct ov_tensor *tensor)
{
    if (tensor->ndim == OV_MAX_NDIM)
        return false;
    tensor->shape[tensor->ndim] = 1;
    tensor->strides_bytes[tensor->ndim] = 0;
    tensor->ndim++;
    move_axis(tensor, tensor->ndim - 1, 0);
    return true;
}

/* Bring the axes to samples, classes, space; an input of labels has no classes. */
static bool arrange(struct ov_tensor *tensor, enum layout layout, bool has_classes)
{
    bool has_samples = layout == LAYOUT_NCS || layout == LAYOUT_NSC;
    bool is_last = layout == LAYOUT_NSC || layout == LAYOUT_SC;

    if (!has_samples && !add_samples(tensor))
        return false;
    if (has_classes && is_last && tensor->ndim >= 2)
        move_axis(tensor, tensor->ndim - 1, 1);
    return true;
}

struct ov_tensor loss_like_prediction(const struct loss *loss, void *data)
{
    const struct loss_input *input = &loss->inputs[LOSS_PREDICTION];
    struct ov_tensor tensor = view(data, reader_header(input->reader), OV_ORDER_C);

    tensor.dtype = input->tensor.dtype;
    arrange(&tensor, loss->request.layout, true);
    return tensor;
}

/* ---- the inputs ------------------------------------------------------------------------------ */

static bool read_input(struct loss *loss, enum loss_part part, struct problem *reterr)
{
    struct source *source = &loss->request.sources[part];
    struct loss_input *input = &loss->inputs[part];
    const struct mask_header *header;
    const void *data;
    bool has_classes;

    input->reader = reader_new(source, loss->env, reterr);
    if (input->reader == NULL)
        return false;
    header = reader_header(input->reader);
    if (!check_header(header, source->pointer, reterr))
        return false;
    data = read_elements(loss, input, reterr);
    if (data == NULL || !reader_finish(input->reader, reterr))
        return false;
    input->tensor = view(data, header, header->order);
    if (ov_tensor_dtype_find(ov_dtype_name(header->encoding.dtype), &input->tensor.dtype) != OV_OK)
        return problem_set(reterr, PROBLEM_INTERNAL, source->pointer, "The dtype is unknown.");
    has_classes = header->ndim == reader_header(loss->inputs[LOSS_PREDICTION].reader)->ndim;
    return arrange(&input->tensor, loss->request.layout, has_classes) ||
           problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, source->pointer,
                       "With an axis of samples there are more than %d axes.", OV_MAX_NDIM);
}

/* Labels have no axis of classes, or are whole numbers on one of extent 1. */
static bool is_labels(const struct ov_tensor *target, const struct ov_tensor *prediction)
{
    return target->ndim != prediction->ndim ||
           (target->ndim >= 2 && target->shape[1] == 1 && target->dtype < OV_TENSOR_F16);
}

bool loss_inputs_read(struct loss *loss, struct problem *reterr)
{
    struct loss_request *request = &loss->request;

    for (int part = 0; part < LOSS_N_PARTS; part++) {
        if (part == LOSS_MASK && !body_has(&loss->body, LOSS_MASK, &request->sources[LOSS_MASK]))
            continue;
        if (!read_input(loss, (enum loss_part)part, reterr))
            return false;
    }
    if (request->target_auto)
        request->options.target =
            is_labels(&loss->inputs[LOSS_TARGET].tensor, &loss->inputs[LOSS_PREDICTION].tensor)
                ? OV_TARGET_LABELS
                : OV_TARGET_SOFT;
    return true;
}

void loss_inputs_done(struct loss *loss)
{
    for (int part = 0; part < LOSS_N_PARTS; part++) {
        reader_free(loss->inputs[part].reader);
        free(loss->inputs[part].room);
        loss->inputs[part] = (struct loss_input){.reader = NULL};
    }
}
