/* tally.c - two masks being decoded, piece by piece, into one counter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "proto/feed.h"
#include "proto/overlay.h"
#include "proto/relay.h"

/* A table of pairs: two to four buckets of 16 bytes for each, and the old half while it grows. */
#define PAIR_BYTES       ((uint64_t)48)
#define PAIRS_FREE_BYTES ((uint64_t)1 << 20)

static const char *const pointers[SCORE_N_MASKS] = {"#/prediction", "#/reference"};

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to count.");
}

/* Which mask brought the counter to fail: each is counted against itself. */
int tally_culprit(const struct score *score, const struct ov_piece *pieces, enum ov_status status)
{
    struct ov_counter_options options = {.has_threshold = score->request.has_threshold,
                                         .threshold = score->request.threshold,
                                         .hash_seed = score->env->hash_seed};
    struct ov_counter *counter;
    int which = SCORE_REFERENCE;

    if (ov_counter_new(&options, &counter) != OV_OK)
        return which;
    if (ov_counter_add(counter, &pieces[SCORE_PREDICTION], &pieces[SCORE_PREDICTION]) == status)
        which = SCORE_PREDICTION;
    ov_counter_free(counter);
    return which;
}

bool tally_refuse(enum ov_status status, int which, struct problem *reterr)
{
    const char *name = pointers[which] + 2;

    switch (status) {
    case OV_ENOMEM:
        return no_memory(reterr);
    case OV_EFRACTION:
        return problem_set(reterr, PROBLEM_NON_INTEGRAL, pointers[which],
                           "The %s holds values that are not integers; \"threshold\": t makes "
                           "label 1 of what is greater than t.",
                           name);
    case OV_ENAN:
        return problem_set(reterr, PROBLEM_NOT_A_NUMBER, pointers[which],
                           "The %s holds a voxel that is not a number (NaN).", name);
    case OV_ELABEL:
        return problem_set(reterr, PROBLEM_LABEL_OUT_OF_RANGE, pointers[which],
                           "The %s holds a label outside -2147483648..4294967295.", name);
    case OV_EMANY:
        return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, NULL,
                           "The masks hold more than %d distinct labels: are these images rather "
                           "than label maps?",
                           OV_MAX_LABELS);
    case OV_EPAIRS:
        return problem_set(
            reterr, PROBLEM_TOO_MANY_LABELS, NULL,
            "The masks hold more than %d distinct pairs of labels, which regions and "
            "a confusion matrix have to count.",
            OV_MAX_PAIRS);
    default:
        return problem_set(reterr, PROBLEM_INTERNAL, NULL, "Counting failed: %s.",
                           ov_status_text(status));
    }
}

bool tally_add(struct score *score, const struct ov_piece *pieces, struct problem *reterr)
{
    enum ov_status status =
        ov_counter_add(score->counter, &pieces[SCORE_PREDICTION], &pieces[SCORE_REFERENCE]);

    if (status == OV_OK && score->overlay != NULL)
        status = overlay_add(score->overlay, pieces);
    return status == OV_OK || tally_refuse(status, tally_culprit(score, pieces, status), reterr);
}

/* ---- two masks of one order ------------------------------------------------------------------ */

/* One piece of each mask, as many voxels of both as both have ready. Returns how many; 0: failed.
 */
static uint64_t count_next(struct score *score, struct feed *feeds, uint64_t left,
                           struct problem *reterr)
{
    uint64_t n = feed_ready(&feeds[SCORE_REFERENCE], feed_ready(&feeds[SCORE_PREDICTION], left));
    struct ov_piece pieces[SCORE_N_MASKS];
    uint64_t start = score->env->now_ns();
    uint64_t decoded;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        if (!feed_take(&feeds[i], n, &pieces[i], reterr))
            return 0;
    }
    decoded = score->env->now_ns();
    score->decode_ns += decoded - start;
    if (!tally_add(score, pieces, reterr))
        return 0;
    score->count_ns += score->env->now_ns() - decoded;
    return n;
}

/* Decode and count in step: no mask is ever whole in memory. */
static bool stream(struct score *score, struct feed *feeds, struct problem *reterr)
{
    for (uint64_t left = score->pair.n_voxels; left > 0;) {
        uint64_t n = count_next(score, feeds, left, reterr);

        if (n == 0)
            return false;
        left -= n;
    }
    return true;
}

static bool stream_pair(struct score *score, struct problem *reterr)
{
    uint8_t *rooms = malloc(SCORE_N_MASKS * FEED_BYTES);
    struct feed feeds[SCORE_N_MASKS];
    bool ok;

    if (rooms == NULL)
        return no_memory(reterr);
    for (int i = 0; i < SCORE_N_MASKS; i++)
        feeds[i] = feed_of(score->readers[i], rooms + (size_t)i * FEED_BYTES);
    ok = stream(score, feeds, reterr);
    free(rooms);
    return ok;
}

/* ---- two masks of one layer each ------------------------------------------------------------- */

/* The value of a voxel in the only layer, as the counter is to see it; elsewhere it is 0. */
static int64_t value_inside(const struct score *score, const struct layers *layers)
{
    return found_has_sets(&score->found) ? 1 : layers_labels(layers)[0];
}

static uint64_t n_inside(const struct ov_interval *intervals, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += intervals[i].end - intervals[i].start;
    return sum;
}

/*
 * Where voxels lie does not change a count, so two binary masks are counted as if those in both
 * came first, then those of the prediction alone, of the reference alone, of neither.
 */
static bool count_intervals(struct score *score, struct problem *reterr)
{
    const struct layers *p = reader_header(score->readers[SCORE_PREDICTION])->layers;
    const struct layers *r = reader_header(score->readers[SCORE_REFERENCE])->layers;
    uint64_t start = score->env->now_ns();
    uint64_t n = score->pair.n_voxels;
    size_t n_p;
    size_t n_r;
    const struct ov_interval *in_p = layers_intervals(p, &n_p);
    const struct ov_interval *in_r = layers_intervals(r, &n_r);
    uint64_t both = ov_intervals_overlap(in_p, n_p, in_r, n_r);
    uint64_t only_p = n_inside(in_p, n_p) - both;
    uint64_t only_r = n_inside(in_r, n_r) - both;
    struct ov_run p_runs[] = {{value_inside(score, p), both + only_p}, {0, n - both - only_p}};
    struct ov_run r_runs[] = {{value_inside(score, r), both},
                              {0, only_p},
                              {value_inside(score, r), only_r},
                              {0, n - both - only_p - only_r}};
    struct ov_piece pieces[] = {{.n_voxels = n, .runs = p_runs, .n_runs = 2},
                                {.n_voxels = n, .runs = r_runs, .n_runs = 4}};
    bool ok = tally_add(score, pieces, reterr);

    score->count_ns += score->env->now_ns() - start;
    return ok;
}

static bool is_intervals(const struct reader *reader)
{
    const struct layers *layers = reader_header(reader)->layers;
    size_t n;

    return layers != NULL && layers_intervals(layers, &n) != NULL;
}

/* ---- two masks, each of them whole -------------------------------------------------------------
 */

static bool is_in_place(const struct score *score)
{
    return reader_is_in_place(score->readers[SCORE_PREDICTION]) &&
           reader_is_in_place(score->readers[SCORE_REFERENCE]);
}

/* Both being decoded into rooms of ours, unless they lie somewhere. */
struct unpacking {
    struct score *score;
    void *rooms[SCORE_N_MASKS];
    struct ov_mask masks[SCORE_N_MASKS]; /* in the pair's index order */
    struct problem problems[SCORE_N_MASKS];
    uint64_t decode_ns[SCORE_N_MASKS];
};

static bool view_of(struct unpacking *unpacking, size_t which, const void *data,
                    struct problem *reterr)
{
    const struct score *score = unpacking->score;
    const struct mask_header *header = reader_header(score->readers[which]);
    const struct pair *pair = &score->pair;
    enum ov_order order =
        which == SCORE_PREDICTION ? pair->prediction_order : pair->reference_order;
    struct ov_mask *mask = &unpacking->masks[which];

    if (ov_mask_view(data, header->encoding.dtype, pair->ndim, pair->shape, order, mask) != OV_OK)
        return problem_set(reterr, PROBLEM_INTERNAL, pointers[which], "The mask has no view.");
    mask->encoding = header->encoding;
    return true;
}

static void unpack(void *argument, size_t which)
{
    struct unpacking *unpacking = argument;
    struct reader *reader = unpacking->score->readers[which];
    uint64_t start = unpacking->score->env->now_ns();
    struct problem *problem = &unpacking->problems[which];
    const void *data = reader_tile(reader, (size_t)reader_header(reader)->n_voxels,
                                   unpacking->rooms[which], problem);

    if (data != NULL)
        view_of(unpacking, which, data, problem);
    unpacking->decode_ns[which] = unpacking->score->env->now_ns() - start;
}

/* Memory for the masks that have to be decoded whole; both are asked for before either is. */
static bool take_rooms(struct score *score, void **rooms, struct problem *reterr)
{
    uint64_t n_bytes = 0;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        if (!reader_may_be_unpacked(score->readers[i], reterr))
            return false;
        if (!reader_is_in_place(score->readers[i]))
            n_bytes += reader_header(score->readers[i])->n_bytes;
    }
    if (!growth_take(&score->body.growth, n_bytes, reterr))
        return false;
    for (int i = 0; i < SCORE_N_MASKS; i++) {
        if (reader_is_in_place(score->readers[i]))
            continue;
        rooms[i] = malloc((size_t)reader_header(score->readers[i])->n_bytes);
        if (rooms[i] == NULL)
            return no_memory(reterr);
    }
    return true;
}

static bool unpack_both(struct unpacking *unpacking, struct problem *reterr)
{
    struct score *score = unpacking->score;
    const struct env *env = score->env;

    if (env->each != NULL && !is_in_place(score)) {
        env->each(unpack, unpacking, SCORE_N_MASKS);
    } else {
        unpack(unpacking, SCORE_PREDICTION);
        unpack(unpacking, SCORE_REFERENCE);
    }
    for (int i = SCORE_N_MASKS - 1; i >= 0; i--) {
        score->decode_ns += unpacking->decode_ns[i];
        if (unpacking->problems[i].code != PROBLEM_NONE)
            *reterr = unpacking->problems[i];
    }
    return reterr->code == PROBLEM_NONE;
}

static bool overlay_masks(struct score *score, const struct ov_mask *masks, struct problem *reterr)
{
    enum ov_status status = OV_OK;

    if (score->overlay != NULL)
        status = overlay_add_masks(score->overlay, masks);
    return status == OV_OK || tally_refuse(status, SCORE_REFERENCE, reterr);
}

static bool unpack_pair(struct score *score, struct problem *reterr)
{
    struct unpacking unpacking = {.score = score};
    bool ok = take_rooms(score, unpacking.rooms, reterr) && unpack_both(&unpacking, reterr) &&
              parts_run_masks(score, unpacking.masks, reterr) &&
              overlay_masks(score, unpacking.masks, reterr);

    for (int i = 0; i < SCORE_N_MASKS; i++)
        free(unpacking.rooms[i]);
    return ok;
}

/* ---- any two masks --------------------------------------------------------------------------- */

/* Room that a table of label pairs may come to take; less than a megabyte is not asked for. */
uint64_t tally_pairs_bytes(const struct score *score)
{
    uint64_t n_pairs = score->pair.n_voxels < OV_MAX_PAIRS ? score->pair.n_voxels : OV_MAX_PAIRS;
    uint64_t n_bytes = n_pairs * PAIR_BYTES;

    return n_bytes > PAIRS_FREE_BYTES ? n_bytes : 0;
}

struct ov_counter_options tally_options(const struct score *score)
{
    const struct request *request = &score->request;
    struct ov_counter_options options = {.ignore = request->ignore,
                                         .n_ignore = request->n_ignore,
                                         .has_threshold = request->has_threshold,
                                         .threshold = request->threshold,
                                         .pairs = request->confusion || request->n_regions > 0 ||
                                                  found_has_sets(&score->found),
                                         .hash_seed = score->env->hash_seed};

    if (score->found.reference != NULL) {
        options.ignore = score->ignored_sets;
        options.n_ignore = score->n_ignored_sets;
    }
    return options;
}

/* An overlay wants every voxel in its place, one after the other. */
static bool count_pair(struct score *score, struct problem *reterr)
{
    bool in_turn = score->overlay != NULL;

    if (!in_turn && parts_can(score))
        return parts_run(score, reterr);
    /* In different orders neither can wait for the other's next voxel. */
    if (!score->pair.same_order || (!in_turn && is_in_place(score)))
        return unpack_pair(score, reterr);
    if (!in_turn && is_intervals(score->readers[SCORE_PREDICTION]) &&
        is_intervals(score->readers[SCORE_REFERENCE]))
        return count_intervals(score, reterr);
    return relay_can(score) ? relay_run(score, reterr) : stream_pair(score, reterr);
}

bool tally_run(struct score *score, struct problem *reterr)
{
    struct ov_counter_options options = tally_options(score);

    if (options.pairs && !growth_take(&score->body.growth, tally_pairs_bytes(score), reterr))
        return false;
    if (ov_counter_new(&options, &score->counter) != OV_OK)
        return no_memory(reterr);
    if (score->overlay != NULL && !overlay_begin(score->overlay, &score->body.growth, reterr))
        return false;
    return count_pair(score, reterr) && reader_finish(score->readers[SCORE_PREDICTION], reterr) &&
           reader_finish(score->readers[SCORE_REFERENCE], reterr);
}
