/* tiles.c - two tiles side by side -> counts: their joint runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tiles.h"

/* As much of both tiles as a kernel takes. */
struct chunk {
    const unsigned char *prediction;
    const unsigned char *reference;
    size_t n;
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
                                                                      const struct chunk *chunk,
                                                                      size_t last, uint64_t length,
                                                                      size_t width)
{
    uint32_t prediction, reference;
    enum ov_status status = ov__stream_slot(
        &counter->prediction, ov__stream_element(chunk->prediction + last * width, width), width,
        &prediction);
    if (status == OV_OK)
        status = ov__stream_slot(&counter->reference,
                                 ov__stream_element(chunk->reference + last * width, width), width,
                                 &reference);
    if (status != OV_OK)
        return status;
    ov__labels_count(counter->labels.slots, prediction, reference, length);
    if (counter->options.pairs && reference != OV__SLOT_NONE)
        status = ov__pairs_add(&counter->pairs, prediction, reference, length);
    return status;
}

static inline __attribute__((always_inline)) enum ov_status count_runs(struct ov_counter *counter,
                                                                       const struct chunk *chunk,
                                                                       size_t n_ends, size_t width)
{
    enum ov_status status = OV_OK;
    size_t from = 0;
    for (size_t i = 0; status == OV_OK && i < n_ends; i++) {
        size_t last = counter->ends[i];
        status = count_run(counter, chunk, last, last + 1 - from, width);
        from = last + 1;
    }
    return status;
}

/* One loop per width, each with the width known to the compiler. */
static enum ov_status add_chunk(struct ov_counter *counter, const struct chunk *chunk, size_t width)
{
    const struct ov__kernels *kernels = ov__kernels_selected();
    const unsigned char *p = chunk->prediction, *r = chunk->reference;
    switch (width) {
    case 1:
        return count_runs(counter, chunk, kernels->joint8(p, r, chunk->n, counter->ends), 1);
    case 2:
        return count_runs(counter, chunk, kernels->joint16(p, r, chunk->n, counter->ends), 2);
    case 4:
        return count_runs(counter, chunk, kernels->joint32(p, r, chunk->n, counter->ends), 4);
    default:
        return count_runs(counter, chunk, kernels->joint64(p, r, chunk->n, counter->ends), 8);
    }
}

enum ov_status ov__tiles_add(struct ov_counter *counter)
{
    size_t width = width_of(&counter->prediction);
    uint64_t left = counter->prediction.piece.n_voxels;
    struct chunk chunk = {counter->prediction.piece.tile, counter->reference.piece.tile, 0};
    enum ov_status status = OV_OK;
    while (status == OV_OK && left > 0) {
        chunk.n = left < OV__CHUNK ? (size_t)left : OV__CHUNK;
        status = add_chunk(counter, &chunk, width);
        chunk.prediction += chunk.n * width;
        chunk.reference += chunk.n * width;
        left -= chunk.n;
    }
    return status;
}
