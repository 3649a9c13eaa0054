/* raw.c - masks that are elements and nothing else; the request says dtype, shape and order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/bytes.h"
#include "proto/reader.h"

static const char *const extensions[] = {".raw", NULL};

static bool raw_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    const struct source *source = reader__source(reader);
    struct mask_header *header = reader__header(reader);

    (void)stream;
    if (!source->declared || source->dtype == OV_N_DTYPES || source->ndim < 1 ||
        source->ndim > OV_MAX_NDIM)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "A raw mask does not describe itself: give its dtype and shape, of 1 to "
                           "%d axes.",
                           OV_MAX_NDIM);
    header->encoding.dtype = source->dtype;
    header->encoding.swapped = bytes_are_swapped(BYTES_LITTLE);
    header->order = source->order;
    header->ndim = source->ndim;
    for (int axis = 0; axis < source->ndim; axis++)
        header->shape[axis] = source->shape[axis];
    return reader__measure(reader, reterr);
}

const struct format format_raw = {
    .kind = FORMAT_RAW,
    .extensions = extensions,
    .is_plain = true,
    .open = raw_open,
};
