/* tiles.c - two tiles side by side -> counts: their joint runs, or voxel by voxel in noise. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tiles.h"

enum {
    AHEAD_BYTES = 512,     /* of the next chunk; the machine foresees the rest by itself */
    LOOKED_AT = 128,       /* voxels that are to tell whether there is noise still */
    MIN_NOISY = 1024,      /* fewer are not worth a second way of counting */
    MIN_TALLIED = 32768,   /* nor these a tally to empty */
    MAX_TALLIED = 1 << 30, /* before it is emptied: sums have 32 bits */
};

static size_t width_of(const struct ov__stream *stream)
{
    return ov_dtype_bytes(stream->rule.encoding.dtype);
}

bool ov__tiles_are_alike(const struct ov_counter *counter)
{
    const struct ov__stream *prediction = &counter->prediction;
    const struct ov__stream *reference = &counter->reference;
    return prediction->piece.tile != NULL && reference->piece.tile != NULL &&
           width_of(prediction) == width_of(reference);
}

static inline __attribute__((always_inline)) enum ov_status count_run(struct ov_counter *counter,
                                                                      uint64_t prediction_bits,
                                                                      uint64_t reference_bits,
                                                                      uint64_t length, size_t width)
{
    uint32_t prediction, reference;
    enum ov_status status =
        ov__stream_slot(&counter->prediction, prediction_bits, width, &prediction);
    if (status == OV_OK)
        status = ov__stream_slot(&counter->reference, reference_bits, width, &reference);
    if (status != OV_OK)
        return status;
    ov__labels_count(counter->labels.slots, prediction, reference, length);
    if (counter->options.pairs && reference != OV__SLOT_NONE)
        status = ov__pairs_add(&counter->pairs, prediction, reference, length);
    return status;
}

static inline __attribute__((always_inline)) enum ov_status count_runs(
    struct ov_counter *counter, const struct ov__chunk *chunk, size_t n_ends, size_t width,
    bool in_tally)
{
    enum ov_status status = OV_OK;
    size_t from = 0;
    for (size_t i = 0; status == OV_OK && i < n_ends; i++) {
        size_t last = counter->ends[i];
        uint64_t prediction = ov__stream_element(chunk->prediction + last * width, width);
        uint64_t reference = ov__stream_element(chunk->reference + last * width, width);
        if (in_tally && (prediction | reference) < OV__N_TALLY)
            ov__tally_add(&counter->tally, prediction, reference, last + 1 - from);
        else
            status = count_run(counter, prediction, reference, last + 1 - from, width);
        from = last + 1;
    }
    return status;
}

static inline __attribute__((always_inline)) enum ov_status count_runs_of(
    struct ov_counter *counter, const struct ov__chunk *chunk, size_t n_ends, size_t width)
{
    if (!counter->tally.is_used)
        return count_runs(counter, chunk, n_ends, width, false);
    enum ov_status status = count_runs(counter, chunk, n_ends, width, true);
    counter->tally.n_voxels += (uint32_t)chunk->n;
    return status == OV_OK && counter->tally.n_voxels > MAX_TALLIED ? ov__tally_flush(counter)
                                                                    : status;
}

static size_t find_ends(struct ov_counter *counter, const struct ov__chunk *chunk)
{
    const struct ov__kernels *kernels = ov__kernels_selected();
    ov__joint_ends *ends = chunk->width == 1   ? kernels->joint8
                           : chunk->width == 2 ? kernels->joint16
                           : chunk->width == 4 ? kernels->joint32
                                               : kernels->joint64;
    return ends(chunk->prediction, chunk->reference, chunk->n, counter->ends);
}

/* One loop per width, each with the width known to the compiler. */
static enum ov_status add_runs(struct ov_counter *counter, const struct ov__chunk *chunk,
                               size_t n_ends)
{
    switch (chunk->width) {
    case 1:
        return count_runs_of(counter, chunk, n_ends, 1);
    case 2:
        return count_runs_of(counter, chunk, n_ends, 2);
    case 4:
        return count_runs_of(counter, chunk, n_ends, 4);
    default:
        return count_runs_of(counter, chunk, n_ends, 8);
    }
}

/* Take what was counted off the front of the tiles. */
static void advance(struct ov__chunk *tiles, size_t n)
{
    tiles->prediction += n * tiles->width;
    tiles->reference += n * tiles->width;
    tiles->n -= n;
}

static struct ov__chunk front(const struct ov__chunk *tiles, size_t n)
{
    struct ov__chunk chunk = *tiles;
    chunk.n = tiles->n < n ? tiles->n : n;
    return chunk;
}

/* Ask for the start of the next chunk, so that memory is not idle while runs are added. */
static void ask_ahead(const struct ov__chunk *tiles)
{
    size_t n_bytes = tiles->n * tiles->width;
    for (size_t i = 0; i < AHEAD_BYTES && i < n_bytes; i += 64) {
        __builtin_prefetch(tiles->prediction + i);
        __builtin_prefetch(tiles->reference + i);
    }
}

static enum ov_status add_by_runs(struct ov_counter *counter, struct ov__chunk *tiles)
{
    struct ov__chunk chunk = front(tiles, OV__CHUNK);
    size_t n_ends = find_ends(counter, &chunk);
    ov__voxels_choose(counter, chunk.n, n_ends);
    advance(tiles, chunk.n);
    ask_ahead(tiles);
    return add_runs(counter, &chunk, n_ends);
}

/* See from a few voxels whether there is noise still. */
static void look_ahead(struct ov_counter *counter, const struct ov__chunk *tiles)
{
    struct ov__chunk chunk = front(tiles, LOOKED_AT);
    ov__voxels_choose(counter, chunk.n, find_ends(counter, &chunk));
}

static enum ov_status add_by_voxels(struct ov_counter *counter, struct ov__chunk *tiles)
{
    struct ov__chunk chunk = front(tiles, OV__FEW);
    bool is_done;
    enum ov_status status = ov__voxels_add(counter, &chunk, &is_done);
    if (status != OV_OK)
        return status;
    if (!is_done)
        return add_by_runs(counter, tiles);
    advance(tiles, chunk.n);
    if (tiles->n > 0)
        look_ahead(counter, tiles);
    return OV_OK;
}

enum ov_status ov__tiles_add(struct ov_counter *counter)
{
    struct ov__chunk tiles = {counter->prediction.piece.tile, counter->reference.piece.tile,
                              (size_t)counter->prediction.piece.n_voxels,
                              width_of(&counter->prediction)};
    enum ov_status status = OV_OK;
    counter->tally.is_used = tiles.n >= MIN_TALLIED && ov__tally_suffices(counter);
    while (status == OV_OK && tiles.n > 0)
        status = counter->voxels.is_noisy && tiles.n >= MIN_NOISY ? add_by_voxels(counter, &tiles)
                                                                  : add_by_runs(counter, &tiles);
    if (status == OV_OK)
        status = ov__tally_flush(counter);
    return status == OV_OK ? ov__voxels_flush(counter) : status;
}
