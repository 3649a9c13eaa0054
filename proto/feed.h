/* feed.h - the voxels of one mask, piece by piece: tiles, or runs where it has no elements. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FEED_H
#define PROTO_FEED_H

#include "proto/reader.h"

/* Both masks' pieces stay in a core's own cache between decoding and counting. */
#define FEED_BYTES ((size_t)64 << 10)
#define FEED_RUNS  (FEED_BYTES / sizeof(struct ov_run))

struct feed {
    struct reader *reader;
    void *room;   /* FEED_BYTES: elements, or runs */
    size_t i_run; /* runs i_run .. n_runs-1 of the room are not handed out yet */
    size_t n_runs;
    uint64_t n_ready; /* their voxels */
    uint64_t n_cut;   /* voxels that the last piece left of run i_run */
};

/* The room is borrowed. */
struct feed feed_of(struct reader *reader, void *room);

/* How many voxels the next piece may have, at most `left`: more than 0 where left is. */
uint64_t feed_ready(struct feed *feed, uint64_t left);

/* The next n voxels, of those that are ready; valid until the next call. */
bool feed_take(struct feed *feed, uint64_t n, struct ov_piece *ret_piece, struct problem *reterr);

#endif
