/* walk.c - two strided masks, index by index -> pieces for the counter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/counter.h"

/* Rows shorter than this are gathered into a block: a piece costs more than copying them does. */
enum { MIN_ROW = OV__CHUNK / 4 };

/* Side of a block where the masks' fastest axes differ: whole cache lines of both. */
enum { BLOCK_SIDE = 64 };

enum { MAX_WIDTH = 8 };

/* Which mask; indexes the arrays below. */
enum { PREDICTION, REFERENCE, N_SIDES };

struct axis {
    uint64_t n;
    int64_t stride[N_SIDES];
};

/* Both masks with their axes in an order that suits memory; counts do not depend on the order. */
struct walk {
    const unsigned char *data[N_SIDES];
    struct ov_encoding encoding[N_SIDES];
    size_t width[N_SIDES];
    int n_axes;
    struct axis axes[OV_MAX_NDIM + 1]; /* [n_axes], the fastest of the prediction first */
    uint64_t block[2];                 /* extent of a block along axes 0 and 1 */
};

static enum ov_status check_mask(const struct ov_mask *mask)
{
    enum ov_status status =
        ov_shape_size(mask->ndim, mask->shape, mask->encoding.dtype, NULL, NULL);
    return status == OV_OK && mask->data == NULL ? OV_EINVAL : status;
}

static enum ov_status check_masks(const struct ov_mask *prediction, const struct ov_mask *reference)
{
    if (prediction == NULL || reference == NULL)
        return OV_EINVAL;
    enum ov_status status = check_mask(prediction);
    if (status == OV_OK)
        status = check_mask(reference);
    if (status != OV_OK)
        return status;
    size_t shape_bytes = (size_t)prediction->ndim * sizeof prediction->shape[0];
    if (prediction->ndim != reference->ndim ||
        memcmp(prediction->shape, reference->shape, shape_bytes) != 0)
        return OV_ESHAPE;
    return OV_OK;
}

/* Turn an axis round in both masks where the prediction runs backwards along it. */
static void face_forward(struct walk *walk, struct axis *axis)
{
    int64_t leading = axis->stride[PREDICTION];
    if (leading == 0)
        leading = axis->stride[REFERENCE];
    for (int side = 0; leading < 0 && side < N_SIDES; side++) {
        walk->data[side] += (int64_t)(axis->n - 1) * axis->stride[side];
        axis->stride[side] = -axis->stride[side];
    }
}

static void insert_sorted(struct walk *walk, struct axis axis)
{
    int i = walk->n_axes++;
    for (; i > 0 && walk->axes[i - 1].stride[PREDICTION] > axis.stride[PREDICTION]; i--)
        walk->axes[i] = walk->axes[i - 1];
    walk->axes[i] = axis;
}

/* Make one axis of two that are one in both masks. */
static void coalesce(struct walk *walk)
{
    int n = 0;
    for (int i = 1; i < walk->n_axes; i++) {
        struct axis *fast = &walk->axes[n];
        const struct axis *slow = &walk->axes[i];
        bool is_one = true;
        for (int side = 0; side < N_SIDES; side++)
            is_one = is_one && slow->stride[side] == fast->stride[side] * (int64_t)fast->n;
        if (is_one)
            fast->n *= slow->n;
        else
            walk->axes[++n] = *slow;
    }
    walk->n_axes = n + 1;
}

static struct walk walk_of(const struct ov_mask *prediction, const struct ov_mask *reference)
{
    struct walk walk = {.data = {prediction->data, reference->data},
                        .encoding = {prediction->encoding, reference->encoding}};
    for (int side = 0; side < N_SIDES; side++)
        walk.width[side] = ov_dtype_bytes(walk.encoding[side].dtype);
    for (int i = 0; i < prediction->ndim; i++) {
        struct axis axis = {prediction->shape[i],
                            {prediction->strides_bytes[i], reference->strides_bytes[i]}};
        face_forward(&walk, &axis);
        if (axis.n > 1)
            insert_sorted(&walk, axis);
    }
    if (walk.n_axes == 0)
        insert_sorted(&walk, (struct axis){1, {(int64_t)walk.width[0], (int64_t)walk.width[1]}});
    coalesce(&walk);
    return walk;
}

/* Move both pointers to element `index` of the axes from `first` on, the first of these fastest. */
static void seek(const struct walk *walk, int first, uint64_t index,
                 const unsigned char *ret_data[N_SIDES])
{
    for (int i = first; i < walk->n_axes; i++) {
        const struct axis *axis = &walk->axes[i];
        int64_t position = (int64_t)(index % axis->n);
        index /= axis->n;
        for (int side = 0; side < N_SIDES; side++)
            ret_data[side] += position * axis->stride[side];
    }
}

static enum ov_status add_tiles(struct ov_counter *counter, const struct walk *walk,
                                const unsigned char *const data[N_SIDES], uint64_t n_voxels)
{
    struct ov_piece pieces[N_SIDES];
    for (int side = 0; side < N_SIDES; side++)
        pieces[side] = (struct ov_piece){
            .n_voxels = n_voxels, .tile = data[side], .encoding = walk->encoding[side]};
    return ov__counter_add_sound(counter, &pieces[PREDICTION], &pieces[REFERENCE]);
}

/* ---- rows that lie without gaps in both masks are tiles as they are ---- */

static bool has_rows(const struct walk *walk)
{
    const struct axis *axis = &walk->axes[0];
    for (int side = 0; side < N_SIDES; side++) {
        if (axis->stride[side] != (int64_t)walk->width[side])
            return false;
    }
    return walk->n_axes == 1 || axis->n >= MIN_ROW;
}

/* Count voxels from..to, numbered along the axes. */
static enum ov_status add_rows(struct ov_counter *counter, const struct walk *walk, uint64_t from,
                               uint64_t to)
{
    const uint64_t n_row = walk->axes[0].n;
    enum ov_status status = OV_OK;
    while (status == OV_OK && from < to) {
        uint64_t left_in_row = n_row - from % n_row;
        uint64_t n = left_in_row < to - from ? left_in_row : to - from;
        const unsigned char *data[N_SIDES] = {walk->data[PREDICTION], walk->data[REFERENCE]};
        seek(walk, 0, from, data);
        status = add_tiles(counter, walk, data, n);
        from += n;
    }
    return status;
}

/* ---- all else is gathered block by block ---- */

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*
 * Blocks span the fastest axis of the prediction and that of the reference, so that each cache line
 * is read once however the masks are ordered.
 */
static void choose_blocks(struct walk *walk)
{
    int fastest = 0;
    for (int i = 1; i < walk->n_axes; i++) {
        if (llabs(walk->axes[i].stride[REFERENCE]) < llabs(walk->axes[fastest].stride[REFERENCE]))
            fastest = i;
    }
    if (walk->n_axes == 1)
        walk->axes[walk->n_axes++] = (struct axis){1, {0, 0}};
    int second = fastest > 0 ? fastest : 1;
    struct axis axis = walk->axes[second];
    walk->axes[second] = walk->axes[1];
    walk->axes[1] = axis;
    assert(axis.n > 0 && walk->axes[0].n > 0);
    uint64_t along = smaller(walk->axes[0].n, fastest > 0 ? BLOCK_SIDE : OV__CHUNK);
    walk->block[1] = smaller(axis.n, OV__CHUNK / along);
    walk->block[0] = smaller(walk->axes[0].n, OV__CHUNK / walk->block[1]);
}

/* A rectangle of n[0] x n[1] elements of one mask; n[0] is fastest where it is copied to. */
struct block {
    const unsigned char *data;
    int64_t stride[2];
    size_t n[2];
};

static inline __attribute__((always_inline)) void copy_elements(unsigned char *to,
                                                                const struct block *from,
                                                                size_t width)
{
    /* The axis that lies closer in the source goes innermost: the copy is in cache, that is not. */
    int inner = llabs(from->stride[1]) < llabs(from->stride[0]);
    size_t to_stride[2] = {width, width * from->n[0]};
    for (size_t i = 0; i < from->n[!inner]; i++) {
        const unsigned char *source = from->data + (int64_t)i * from->stride[!inner];
        unsigned char *target = to + i * to_stride[!inner];
        for (size_t k = 0; k < from->n[inner]; k++) {
            memcpy(target, source, width);
            source += from->stride[inner];
            target += to_stride[inner];
        }
    }
}

static void copy_block(unsigned char *to, const struct block *from, size_t width)
{
    switch (width) {
    case 1:
        copy_elements(to, from, 1);
        break;
    case 2:
        copy_elements(to, from, 2);
        break;
    case 4:
        copy_elements(to, from, 4);
        break;
    default:
        copy_elements(to, from, 8);
        break;
    }
}

static void copy_rows(unsigned char *to, const struct block *from, size_t width)
{
    for (size_t i = 0; i < from->n[1]; i++)
        memcpy(to + i * from->n[0] * width, from->data + (int64_t)i * from->stride[1],
               from->n[0] * width);
}

static void gather(unsigned char *to, const struct block *from, size_t width)
{
    if (from->stride[0] == (int64_t)width)
        copy_rows(to, from, width);
    else
        copy_block(to, from, width);
}

static uint64_t n_blocks_along(const struct walk *walk, int i)
{
    return (walk->axes[i].n - 1) / walk->block[i] + 1;
}

static enum ov_status add_block(struct ov_counter *counter, const struct walk *walk, uint64_t index)
{
    const unsigned char *data[N_SIDES] = {walk->data[PREDICTION], walk->data[REFERENCE]};
    const unsigned char *tiles[N_SIDES];
    uint64_t start[2];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        start[i] = index % n_blocks_along(walk, i) * walk->block[i];
        n[i] = (size_t)smaller(walk->block[i], walk->axes[i].n - start[i]);
        index /= n_blocks_along(walk, i);
    }
    seek(walk, 2, index, data);
    for (int side = 0; side < N_SIDES; side++) {
        struct block block = {.n = {n[0], n[1]}};
        for (int i = 0; i < 2; i++) {
            block.stride[i] = walk->axes[i].stride[side];
            data[side] += (int64_t)start[i] * block.stride[i];
        }
        block.data = data[side];
        unsigned char *tile = counter->scratch + (size_t)side * OV__CHUNK * MAX_WIDTH;
        gather(tile, &block, walk->width[side]);
        tiles[side] = tile;
    }
    return add_tiles(counter, walk, tiles, n[0] * n[1]);
}

static enum ov_status add_blocks(struct ov_counter *counter, const struct walk *walk, uint64_t from,
                                 uint64_t to)
{
    if (counter->scratch == NULL)
        counter->scratch = malloc((size_t)N_SIDES * OV__CHUNK * MAX_WIDTH);
    if (counter->scratch == NULL)
        return OV_ENOMEM;
    enum ov_status status = OV_OK;
    for (; status == OV_OK && from < to; from++)
        status = add_block(counter, walk, from);
    return status;
}

/* Where part `part` of n things begins; the parts differ by at most one thing. */
static uint64_t part_start(uint64_t n, size_t part, size_t n_parts)
{
    return n / n_parts * part + smaller(part, n % n_parts);
}

enum ov_status ov_counter_add_masks(struct ov_counter *counter, const struct ov_mask *prediction,
                                    const struct ov_mask *reference, size_t part, size_t n_parts)
{
    enum ov_status status = check_masks(prediction, reference);
    if (status != OV_OK)
        return status;
    if (part >= n_parts)
        return OV_EINVAL;
    struct walk walk = walk_of(prediction, reference);
    bool by_rows = has_rows(&walk);
    if (!by_rows)
        choose_blocks(&walk);
    uint64_t n = 1;
    for (int i = 0; i < walk.n_axes; i++)
        n *= by_rows || i >= 2 ? walk.axes[i].n : n_blocks_along(&walk, i);
    uint64_t from = part_start(n, part, n_parts);
    uint64_t to = part_start(n, part + 1, n_parts);
    return by_rows ? add_rows(counter, &walk, from, to) : add_blocks(counter, &walk, from, to);
}
