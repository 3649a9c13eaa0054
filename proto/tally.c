/* tally.c - two masks being decoded, piece by piece, into one counter. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "proto/score.h"

/* Both masks' pieces stay in a core's own cache between decoding and counting. */
#define TILE_BYTES ((size_t)64 << 10)

/* A table of pairs: two to four buckets of 16 bytes for each, and the old half while it grows. */
#define PAIR_BYTES       ((uint64_t)48)
#define PAIRS_FREE_BYTES ((uint64_t)1 << 20)

static const char *const pointers[SCORE_N_MASKS] = {"#/prediction", "#/reference"};

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to count.");
}

/* Which mask brought the counter to fail: each is counted against itself. */
static int culprit(const struct score *score, const struct ov_piece *pieces, enum ov_status status)
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

static bool refuse(enum ov_status status, int which, struct problem *reterr)
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

static struct ov_piece piece_of(const struct mask_header *header, const void *tile, size_t n)
{
    return (struct ov_piece){.n_voxels = n, .tile = tile, .encoding = header->encoding};
}

static bool count_tile(struct score *score, const void *const *tiles, size_t n,
                       struct problem *reterr)
{
    struct ov_piece pieces[SCORE_N_MASKS];
    enum ov_status status;

    for (int i = 0; i < SCORE_N_MASKS; i++)
        pieces[i] = piece_of(reader_header(score->readers[i]), tiles[i], n);
    status = ov_counter_add(score->counter, &pieces[SCORE_PREDICTION], &pieces[SCORE_REFERENCE]);
    return status == OV_OK || refuse(status, culprit(score, pieces, status), reterr);
}

/* The largest number of elements whose bytes fit a tile of either mask. */
static size_t tile_elements(const struct score *score)
{
    size_t widest = 1;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        size_t n = ov_dtype_bytes(reader_header(score->readers[i])->encoding.dtype);

        widest = n > widest ? n : widest;
    }
    return TILE_BYTES / widest;
}

/* Decode and count in step: no mask is ever whole in memory. */
static bool stream(struct score *score, uint8_t *rooms, struct problem *reterr)
{
    uint64_t left = score->pair.n_voxels;
    size_t most = tile_elements(score);

    while (left > 0) {
        size_t n = left < most ? (size_t)left : most;
        const void *tiles[SCORE_N_MASKS];
        uint64_t start = score->env->now_ns();
        uint64_t decoded;

        for (int i = 0; i < SCORE_N_MASKS; i++) {
            tiles[i] = reader_tile(score->readers[i], n, rooms + (size_t)i * TILE_BYTES, reterr);
            if (tiles[i] == NULL)
                return false;
        }
        decoded = score->env->now_ns();
        if (!count_tile(score, tiles, n, reterr))
            return false;
        score->decode_ns += decoded - start;
        score->count_ns += score->env->now_ns() - decoded;
        left -= n;
    }
    return true;
}

static bool stream_pair(struct score *score, struct problem *reterr)
{
    uint8_t *rooms = malloc(SCORE_N_MASKS * TILE_BYTES);
    bool ok = rooms != NULL ? stream(score, rooms, reterr) : no_memory(reterr);

    free(rooms);
    return ok;
}

/* A whole mask, in the room or in place, and the view of it that has the pair's index order. */
static bool unpack(struct score *score, int which, enum ov_order order, void *room,
                   struct ov_mask *ret_mask, struct problem *reterr)
{
    const struct mask_header *header = reader_header(score->readers[which]);
    const struct pair *pair = &score->pair;
    const void *data = reader_tile(score->readers[which], (size_t)header->n_voxels, room, reterr);

    if (data == NULL)
        return false;
    if (ov_mask_view(data, header->encoding.dtype, pair->ndim, pair->shape, order, ret_mask) !=
        OV_OK)
        return problem_set(reterr, PROBLEM_INTERNAL, pointers[which], "The mask has no view.");
    ret_mask->encoding = header->encoding;
    return true;
}

static bool count_masks(struct score *score, const struct ov_mask *masks, struct problem *reterr)
{
    enum ov_status status = ov_counter_add_masks(score->counter, &masks[SCORE_PREDICTION],
                                                 &masks[SCORE_REFERENCE], 0, 1);
    struct ov_piece pieces[SCORE_N_MASKS];

    if (status == OV_OK)
        return true;
    for (int i = 0; i < SCORE_N_MASKS; i++)
        pieces[i] =
            piece_of(reader_header(score->readers[i]), masks[i].data, (size_t)score->pair.n_voxels);
    return refuse(status, culprit(score, pieces, status), reterr);
}

/* Memory for the masks that have to be decoded whole; both are asked for before either is. */
static bool take_rooms(struct score *score, void **rooms, struct problem *reterr)
{
    uint64_t n_bytes = 0;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        if (!reader_is_in_place(score->readers[i]))
            n_bytes += reader_header(score->readers[i])->n_bytes;
    }
    if (!score_take(score, n_bytes, reterr))
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

static bool count_unpacked(struct score *score, void *const *rooms, struct problem *reterr)
{
    struct ov_mask masks[SCORE_N_MASKS] = {{.ndim = 0}};
    uint64_t start = score->env->now_ns();
    uint64_t decoded;

    if (!unpack(score, SCORE_PREDICTION, score->pair.prediction_order, rooms[SCORE_PREDICTION],
                &masks[SCORE_PREDICTION], reterr) ||
        !unpack(score, SCORE_REFERENCE, score->pair.reference_order, rooms[SCORE_REFERENCE],
                &masks[SCORE_REFERENCE], reterr))
        return false;
    decoded = score->env->now_ns();
    score->decode_ns += decoded - start;
    if (!count_masks(score, masks, reterr))
        return false;
    score->count_ns += score->env->now_ns() - decoded;
    return true;
}

/* The masks lie in different orders: neither can wait for the other's next voxel. */
static bool unpack_pair(struct score *score, struct problem *reterr)
{
    void *rooms[SCORE_N_MASKS] = {NULL, NULL};
    bool ok = take_rooms(score, rooms, reterr) && count_unpacked(score, rooms, reterr);

    for (int i = 0; i < SCORE_N_MASKS; i++)
        free(rooms[i]);
    return ok;
}

/* Room that a table of label pairs may come to take; less than a megabyte is not asked for. */
static uint64_t pairs_bytes(const struct score *score)
{
    uint64_t n_pairs = score->pair.n_voxels < OV_MAX_PAIRS ? score->pair.n_voxels : OV_MAX_PAIRS;
    uint64_t n_bytes = n_pairs * PAIR_BYTES;

    return n_bytes > PAIRS_FREE_BYTES ? n_bytes : 0;
}

bool tally_run(struct score *score, struct problem *reterr)
{
    const struct request *request = &score->request;
    struct ov_counter_options options = {.ignore = request->ignore,
                                         .n_ignore = request->n_ignore,
                                         .has_threshold = request->has_threshold,
                                         .threshold = request->threshold,
                                         .pairs = request->confusion || request->n_regions > 0,
                                         .hash_seed = score->env->hash_seed};

    if (options.pairs && !score_take(score, pairs_bytes(score), reterr))
        return false;
    if (ov_counter_new(&options, &score->counter) != OV_OK)
        return no_memory(reterr);
    if (!(score->pair.same_order ? stream_pair(score, reterr) : unpack_pair(score, reterr)))
        return false;
    return reader_finish(score->readers[SCORE_PREDICTION], reterr) &&
           reader_finish(score->readers[SCORE_REFERENCE], reterr);
}
