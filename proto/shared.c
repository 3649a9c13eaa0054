/* shared.c - two masks in shared memory, counted where they lie and by several threads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>

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

struct shared {
    struct score *score;
    const struct view *views[SCORE_N_MASKS];
    bool in_place;
    struct ov_mask masks[SCORE_N_MASKS]; /* in_place: with the pair's shape */
    struct ov_counter_options options;
    size_t n_parts;
    struct share *parts;
    atomic_bool failed;
};

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to count.");
}

bool shared_can(const struct score *score)
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

static bool refuse(const struct shared *shared, enum ov_status status,
                   const struct ov_piece *pieces, struct problem *reterr)
{
    return tally_refuse(status, tally_culprit(shared->score, pieces, status), reterr);
}

/* Which of two masks that are in place: each is counted against itself. */
static int culprit_in_place(const struct shared *shared, enum ov_status status)
{
    struct ov_counter *counter;
    const struct ov_mask *mask = &shared->masks[SCORE_PREDICTION];
    int which = SCORE_REFERENCE;

    if (ov_counter_new(&shared->options, &counter) != OV_OK)
        return which;
    if (ov_counter_add_masks(counter, mask, mask, 0, 1) == status)
        which = SCORE_PREDICTION;
    ov_counter_free(counter);
    return which;
}

static bool count_in_place(const struct shared *shared, size_t i, struct problem *reterr)
{
    struct share *share = &shared->parts[i];
    uint64_t start = shared->score->env->now_ns();
    enum ov_status status =
        ov_counter_add_masks(share->counter, &shared->masks[SCORE_PREDICTION],
                             &shared->masks[SCORE_REFERENCE], i, shared->n_parts);

    share->count_ns += shared->score->env->now_ns() - start;
    return status == OV_OK || tally_refuse(status, culprit_in_place(shared, status), reterr);
}

/* The next n voxels of both masks: read into memory of ours, then counted there. */
static bool count_tiles(const struct shared *shared, struct share *share, uint64_t from, size_t n,
                        struct problem *reterr)
{
    const struct env *env = shared->score->env;
    struct ov_piece pieces[SCORE_N_MASKS];
    uint64_t start = env->now_ns();
    uint64_t is_read;
    enum ov_status status;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        const struct view *view = shared->views[both[i]];

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
    return status == OV_OK || refuse(shared, status, pieces, reterr);
}

/* Where part i of the voxels begins. */
static uint64_t part_start(const struct shared *shared, size_t i)
{
    uint64_t n = shared->score->pair.n_voxels;

    return n / shared->n_parts * i + (n % shared->n_parts) * i / shared->n_parts;
}

static size_t tile_voxels(const struct shared *shared)
{
    size_t width = 1;

    for (int i = 0; i < SCORE_N_MASKS; i++)
        width = shared->views[i]->width > width ? shared->views[i]->width : width;
    return FEED_BYTES / width;
}

static bool count_read(const struct shared *shared, size_t i, struct problem *reterr)
{
    struct share *share = &shared->parts[i];
    uint64_t end = part_start(shared, i + 1);
    size_t most = tile_voxels(shared);

    share->rooms = malloc(SCORE_N_MASKS * FEED_BYTES);
    if (share->rooms == NULL)
        return no_memory(reterr);
    for (uint64_t at = part_start(shared, i); at < end;) {
        size_t n = end - at < most ? (size_t)(end - at) : most;

        if (atomic_load_explicit(&shared->failed, memory_order_relaxed) ||
            !count_tiles(shared, share, at, n, reterr))
            return false;
        at += n;
    }
    return true;
}

static void count_part(void *argument, size_t i)
{
    struct shared *shared = argument;
    struct share *share = &shared->parts[i];
    bool ok = true;

    if (i > 0)
        ok = ov_counter_new(&shared->options, &share->counter) == OV_OK ||
             no_memory(&share->problem);
    else
        share->counter = shared->score->counter;
    if (ok)
        ok = shared->in_place ? count_in_place(shared, i, &share->problem)
                              : count_read(shared, i, &share->problem);
    if (!ok)
        atomic_store_explicit(&shared->failed, true, memory_order_relaxed);
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
static bool merge(struct shared *shared, struct problem *reterr)
{
    struct score *score = shared->score;

    for (size_t i = 0; i < shared->n_parts; i++) {
        struct share *share = &shared->parts[i];
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

static void run_parts(struct shared *shared)
{
    if (shared->n_parts == 1)
        count_part(shared, 0);
    else
        shared->score->env->each(count_part, shared, shared->n_parts);
}

bool shared_run(struct score *score, struct problem *reterr)
{
    struct shared shared = {.score = score, .in_place = true, .options = tally_options(score)};
    bool ok;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        shared.views[i] = reader_view(score->readers[i]);
        shared.in_place = shared.in_place && shared.views[i]->mask.data != NULL;
        shared.masks[i] = mask_of(score, i, shared.views[i]);
    }
    shared.n_parts = choose_parts(score, shared.options.pairs);
    shared.parts = calloc(shared.n_parts, sizeof(*shared.parts));
    if (shared.parts == NULL)
        return no_memory(reterr);
    run_parts(&shared);
    ok = merge(&shared, reterr);
    for (size_t i = 1; i < shared.n_parts; i++)
        ov_counter_free(shared.parts[i].counter);
    free(shared.parts);
    return ok;
}
