/* nrrd_layers.c - a .seg.nrrd's voxels: segments in layers, put back into the image's extent. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/nrrd.h"

#include "proto/format/bytes.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)1 << 16)

/* A value in a layer, and the label it means. */
struct meaning {
    uint64_t layer;
    int64_t value;
    int64_t label;
};

/* Layers being read. */
struct layer_reader {
    struct reader *reader;
    struct coding *stream;
    struct layers *layers;
    struct problem *reterr;
    struct nrrd_place place;
    size_t width;
    enum bytes_order order;
    bool is_signed;
    struct meaning *meanings; /* ascending */
    size_t n_meanings;
    const struct meaning *last; /* found */
    uint8_t *chunk;
    size_t n_group; /* layers that lie side by side at each voxel */
};

static bool refuse(const struct nrrd *nrrd, const char *what)
{
    return problem_set(nrrd->lines->reterr, PROBLEM_UNSUPPORTED_MASK, nrrd->lines->pointer,
                       "The NRRD file holds %s.", what);
}

/* ---- the grid -------------------------------------------------------------------------------- */

/* The axes of space, and how many layers lie along the one that is none. */
static bool find_axes(const struct nrrd *nrrd, int axes[3], int *ret_n_axes, int *ret_list)
{
    int ndim = nrrd->header->ndim, n = 0, list = -1;

    for (int axis = 0; axis < ndim; axis++) {
        bool is_list =
            nrrd->is_list[axis] || (nrrd->n_directions > 0 && !nrrd->has_direction[axis]);

        if (is_list && list < 0)
            list = axis;
        else if (n < 3)
            axes[n++] = axis;
        else
            return refuse(nrrd, "segments of more axes than three and one of layers");
    }
    *ret_n_axes = n;
    *ret_list = list;
    return list <= 0 || list == ndim - 1 ||
           refuse(nrrd, "layers along another axis than the first or the last");
}

/* ---- runs ------------------------------------------------------------------------------------ */

static int compare_meanings(const void *a, const void *b)
{
    const struct meaning *x = a, *y = b;

    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

/* NULL where the value means no segment. */
static const struct meaning *meaning_of(struct layer_reader *lr, uint64_t layer, int64_t value)
{
    struct meaning wanted = {.layer = layer, .value = value};

    if (lr->last == NULL || lr->last->layer != layer || lr->last->value != value)
        lr->last = bsearch(&wanted, lr->meanings, lr->n_meanings, sizeof(wanted), compare_meanings);
    return lr->last;
}

/* One row's run, as far as it lies in the image. */
static bool add_row(struct layer_reader *lr, int64_t label, uint64_t voxel, uint64_t n)
{
    static const char outside[] = "voxels outside the reference image";
    const struct nrrd_place *place = &lr->place;
    const uint64_t *file = place->file_shape, *shape = place->shape;
    int64_t x = (int64_t)(voxel % file[0]) + place->offset[0];
    int64_t y = (int64_t)(voxel / file[0] % file[1]) + place->offset[1];
    int64_t z = (int64_t)(voxel / file[0] / file[1]) + place->offset[2];
    int64_t begin = x > 0 ? x : 0, end = x + (int64_t)n;

    if (end > (int64_t)shape[0])
        end = (int64_t)shape[0];
    if (y < 0 || z < 0 || y >= (int64_t)shape[1] || z >= (int64_t)shape[2])
        end = begin;
    if ((begin > x || end < x + (int64_t)n) &&
        !reader__skip(lr->reader, outside, sizeof(outside) - 1, lr->reterr))
        return false;
    return begin >= end ||
           layers_add(lr->layers, label,
                      ((uint64_t)z * shape[1] + (uint64_t)y) * shape[0] + (uint64_t)begin,
                      (uint64_t)(end - begin), lr->reterr);
}

static bool add_run(struct layer_reader *lr, uint64_t layer, int64_t value, uint64_t voxel,
                    uint64_t n)
{
    static const char unknown[] = "voxels of no segment";
    const struct meaning *meaning = meaning_of(lr, layer, value);
    uint64_t nx = lr->place.file_shape[0];

    if (lr->place.is_empty)
        return true;
    if (meaning == NULL)
        return reader__skip(lr->reader, unknown, sizeof(unknown) - 1, lr->reterr);
    if (!nrrd_place_is_moved(&lr->place))
        return layers_add(lr->layers, meaning->label, voxel, n, lr->reterr);
    while (n > 0) {
        uint64_t n_here = nx - voxel % nx;

        n_here = n_here < n ? n_here : n;
        if (!add_row(lr, meaning->label, voxel, n_here))
            return false;
        voxel += n_here;
        n -= n_here;
    }
    return true;
}

/* ---- elements -------------------------------------------------------------------------------- */

static uint64_t bits_of(const uint8_t *bytes, size_t width)
{
    uint64_t bits = 0;

    if (width == 1)
        return *bytes;
    memcpy(&bits, bytes, width);
    return bits;
}

static int64_t value_of(const struct layer_reader *lr, const uint8_t *bytes)
{
    return lr->is_signed ? bytes_signed(bytes, lr->width, lr->order)
                         : (int64_t)bytes_unsigned(bytes, lr->width, lr->order);
}

/* The runs of one layer among n voxels, the first of which is `voxel`. */
static bool add_chunk(struct layer_reader *lr, uint64_t layer, const uint8_t *bytes, uint64_t voxel,
                      size_t n)
{
    size_t step = lr->n_group * lr->width;

    for (size_t i = 0, end; i < n; i = end) {
        uint64_t bits = bits_of(bytes + i * step, lr->width);

        for (end = i + 1; end < n && bits_of(bytes + end * step, lr->width) == bits;)
            end++;
        if (bits != 0 && !add_run(lr, layer, value_of(lr, bytes + i * step), voxel + i, end - i))
            return false;
    }
    return true;
}

/* Layers from `layer` on that lie side by side. */
static bool read_group(struct layer_reader *lr, uint64_t layer)
{
    const uint64_t *file = lr->place.file_shape;
    uint64_t n_voxels = file[0] * file[1] * file[2];
    size_t group_bytes = lr->n_group * lr->width;
    size_t most = CHUNK_BYTES > group_bytes ? CHUNK_BYTES / group_bytes : 1;

    for (uint64_t voxel = 0; voxel < n_voxels; voxel += most) {
        size_t n = n_voxels - voxel < most ? (size_t)(n_voxels - voxel) : most;

        if (!coding_read(lr->stream, lr->chunk, n * group_bytes, lr->reterr))
            return false;
        for (size_t i = 0; i < lr->n_group; i++) {
            if (!add_chunk(lr, layer + i, lr->chunk + i * lr->width, voxel, n))
                return false;
        }
    }
    return true;
}

static bool read_all(struct layer_reader *lr, uint64_t n_layers)
{
    for (uint64_t layer = 0; layer < n_layers; layer += lr->n_group) {
        if (!read_group(lr, layer))
            return false;
    }
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool note_meanings(struct layer_reader *lr, const struct nrrd_segments *segments)
{
    for (size_t i = 0; i < segments->n; i++) {
        const struct nrrd_segment *segment = &segments->at[i];

        if (!segment->exists)
            continue;
        lr->meanings[lr->n_meanings++] =
            (struct meaning){segment->layer, segment->value, segment->label};
        if (!layers_declare(lr->layers, segment->label, lr->reterr))
            return false;
    }
    qsort(lr->meanings, lr->n_meanings, sizeof(*lr->meanings), compare_meanings);
    return true;
}

static bool read_layers(struct nrrd *nrrd, struct layer_reader *lr, uint64_t n_layers)
{
    struct growth *growth = &nrrd->segments.growth;
    size_t group_bytes = lr->n_group * lr->width;
    bool good;

    lr->meanings = growth_new(growth, nrrd->segments.n, sizeof(*lr->meanings), lr->reterr);
    lr->chunk =
        growth_new(growth, CHUNK_BYTES > group_bytes ? CHUNK_BYTES : group_bytes, 1, lr->reterr);
    good = lr->meanings != NULL && lr->chunk != NULL && note_meanings(lr, &nrrd->segments) &&
           read_all(lr, n_layers) && layers_merge(lr->layers, lr->reterr);
    free(lr->chunk);
    free(lr->meanings);
    return good;
}

static bool check_kind(const struct nrrd *nrrd)
{
    enum ov_dtype dtype = nrrd->header->encoding.dtype;

    if (nrrd->segments.is_fractional)
        return refuse(nrrd, "a fractional segmentation, which is no mask");
    return (dtype != OV_F32 && dtype != OV_F64) ||
           refuse(nrrd, "a segmentation of floats; segments are integers");
}

/* The mask as it is handed out: without the axis of layers, in the image's extent. */
static bool set_shape(struct reader *reader, const struct nrrd_place *place, int n_axes,
                      struct problem *reterr)
{
    struct mask_header *header = reader__header(reader);

    header->ndim = nrrd_place_is_moved(place) ? 3 : n_axes;
    memcpy(header->shape, place->shape, sizeof(place->shape));
    return reader__measure(reader, reterr);
}

bool nrrd_layers_open(struct nrrd *nrrd, struct reader *reader)
{
    struct mask_header *header = nrrd->header;
    struct layer_reader lr = {.reader = reader,
                              .stream = reader__stream(reader),
                              .reterr = nrrd->lines->reterr,
                              .width = ov_dtype_bytes(header->encoding.dtype),
                              .order = nrrd->is_big ? BYTES_BIG : BYTES_LITTLE,
                              .n_group = 1,
                              .place = {.file_shape = {1, 1, 1}}};
    enum ov_dtype dtype = header->encoding.dtype;
    uint64_t n_layers = 1;
    int axes[3], n_axes = 0, list = -1;

    lr.is_signed = dtype == OV_I8 || dtype == OV_I16 || dtype == OV_I32 || dtype == OV_I64;
    if (!check_kind(nrrd) || !find_axes(nrrd, axes, &n_axes, &list))
        return false;
    if (list >= 0)
        n_layers = header->shape[list];
    for (int i = 0; i < n_axes; i++)
        lr.place.file_shape[i] = header->shape[axes[i]];
    header->affine_axis = 0;
    header->has_affine = nrrd_affine(nrrd, axes, n_axes, header->affine);
    if (!nrrd_segments_resolve(nrrd, reader, n_layers) || !nrrd_place_find(nrrd, reader, &lr.place))
        return false;
    if (n_layers == 1 && !nrrd_place_is_moved(&lr.place)) /* values are labels */
        return set_shape(reader, &lr.place, n_axes, lr.reterr);
    if (list == 0)
        lr.n_group = (size_t)n_layers;
    header->encoding = (struct ov_encoding){.dtype = OV_U16};
    if (!set_shape(reader, &lr.place, n_axes, lr.reterr))
        return false;
    lr.layers = reader__layers(reader, lr.reterr);
    return lr.layers != NULL && read_layers(nrrd, &lr, n_layers);
}
