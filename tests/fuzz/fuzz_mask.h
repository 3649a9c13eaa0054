/* fuzz_mask.h - read a mask of arbitrary bytes, and hold the readers to what they promise. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_MASK_H
#define TESTS_FUZZ_MASK_H

#include "proto/reader.h"

#include <stdlib.h>
#include <string.h>

#define FUZZ_DECODED_BYTES ((uint64_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static uint64_t fuzz_taken;

static inline bool fuzz_take(uint64_t n_bytes)
{
    if (n_bytes > FUZZ_DECODED_BYTES - fuzz_taken)
        return false;
    fuzz_taken += n_bytes;
    return true;
}

static inline void fuzz_give(uint64_t n_bytes)
{
    fuzz_taken -= n_bytes;
}

static inline void fuzz_require(bool true_always)
{
    if (!true_always)
        abort();
}

static inline uint64_t fuzz_hash(uint64_t hash, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}

/* Read to the end in tiles of so many voxels. Returns a hash of them; 0 where something failed. */
static inline uint64_t fuzz_drain(struct reader *reader, size_t tile, struct problem *reterr)
{
    const struct mask_header *header = reader_header(reader);
    size_t size = ov_dtype_bytes(header->encoding.dtype);
    uint8_t *room = malloc(tile * size);
    uint64_t hash = 0xcbf29ce484222325;
    uint64_t n_left = header->n_voxels;

    while (n_left > 0) {
        size_t n = n_left < tile ? (size_t)n_left : tile;
        const void *found = reader_tile(reader, n, room, reterr);

        if (found == NULL)
            break;
        hash = fuzz_hash(hash, found, n * size);
        n_left -= n;
    }
    free(room);
    return n_left == 0 && reader_finish(reader, reterr) ? hash : 0;
}

static inline uint64_t fuzz_once(const struct source *source, size_t tile, struct problem *reterr)
{
    struct env env = {.memory_take = fuzz_take, .memory_give = fuzz_give};
    struct reader *reader;
    uint64_t hash = 0;

    env.limits.decoded_bytes = FUZZ_DECODED_BYTES;
    env.limits.voxels = FUZZ_DECODED_BYTES / 2;
    env.limits.body_bytes = FUZZ_DECODED_BYTES;
    env.limits.json_depth = 16;
    env.limits.json_values = 16384;
    reader = reader_new(source, &env, reterr);
    if (reader != NULL) {
        const struct mask_header *header = reader_header(reader);

        fuzz_require(header->n_voxels > 0 && header->n_voxels <= env.limits.voxels);
        fuzz_require(header->n_bytes <= env.limits.decoded_bytes);
        fuzz_require(header->ndim >= 1 && header->ndim <= OV_MAX_NDIM);
        hash = fuzz_drain(reader, tile, reterr);
    }
    reader_free(reader);
    fuzz_require(fuzz_taken == 0);
    fuzz_require((hash == 0) == (reterr->code != PROBLEM_NONE));
    return hash;
}

/* The size of the tiles changes neither the voxels nor whether there is a problem. */
static inline void fuzz_mask(const struct source *source)
{
    struct problem problems[2] = {{0}, {0}};
    uint64_t hash = fuzz_once(source, 4096, &problems[0]);

    fuzz_require(fuzz_once(source, source->n_bytes % 61 + 3, &problems[1]) == hash);
}

static inline struct source fuzz_source(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = {.pointer = "#/prediction",
                            .bytes = bytes,
                            .n_bytes = n_bytes,
                            .format = FORMAT_AUTO,
                            .coding = CODING_AUTO};
    return source;
}

#endif
