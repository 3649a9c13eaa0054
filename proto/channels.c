/* channels.c - files with an axis of layers: one binary mask per class, as networks give them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/growth.h"
#include "proto/reader.h"

/* A file's elements as [outer][slices][inner], whichever axis is the fastest. */
struct channels {
    const struct source *source;
    struct ov_encoding encoding;
    size_t width; /* bytes of an element */
    uint64_t n_outer;
    uint64_t n_slices;
    uint64_t n_inner;
    const uint8_t *elements;
    struct layers *layers;
    bool has_threshold;
    double threshold;
};

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_inside(const struct channels *channels, const uint8_t *bytes, bool *ret_inside,
                      struct problem *reterr)
{
    double value = ov_element_value(&channels->encoding, bytes);
    const char *pointer = channels->source->pointer;

    if (isnan(value))
        return problem_set(reterr, PROBLEM_NOT_A_NUMBER, pointer,
                           "A layer holds a voxel that is not a number (NaN).");
    if (!channels->has_threshold && value != 0 && value != 1)
        return problem_set(reterr, PROBLEM_NON_INTEGRAL, pointer,
                           "A layer holds the value %.9g; without a \"threshold\" in \"layers\" it "
                           "is 0 outside and 1 inside.",
                           value);
    *ret_inside = channels->has_threshold ? value > channels->threshold : value != 0;
    return true;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static uint64_t load(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* How many of n > 0 elements without gaps are as the first one, to the bit. */
static size_t same_elements(const uint8_t *bytes, size_t n, size_t width)
{
    size_t n_bytes = (n - 1) * width; /* each is compared with the one before it */
    size_t i = 0;

    while (i + 8 <= n_bytes && load(bytes + i) == load(bytes + i + width))
        i += 8;
    while (i < n_bytes && bytes[i] == bytes[i + width])
        i++;
    return i / width + 1;
}

static bool add_row(const struct channels *channels, int64_t label, const uint8_t *row,
                    uint64_t voxel, struct problem *reterr)
{
    for (uint64_t i = 0; i < channels->n_inner;) {
        const uint8_t *bytes = row + i * channels->width;
        size_t n = same_elements(bytes, (size_t)(channels->n_inner - i), channels->width);
        bool inside = false;

        if (!is_inside(channels, bytes, &inside, reterr) ||
            (inside && !layers_add(channels->layers, label, voxel + i, n, reterr)))
            return false;
        i += n;
    }
    return true;
}

static bool add_slice(const struct channels *channels, uint64_t slice, int64_t label,
                      struct problem *reterr)
{
    for (uint64_t outer = 0; outer < channels->n_outer; outer++) {
        uint64_t at = (outer * channels->n_slices + slice) * channels->n_inner;

        if (!add_row(channels, label, channels->elements + at * channels->width,
                     outer * channels->n_inner, reterr))
            return false;
    }
    return true;
}

/* ---- the request's {"axis": 0, "labels": [1, null, 2]} --------------------------------------- */

static bool bad(const struct channels *channels, const char *member, const char *wanted,
                struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, channels->source->pointer,
                       "The \"%s\" of \"layers\" must be %s.", member, wanted);
}

static bool read_axis(const struct channels *channels, const struct mask_header *header,
                      int *ret_axis, struct problem *reterr)
{
    const json_t *axis = json_object_get(channels->source->channels, "axis");
    json_int_t value = json_integer_value(axis);

    if (!json_is_integer(axis) || value < 0 || value >= header->ndim || header->ndim < 2)
        return bad(channels, "axis", "one of the file's axes, which are 0 and up, two or more",
                   reterr);
    *ret_axis = (int)value;
    return true;
}

static bool read_threshold(struct channels *channels, struct problem *reterr)
{
    const json_t *threshold = json_object_get(channels->source->channels, "threshold");

    channels->has_threshold = threshold != NULL && !json_is_null(threshold);
    channels->threshold = json_number_value(threshold);
    return !channels->has_threshold || json_is_number(threshold) ||
           bad(channels, "threshold", "a number", reterr);
}

/* A label for each slice, or null for one that is passed over. */
static bool add_slices(const struct channels *channels, struct problem *reterr)
{
    const json_t *labels = json_object_get(channels->source->channels, "labels");

    if (json_array_size(labels) != channels->n_slices)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, channels->source->pointer,
                           "The axis of \"layers\" has %llu slices; \"labels\" must name a label "
                           "for each, or null to pass over it.",
                           (unsigned long long)channels->n_slices);
    for (size_t i = 0; i < channels->n_slices; i++) {
        const json_t *label = json_array_get(labels, i);

        if (json_is_null(label))
            continue;
        if (!json_is_integer(label))
            return bad(channels, "labels", "integers or null", reterr);
        if (!layers_declare(channels->layers, json_integer_value(label), reterr) ||
            !add_slice(channels, i, json_integer_value(label), reterr))
            return false;
    }
    return true;
}

/* ---- the file -------------------------------------------------------------------------------- */

static uint64_t product(const uint64_t *shape, int from, int to)
{
    uint64_t n = 1;

    for (int i = from; i < to; i++)
        n *= shape[i];
    return n;
}

static void split_at(struct channels *channels, const struct mask_header *header, int axis)
{
    uint64_t before = product(header->shape, 0, axis);
    uint64_t after = product(header->shape, axis + 1, header->ndim);
    bool is_c = header->order == OV_ORDER_C;

    channels->n_slices = header->shape[axis];
    channels->n_outer = is_c ? before : after;
    channels->n_inner = is_c ? after : before;
}

/* The header of what is left without the axis, which is not one of those that the affine places. */
static void drop_axis(struct mask_header *header, int axis)
{
    for (int i = axis; i + 1 < header->ndim; i++)
        header->shape[i] = header->shape[i + 1];
    header->ndim--;
    if (axis < header->affine_axis)
        header->affine_axis--;
    else if (axis < header->affine_axis + 3)
        header->has_affine = false;
}

static const void *read_elements(struct reader *reader, struct growth *growth, void **ret_room,
                                 struct problem *reterr)
{
    size_t n = (size_t)reader_header(reader)->n_voxels;

    if (!reader_is_in_place(reader)) {
        *ret_room =
            growth_new(growth, n, ov_dtype_bytes(reader_header(reader)->encoding.dtype), reterr);
        if (*ret_room == NULL)
            return NULL;
    }
    return reader_tile(reader, n, *ret_room, reterr);
}

static bool read_layers(struct reader *reader, struct channels *channels, int axis,
                        struct problem *reterr)
{
    struct mask_header *header = reader__header(reader);

    split_at(channels, header, axis);
    drop_axis(header, axis);
    if (!reader__measure_layers(reader, reterr))
        return false;
    channels->layers = reader__layers(reader, reterr);
    return channels->layers != NULL && add_slices(channels, reterr) &&
           layers_merge(channels->layers, reterr);
}

bool channels_read(struct reader *reader, struct problem *reterr)
{
    const struct source *source = reader__source(reader);
    const struct mask_header *header = reader_header(reader);
    struct channels channels = {.source = source,
                                .encoding = header->encoding,
                                .width = ov_dtype_bytes(header->encoding.dtype)};
    struct growth growth = {.env = reader__env(reader), .pointer = source->pointer};
    void *room = NULL;
    bool ok;
    int axis = 0;

    if (header->layers != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "A %s mask has layers of its own; \"layers\" is for files of elements.",
                           format_name(header->format));
    ok = read_axis(&channels, header, &axis, reterr) && read_threshold(&channels, reterr);
    if (ok) {
        channels.elements = read_elements(reader, &growth, &room, reterr);
        ok = channels.elements != NULL && read_layers(reader, &channels, axis, reterr);
    }
    free(room);
    growth_done(&growth);
    return ok;
}
