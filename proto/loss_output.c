/* loss_output.c - a gradient that goes into shared memory, which a request names for it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/loss.h"
#include "proto/view.h"

bool loss_output_find(struct loss *loss, struct problem *reterr)
{
    const struct source *output = &loss->request.output;
    const struct segments *segments = loss->body.segments;

    if (output->place.kind == SEGMENT_NONE)
        return true;
    if (segments == NULL)
        return problem_set(reterr, PROBLEM_SHM_DISABLED, output->pointer,
                           "No shared memory is taken here.");
    loss->output = segments->find(segments->user, &output->place, output->pointer, reterr);
    if (loss->output == NULL)
        return false;
    return loss->output->write != NULL ||
           problem_set(reterr, PROBLEM_SHM_READ_ONLY, output->pointer,
                       "It was registered for reading; \"writable\": true lets a gradient in.");
}

void loss_output_done(struct loss *loss)
{
    if (loss->output == NULL)
        return;
    loss->output->release(loss->output);
    loss->output = NULL;
    free(loss->gradient);
    loss->gradient = NULL;
    growth_done(&loss->growth);
}

/* ---- checks ---------------------------------------------------------------------------------- */

static bool check_kind(const struct source *output, const struct mask_header *header,
                       struct problem *reterr)
{
    bool is_shaped = output->ndim == header->ndim;

    for (int i = 0; is_shaped && i < header->ndim; i++)
        is_shaped = output->shape[i] == header->shape[i];
    if (!is_shaped)
        return problem_set(reterr, PROBLEM_SHAPE_MISMATCH, "#/gradient/shape",
                           "The gradient has the prediction's shape, as that was sent.");
    return output->dtype == header->encoding.dtype ||
           problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, "#/gradient/dtype",
                       "The gradient has the prediction's type, %s.",
                       ov_dtype_name(header->encoding.dtype));
}

/* Offsets of both are within their segments, and segments within objects that off_t can hold. */
static bool is_apart(const struct loss *loss, enum loss_part part, uint64_t n_bytes)
{
    const struct reader *reader = loss->inputs[part].reader;
    const struct view *view = reader != NULL ? reader_view(reader) : NULL;
    uint64_t begin = loss->output->start + loss->request.output.offset;

    if (view == NULL ||
        memcmp(view->segment->object, loss->output->object, sizeof(loss->output->object)) != 0)
        return true;
    return view->segment->start + view->end <= begin ||
           view->segment->start + view->low >= begin + n_bytes;
}

bool loss_output_check(const struct loss *loss, struct problem *reterr)
{
    const struct source *output = &loss->request.output;
    const struct mask_header *header = reader_header(loss->inputs[LOSS_PREDICTION].reader);

    if (loss->output == NULL)
        return true;
    if (!check_kind(output, header, reterr))
        return false;
    if (output->offset > loss->output->n_bytes ||
        header->n_bytes > loss->output->n_bytes - output->offset)
        return problem_set(reterr, PROBLEM_SHM_TOO_SMALL, output->pointer,
                           "The gradient's %llu bytes from its offset lead outside the %llu bytes "
                           "of shared memory.",
                           (unsigned long long)header->n_bytes,
                           (unsigned long long)loss->output->n_bytes);
    for (int part = 0; part < LOSS_N_PARTS; part++) {
        if (!is_apart(loss, (enum loss_part)part, header->n_bytes))
            return problem_set(reterr, PROBLEM_SHM_OVERLAP, output->pointer,
                               "The gradient would overwrite bytes of %s.",
                               loss->request.sources[part].pointer + 2);
    }
    return true;
}

/* ---- the gradient ---------------------------------------------------------------------------- */

bool loss_output_new(struct loss *loss, void **ret_elements, struct problem *reterr)
{
    uint64_t n_bytes = reader_header(loss->inputs[LOSS_PREDICTION].reader)->n_bytes;

    loss->gradient = growth_new(&loss->growth, (size_t)n_bytes, 1, reterr);
    *ret_elements = loss->gradient;
    return loss->gradient != NULL;
}

bool loss_write(struct loss *loss, struct problem *reterr)
{
    const struct source *output = &loss->request.output;
    uint64_t n_bytes = reader_header(loss->inputs[LOSS_PREDICTION].reader)->n_bytes;

    return loss->output == NULL || loss->output->write(loss->output, output->offset, loss->gradient,
                                                       (size_t)n_bytes, output->pointer, reterr);
}
