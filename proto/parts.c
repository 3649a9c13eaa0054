/* parts.c - two masks counted where they lie, by several threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proto/feed.h"
#include "proto/score.h"
#include "proto/view.h"

/* Below, starting a second thread costs more than it saves. */
#define PART_BYTES ((uint64_t)4 << 20)

/* Parts per thread: one that starts late, or is slow, leaves more of them to the others. */
#define PARTS_PER_THREAD 2

static const int both[SCORE_N_MASKS] = {SCORE_PREDICTION, SCORE_REFERENCE};

/* A share of the voxels, with all that one thread needs to count it. */
struct share {
    struct ov_counter *counter;
    struct view_window windows[SCORE_N_MASKS];
    uint8_t *rooms;
    struct problem problem;
    uint64_t read_ns;
    uint64_t count_ns;
};

struct split {
    struct score *score;
    const struct view *views[SCORE_N_MASKS];
    bool in_place;
    struct ov_mask masks[SCORE_N_MASKS]; /* in_place: with the pair's shape */
    struct ov_counter_options options;
    size_t n_parts;
    struct share *shares; /* [n_parts] */
    atomic_bool failed;
};

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to count.");
}

bool parts_can(const struct score *score)
{
    bool mapped = true;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        const struct view *view = reader_view(score->readers[i]);

        if (view == NULL)
            return false;
        mapped = mapped && view->mask.data != NULL;
    }
    return mapped || score->pair.same_order;
}

/* The view with the pair's shape: "axes": "reverse" turns that of the prediction round. */
static struct ov_mask mask_of(const struct score *score, int which, const struct view *view)
{
    bool reversed = which == SCORE_PREDICTION && score->request.reverse_axes;
    struct ov_mask mask = view->mask;

    mask.ndim = score->pair.ndim;
    for (int i = 0; i < mask.ndim; i++) {
        int axis = reversed ? view->mask.ndim - 1 - i : i;

        mask.shape[i] = view->mask.shape[axis];
        mask.strides_bytes[i] = view->mask.strides_bytes[axis];
    }
    return mask;
}

/* ---- one part -------------------------------------------------------------------------------- */

static bool refuse(const struct split *split, enum ov_status status, const struct ov_piece *pieces,
                   struct problem *reterr)
{
    return tally_refuse(status, tally_culprit(split->score, pieces, status), reterr);
}

/* Which of two masks that are in place: each is counted against itself. */
static int culprit_in_place(const struct split *split, enum ov_status status)
{
    struct ov_counter *counter;
    const struct ov_mask *mask = &split->masks[SCORE_PREDICTION];
    int which = SCORE_REFERENCE;

    if (ov_counter_new(&split->options, &counter) != OV_OK)
        return which;
    if (ov_counter_add_masks(counter, mask, mask, 0, 1) == status)
        which = SCORE_PREDICTION;
    ov_counter_free(counter);
    return which;
}

static bool count_in_place(const struct split *split, size_t i, struct problem *reterr)
{
    struct share *share = &split->shares[i];
    uint64_t start = split->score->env->now_ns();
    enum ov_status status = ov_counter_add_masks(share->counter, &split->masks[SCORE_PREDICTION],
                                                 &split->masks[SCORE_REFERENCE], i, split->n_parts);

    share->count_ns += split->score->env->now_ns() - start;
    return status == OV_OK || tally_refuse(status, culprit_in_place(split, status), reterr);
}

/* The next n voxels of both masks: read into memory of ours, then counted there. */
static bool count_tiles(const struct split *split, struct share *share, uint64_t from, size_t n,
                        struct problem *reterr)
{
    const struct env *env = split->score->env;
    struct ov_piece pieces[SCORE_N_MASKS];
    uint64_t start = env->now_ns();
    uint64_t is_read;
    enum ov_status status;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        const struct view *view = split->views[both[i]];

        pieces[i] = (struct ov_piece){.n_voxels = n, .encoding = view->mask.encoding};
        pieces[i].tile = view_tile(view, &share->windows[i], from, n,
                                   share->rooms + (size_t)i * FEED_BYTES, reterr);
        if (pieces[i].tile == NULL)
            return false;
    }
    is_read = env->now_ns();
    share->read_ns += is_read - start;
    status = ov_counter_add(share->counter, &pieces[SCORE_PREDICTION], &pieces[SCORE_REFERENCE]);
    share->count_ns += env->now_ns() - is_read;
    return status == OV_OK || refuse(split, status, pieces, reterr);
}

/* Where part i of the voxels begins. */
static uint64_t part_start(const struct split *split, size_t i)
{
    uint64_t n = split->score->pair.n_voxels;

    return n / split->n_parts * i + (n % split->n_parts) * i / split->n_parts;
}

static size_t tile_voxels(const struct split *split)
{
    size_t width = 1;

    for (int i = 0; i < SCORE_N_MASKS; i++)
        width = split->views[i]->width > width ? split->views[i]->width : width;
    return FEED_BYTES / width;
}

static bool count_read(const struct split *split, size_t i, struct problem *reterr)
{
    struct share *share = &split->shares[i];
    uint64_t end = part_start(split, i + 1);
    size_t most = tile_voxels(split);

    share->rooms = malloc(SCORE_N_MASKS * FEED_BYTES);
    if (share->rooms == NULL)
        return no_memory(reterr);
    for (uint64_t at = part_start(split, i); at < end;) {
        size_t n = end - at < most ? (size_t)(end - at) : most;

        if (atomic_load_explicit(&split->failed, memory_order_relaxed) ||
            !count_tiles(split, share, at, n, reterr))
            return false;
        at += n;
    }
    return true;
}

static void count_part(void *argument, size_t i)
{
    struct split *split = argument;
    struct share *share = &split->shares[i];
    bool ok = true;

    if (i > 0)
        ok =
            ov_counter_new(&split->options, &share->counter) == OV_OK || no_memory(&share->problem);
    else
        share->counter = split->score->counter;
    if (ok)
        ok = split->in_place ? count_in_place(split, i, &share->problem)
                             : count_read(split, i, &share->problem);
    if (!ok)
        atomic_store_explicit(&split->failed, true, memory_order_relaxed);
    free(share->rooms);
    for (int side = 0; side < SCORE_N_MASKS; side++)
        view_window_done(&share->windows[side]);
}

/* ---- all parts ------------------------------------------------------------------------------- */

/* Each part may come to have a table of pairs of its own. */
static size_t choose_parts(const struct score *score, bool pairs)
{
    const struct env *env = score->env;
    uint64_t n_bytes = score_decoded_bytes(score);
    uint64_t most = n_bytes / PART_BYTES;

    if (env->each == NULL || env->n_threads < 2 || most < 2 ||
        (pairs && tally_pairs_bytes(score) > 0))
        return 1;
    return most < env->n_threads * PARTS_PER_THREAD ? (size_t)most
                                                    : env->n_threads * PARTS_PER_THREAD;
}

/* Counts are integers: whichever part comes first, the sum is the same. */
static bool merge(struct split *split, struct problem *reterr)
{
    struct score *score = split->score;

    for (size_t i = 0; i < split->n_parts; i++) {
        struct share *share = &split->shares[i];
        enum ov_status status = OV_OK;

        score->decode_ns += share->read_ns;
        score->count_ns += share->count_ns;
        if (share->problem.code != PROBLEM_NONE && reterr->code == PROBLEM_NONE)
            *reterr = share->problem;
        if (i > 0 && reterr->code == PROBLEM_NONE)
            status = ov_counter_merge(score->counter, share->counter);
        if (status != OV_OK)
            tally_refuse(status, SCORE_REFERENCE, reterr);
    }
    return reterr->code == PROBLEM_NONE;
}

static void run_parts(struct split *split)
{
    if (split->n_parts == 1)
        count_part(split, 0);
    else
        split->score->env->each(count_part, split, split->n_parts);
}

static bool count_all(struct split *split, struct problem *reterr)
{
    bool ok;

    split->options = tally_options(split->score);
    split->n_parts = choose_parts(split->score, split->options.pairs);
    split->shares = calloc(split->n_parts, sizeof(*split->shares));
    if (split->shares == NULL)
        return no_memory(reterr);
    run_parts(split);
    ok = merge(split, reterr);
    for (size_t i = 1; i < split->n_parts; i++)
        ov_counter_free(split->shares[i].counter);
    free(split->shares);
    return ok;
}

bool parts_run(struct score *score, struct problem *reterr)
{
    struct split split = {.score = score, .in_place = true};

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        split.views[i] = reader_view(score->readers[i]);
        split.in_place = split.in_place && split.views[i]->mask.data != NULL;
        split.masks[i] = mask_of(score, i, split.views[i]);
    }
    return count_all(&split, reterr);
}

bool parts_run_masks(struct score *score, const struct ov_mask *masks, struct problem *reterr)
{
    struct split split = {.score = score, .in_place = true};

    memcpy(split.masks, masks, sizeof(split.masks));
    return count_all(&split, reterr);
}
