/* feed.c - the voxels of one mask, piece by piece: tiles, or runs where it has no elements. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/feed.h"

struct feed feed_of(struct reader *reader, void *room)
{
    return (struct feed){.reader = reader, .room = room};
}

static bool is_in_runs(const struct feed *feed)
{
    return reader_header(feed->reader)->layers != NULL;
}

static struct ov_run *runs_of(const struct feed *feed)
{
    return feed->room;
}

/* What the last piece cut off a run becomes a run again. */
static void mend_cut(struct feed *feed)
{
    if (feed->n_cut > 0)
        runs_of(feed)[feed->i_run].length = feed->n_cut;
    feed->n_cut = 0;
}

static void refill(struct feed *feed)
{
    feed->i_run = 0;
    reader_runs(feed->reader, runs_of(feed), FEED_RUNS, &feed->n_runs);
    for (size_t i = 0; i < feed->n_runs; i++)
        feed->n_ready += runs_of(feed)[i].length;
}

uint64_t feed_ready(struct feed *feed, uint64_t left)
{
    uint64_t most = FEED_BYTES / ov_dtype_bytes(reader_header(feed->reader)->encoding.dtype);

    if (is_in_runs(feed)) {
        mend_cut(feed);
        if (feed->n_ready == 0)
            refill(feed);
        most = feed->n_ready;
    }
    return left < most ? left : most;
}

static struct ov_piece take_runs(struct feed *feed, uint64_t n)
{
    struct ov_run *runs = runs_of(feed);
    struct ov_piece piece = {.n_voxels = n, .runs = runs + feed->i_run};
    uint64_t left = n;

    feed->n_ready -= n;
    while (left > runs[feed->i_run].length)
        left -= runs[feed->i_run++].length;
    piece.n_runs = (size_t)(runs + feed->i_run - piece.runs) + 1;
    feed->n_cut = runs[feed->i_run].length - left;
    runs[feed->i_run].length = left;
    feed->i_run += feed->n_cut == 0;
    return piece;
}

bool feed_take(struct feed *feed, uint64_t n, struct ov_piece *ret_piece, struct problem *reterr)
{
    struct ov_piece piece = {.n_voxels = n, .encoding = reader_header(feed->reader)->encoding};

    if (is_in_runs(feed)) {
        *ret_piece = take_runs(feed, n);
        return true;
    }
    piece.tile = reader_tile(feed->reader, (size_t)n, feed->room, reterr);
    if (piece.tile == NULL)
        return false;
    *ret_piece = piece;
    return true;
}
