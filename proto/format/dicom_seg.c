/* dicom_seg.c - DICOM segmentation objects (SEG) in a single file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/dicom_seg.h"

#include <stdlib.h>

static const char *const extensions[] = {".dcm", NULL};

/* ---- the file's bytes ------------------------------------------------------------------------ */

/* A compressed file is decoded whole: what its frames are is said before their pixels are. */
static bool decode(struct seg *seg, struct coding *stream, struct problem *reterr)
{
    uint64_t limit = reader__env(seg->reader)->limits.decoded_bytes;
    size_t n = 0, cap = 0, n_here = 1;

    while (n_here > 0) {
        uint8_t *bytes = growth_room(&seg->growth, seg->bytes, n, &cap, 1, reterr);

        if (bytes == NULL)
            return false;
        seg->bytes = bytes;
        if (!coding_read_some(stream, bytes + n, cap - n, &n_here, reterr))
            return false;
        n += n_here;
        if (n > limit)
            return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, seg->file.pointer,
                               "The DICOM file has more than %llu bytes when decoded, which is the "
                               "limit (limits.decoded_bytes).",
                               (unsigned long long)limit);
    }
    seg->file.bytes = seg->bytes;
    seg->file.n_bytes = n;
    return true;
}

static bool load(struct seg *seg, struct coding *stream, struct problem *reterr)
{
    const struct source *source = reader__source(seg->reader);

    seg->file.bytes = coding_borrow(stream, source->n_bytes);
    seg->file.n_bytes = source->n_bytes;
    return seg->file.bytes != NULL || decode(seg, stream, reterr);
}

/* ---- what the request says ------------------------------------------------------------------- */

/*
 * Pixels from which value on are in a segment: those above the source's "threshold", or else the
 * request's, which may leave none.
 */
static bool read_threshold(struct seg *seg, struct problem *reterr)
{
    const struct source *source = reader__source(seg->reader);
    const json_t *json = json_object_get(source->options, "threshold");
    double threshold = json_number_value(json);

    seg->cutoff = seg->maximum;
    if (json == NULL && source->threshold == NULL)
        return true;
    if (json == NULL)
        threshold = *source->threshold;
    else if (!json_is_number(json) || threshold < 0 || threshold >= 1)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, seg->file.pointer,
                           "%s/threshold must be a number from 0 to below 1: a part of "
                           "MaximumFractionalValue.",
                           seg->file.pointer + 2);
    seg->has_threshold = true;
    seg->cutoff++;
    while (seg->cutoff > 1 && (seg->cutoff - 1.0) / seg->maximum > threshold)
        seg->cutoff--;
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool read_elements(struct seg *seg, struct problem *reterr)
{
    struct dicom_element element;
    struct dicom_walk walk;
    size_t at = 0;
    bool found = true;

    if (!dicom_meta(&seg->file, &at, reterr))
        return false;
    dicom_walk_init(&walk, &seg->file, at);
    while (found) {
        if (!dicom_next(&walk, &element, &found, reterr) ||
            (found && !seg_take(seg, &walk, &element, reterr)))
            return false;
    }
    return true;
}

static bool read_seg(struct seg *seg, struct coding *stream, struct problem *reterr)
{
    struct mask_header *header = reader__header(seg->reader);
    struct layers *layers;

    if (!load(seg, stream, reterr) || !read_elements(seg, reterr) || !seg_check(seg, reterr) ||
        !read_threshold(seg, reterr) || !seg_place(seg, header, reterr) ||
        !reader__measure_layers(seg->reader, reterr) ||
        (seg->file.is_rle && !seg_unpack(seg, reterr)))
        return false;
    layers = reader__layers(seg->reader, reterr);
    return layers != NULL && seg_add_frames(seg, layers, reterr) && layers_merge(layers, reterr);
}

static bool dicom_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    const char *pointer = reader__source(reader)->pointer;
    struct seg *seg = calloc(1, sizeof(*seg));
    bool good;

    if (seg == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, pointer,
                           "There is no memory for a DICOM segmentation.");
    seg->reader = reader;
    seg->file.pointer = pointer;
    seg->growth = (struct growth){.env = reader__env(reader), .pointer = pointer};
    good = read_seg(seg, stream, reterr);
    free(seg->unpacked);
    free(seg->bytes);
    free(seg->frames);
    growth_done(&seg->growth);
    free(seg);
    return good;
}

const struct format format_dicom = {
    .kind = FORMAT_DICOM,
    .is = dicom_is,
    .extensions = extensions,
    .open = dicom_open,
};
