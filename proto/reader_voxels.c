/* reader_voxels.c - a mask's voxels: their limits, and they themselves as tiles or as runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/reader_impl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* "512 x 512 x 300" */
static void print_shape(const struct mask_header *header, char *text, size_t cap_text)
{
    size_t at = 0;

    for (int axis = 0; axis < header->ndim && at < cap_text; axis++)
        at += (size_t)snprintf(text + at, cap_text - at, "%s%llu", axis > 0 ? " x " : "",
                               (unsigned long long)header->shape[axis]);
}

static bool set_too_large(const struct reader *reader, enum ov_status status,
                          struct problem *reterr)
{
    const struct mask_header *header = &reader->header;
    const struct limits *limits = &reader->env->limits;
    const char *pointer = reader->source.pointer;
    char shape[OV_MAX_NDIM * 24];

    print_shape(header, shape, sizeof(shape));
    if (status != OV_OK)
        return problem_set(reterr, PROBLEM_TOO_MANY_VOXELS, pointer,
                           "The mask's shape is %s: that is beyond 2^63 bytes; the limit is %llu "
                           "voxels (limits.voxels).",
                           shape, (unsigned long long)limits->voxels);
    if (header->n_voxels > limits->voxels)
        return problem_set(reterr, PROBLEM_TOO_MANY_VOXELS, pointer,
                           "The mask has %llu voxels (%s); the limit is %llu (limits.voxels).",
                           (unsigned long long)header->n_voxels, shape,
                           (unsigned long long)limits->voxels);
    return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, pointer,
                       "The mask takes %llu bytes when decoded (%s of %s); the limit is %llu "
                       "(limits.decoded_bytes).",
                       (unsigned long long)header->n_bytes, shape,
                       ov_dtype_name(header->encoding.dtype),
                       (unsigned long long)limits->decoded_bytes);
}

static bool measure(struct reader *reader, uint64_t most_bytes, struct problem *reterr)
{
    struct mask_header *header = &reader->header;
    enum ov_status status;

    for (int axis = 0; axis < header->ndim; axis++) {
        if (header->shape[axis] == 0)
            return problem_set(reterr, PROBLEM_BAD_MASK, reader->source.pointer,
                               "Axis %d of the mask is 0: it has no voxels.", axis);
    }
    status = ov_shape_size(header->ndim, header->shape, header->encoding.dtype, &header->n_voxels,
                           &header->n_bytes);
    if (status != OV_OK || header->n_voxels > reader->env->limits.voxels ||
        header->n_bytes > most_bytes)
        return set_too_large(reader, status, reterr);
    return true;
}

bool reader__measure(struct reader *reader, struct problem *reterr)
{
    return measure(reader, reader->env->limits.decoded_bytes, reterr);
}

bool reader__measure_layers(struct reader *reader, struct problem *reterr)
{
    reader->header.encoding = (struct ov_encoding){.dtype = OV_U16};
    return measure(reader, UINT64_MAX, reterr);
}

bool reader_may_be_unpacked(const struct reader *reader, struct problem *reterr)
{
    return reader->header.n_bytes <= reader->env->limits.decoded_bytes ||
           set_too_large(reader, OV_OK, reterr);
}

bool reader_extend(struct reader *reader, uint64_t before, uint64_t after, struct problem *reterr)
{
    struct mask_header *header = &reader->header;
    int last = header->ndim - 1;
    uint64_t n_slice = header->n_voxels / header->shape[last];

    /* Slices are fewer than 2^63 by far; a sum that large is beyond any limit. */
    header->shape[last] += before + after;
    if (!reader__measure_layers(reader, reterr) ||
        !layers_pad(header->layers, before * n_slice, after * n_slice, reterr))
        return false;
    for (int row = 0; row < 3; row++)
        header->affine[row][3] -= (double)before * header->affine[row][last];
    header->added[0] += before;
    header->added[1] += after;
    reader->n_left = header->n_voxels;
    return true;
}

void reader_hand_out_labels(struct reader *reader)
{
    struct mask_header *header = &reader->header;
    int64_t largest;

    layers_hand_out_labels(header->layers);
    largest = layers_largest(header->layers);
    header->encoding.dtype = largest <= UINT8_MAX ? OV_U8 : largest <= UINT16_MAX ? OV_U16 : OV_I64;
    if (layers_n_labels(header->layers) > 0 && layers_labels(header->layers)[0] < 0)
        header->encoding.dtype = OV_I64;
    header->n_bytes = header->n_voxels * ov_dtype_bytes(header->encoding.dtype);
}

void reader_runs(struct reader *reader, struct ov_run *room, size_t cap, size_t *ret_n)
{
    layers_next(reader->header.layers, room, cap, ret_n);
}

/* Elements of 1, 2 or 8 bytes, as reader_hand_out_labels chooses them. */
static void fill(unsigned char *room, enum ov_dtype dtype, int64_t label, size_t n)
{
    uint16_t narrow = (uint16_t)label;

    if (dtype == OV_U8)
        memset(room, (int)label, n);
    for (size_t i = 0; dtype == OV_U16 && i < n; i++)
        memcpy(room + i * sizeof(narrow), &narrow, sizeof(narrow));
    for (size_t i = 0; dtype == OV_I64 && i < n; i++)
        memcpy(room + i * sizeof(label), &label, sizeof(label));
}

/* The next n voxels of a mask in runs, as elements. */
static void unpack_runs(struct reader *reader, size_t n, unsigned char *room)
{
    enum ov_dtype dtype = reader->header.encoding.dtype;
    struct ov_run *rest = &reader->rest;
    size_t n_runs;

    while (n > 0) {
        size_t length;

        if (rest->length == 0)
            layers_next(reader->header.layers, rest, 1, &n_runs);
        length = rest->length < n ? (size_t)rest->length : n;
        fill(room, dtype, rest->label, length);
        room += length * ov_dtype_bytes(dtype);
        rest->length -= length;
        n -= length;
    }
}

bool reader_is_in_place(const struct reader *reader)
{
    if (reader->view != NULL)
        return reader->header.layers == NULL && view_is_in_place(reader->view);
    return reader->format->tile == NULL && reader->header.layers == NULL &&
           reader->header.coding == CODING_NONE && !inner_is_open(&reader->inner);
}

const struct view *reader_view(const struct reader *reader)
{
    return reader->header.layers == NULL ? reader->view : NULL;
}

const void *reader_tile(struct reader *reader, size_t n, void *room, struct problem *reterr)
{
    size_t n_bytes = n * ov_dtype_bytes(reader->header.encoding.dtype);
    const void *tile;

    assert(n <= reader->n_left);
    reader->n_left -= n;
    if (reader->header.layers != NULL) {
        unpack_runs(reader, n, room);
        return room;
    }
    if (reader->view != NULL)
        return view_tile(reader->view, &reader->window,
                         reader->header.n_voxels - reader->n_left - n, n, room, reterr);
    if (reader->format->tile != NULL)
        return reader->format->tile(reader, n, room, reterr) ? room : NULL;
    tile = coding_borrow(reader->stream, n_bytes);
    if (tile != NULL)
        return tile;
    if (room == NULL) {
        problem_set(reterr, PROBLEM_TRUNCATED, reader->source.pointer,
                    "The data ends before the mask's %llu voxels are complete.",
                    (unsigned long long)reader->header.n_voxels);
        return NULL;
    }
    return coding_read(reader->stream, room, n_bytes, reterr) ? room : NULL;
}
