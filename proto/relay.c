/* relay.c - two masks decoded ahead of their counting, by as many threads as are free. */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * There are three tasks, each done by one thread at a time: decode the next piece of the one mask,
 * of the other, count what both have ready. A thread takes whichever it finds free and has
 * something to do. One thread alone does them in turn, so that nothing depends on a second one
 * coming; a third finds work too, where decoding is what takes longest.
 */
#include "proto/relay.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/feed.h"

/* More threads than tasks would find nothing to do. */
#define N_TASKS 3

/* So many pieces a mask may be ahead: a power of two. */
#define N_AHEAD 8

/* Below, waking a second thread and touching its rooms costs more than it saves. */
#define LEAST_BYTES ((uint64_t)4 << 20)

/* A thread without work looks so often at once, then after each nap. */
#define N_LOOKS  1000
#define NAP_NS   20000
#define NO_PIECE SIZE_MAX

/*
 * A decoded tile is written down as runs by the thread that has it in its own cache: handing the
 * voxels themselves to another core's costs more than counting them. Noise has more runs than that
 * pays for, and is handed over as it is.
 */
struct lane_room {
    uint8_t tile[FEED_BYTES];
    struct ov_run runs[N_AHEAD][FEED_RUNS];
    uint8_t tiles[N_AHEAD][FEED_BYTES];
};

/* One mask on its way. What stands after `busy` belongs to whoever holds it. */
struct lane {
    atomic_size_t n_ready; /* pieces decoded */
    atomic_bool failed;    /* at piece n_ready: no more will come */
    atomic_bool busy;
    struct reader *reader;
    struct lane_room *room;
    struct ov_piece pieces[N_AHEAD];
    struct problem problem;
    uint64_t decode_ns;
};

struct relay {
    struct score *score;
    size_t n_pieces;
    size_t piece_voxels; /* of each piece but the last */
    struct lane lanes[SCORE_N_MASKS];
    atomic_size_t n_counted;
    atomic_bool counting; /* what follows belongs to whoever holds it */
    atomic_bool ended;
    bool ok;
    struct problem problem;
    uint64_t count_ns;
};

static bool hold(atomic_bool *task)
{
    return !atomic_load_explicit(task, memory_order_relaxed) &&
           !atomic_exchange_explicit(task, true, memory_order_acquire);
}

static void let_go(atomic_bool *task)
{
    atomic_store_explicit(task, false, memory_order_release);
}

static size_t n_voxels_of(const struct relay *relay, size_t i)
{
    uint64_t left = relay->score->pair.n_voxels - (uint64_t)i * relay->piece_voxels;

    return left < relay->piece_voxels ? (size_t)left : relay->piece_voxels;
}

/* ---- decoding -------------------------------------------------------------------------------- */

/* The piece that is to be decoded next, if there is room for it. */
static size_t next_piece(const struct relay *relay, const struct lane *lane)
{
    size_t i = atomic_load_explicit(&lane->n_ready, memory_order_relaxed);
    size_t n_counted = atomic_load_explicit(&relay->n_counted, memory_order_acquire);

    if (i == relay->n_pieces || i - n_counted == N_AHEAD ||
        atomic_load_explicit(&lane->failed, memory_order_relaxed))
        return NO_PIECE;
    return i;
}

/* Runs, unless there are too many, or what the voxels are is for the counter to say. */
static bool in_runs(const struct relay *relay, struct lane *lane, size_t i, const void *tile)
{
    struct ov_piece *piece = &lane->pieces[i % N_AHEAD];
    struct ov_piece whole = *piece;

    whole.tile = tile;
    piece->runs = lane->room->runs[i % N_AHEAD];
    return !relay->score->request.has_threshold &&
           ov_runs_of_tile(&whole, lane->room->runs[i % N_AHEAD], FEED_RUNS, &piece->n_runs) ==
               OV_OK;
}

static bool decode_piece(const struct relay *relay, struct lane *lane, size_t i)
{
    size_t n = n_voxels_of(relay, i);
    const struct mask_header *header = reader_header(lane->reader);
    const void *tile = reader_tile(lane->reader, n, lane->room->tile, &lane->problem);
    struct ov_piece *piece = &lane->pieces[i % N_AHEAD];

    *piece = (struct ov_piece){.n_voxels = n, .encoding = header->encoding};
    if (tile == NULL || in_runs(relay, lane, i, tile))
        return tile != NULL;
    piece->runs = NULL;
    piece->tile = tile;
    if (tile == lane->room->tile)
        piece->tile = memcpy(lane->room->tiles[i % N_AHEAD], tile,
                             n * ov_dtype_bytes(header->encoding.dtype));
    return true;
}

static bool decode(const struct relay *relay, struct lane *lane)
{
    size_t i;

    if (next_piece(relay, lane) == NO_PIECE || !hold(&lane->busy))
        return false;
    i = next_piece(relay, lane);
    if (i != NO_PIECE) {
        uint64_t start = relay->score->env->now_ns();

        if (decode_piece(relay, lane, i))
            atomic_store_explicit(&lane->n_ready, i + 1, memory_order_release);
        else
            atomic_store_explicit(&lane->failed, true, memory_order_release);
        lane->decode_ns += relay->score->env->now_ns() - start;
    }
    let_go(&lane->busy);
    return i != NO_PIECE;
}

/* ---- counting -------------------------------------------------------------------------------- */

static bool is_ready(const struct lane *lane, size_t i)
{
    return atomic_load_explicit(&lane->n_ready, memory_order_acquire) > i;
}

/* Of a lane that has failed, n_ready is read after the failure and is the last there will be. */
static bool has_failed_at(const struct lane *lane, size_t i)
{
    return atomic_load_explicit(&lane->failed, memory_order_acquire) && !is_ready(lane, i);
}

/*
 * Whether the end is reached before piece i is counted. In step, the prediction's piece is decoded
 * first: what is wrong with the reference's is said only where that was sound.
 */
static bool has_ended(const struct relay *relay, size_t i, const struct problem **ret_problem)
{
    const struct lane *prediction = &relay->lanes[SCORE_PREDICTION];
    const struct lane *reference = &relay->lanes[SCORE_REFERENCE];

    *ret_problem = NULL;
    if (i == relay->n_pieces)
        return true;
    if (has_failed_at(prediction, i))
        *ret_problem = &prediction->problem;
    else if (is_ready(prediction, i) && has_failed_at(reference, i))
        *ret_problem = &reference->problem;
    return *ret_problem != NULL;
}

static bool can_count(const struct relay *relay, size_t i)
{
    const struct problem *problem;

    return has_ended(relay, i, &problem) || (is_ready(&relay->lanes[SCORE_PREDICTION], i) &&
                                             is_ready(&relay->lanes[SCORE_REFERENCE], i));
}

static void end(struct relay *relay, bool ok)
{
    relay->ok = ok;
    atomic_store_explicit(&relay->ended, true, memory_order_release);
}

static bool add(struct relay *relay, size_t i)
{
    struct ov_piece pieces[SCORE_N_MASKS];
    uint64_t start = relay->score->env->now_ns();
    bool ok;

    for (int which = 0; which < SCORE_N_MASKS; which++)
        pieces[which] = relay->lanes[which].pieces[i % N_AHEAD];
    ok = tally_add(relay->score, pieces, &relay->problem);
    relay->count_ns += relay->score->env->now_ns() - start;
    return ok;
}

/* All that both have ready. */
static void count_ready(struct relay *relay)
{
    size_t i = atomic_load_explicit(&relay->n_counted, memory_order_relaxed);

    while (!atomic_load_explicit(&relay->ended, memory_order_relaxed) && can_count(relay, i)) {
        const struct problem *problem;

        if (has_ended(relay, i, &problem)) {
            if (problem != NULL)
                relay->problem = *problem;
            end(relay, problem == NULL);
        } else if (!add(relay, i)) {
            end(relay, false);
        } else {
            atomic_store_explicit(&relay->n_counted, ++i, memory_order_release);
        }
    }
}

static bool count(struct relay *relay)
{
    if (!can_count(relay, atomic_load_explicit(&relay->n_counted, memory_order_relaxed)) ||
        !hold(&relay->counting))
        return false;
    count_ready(relay);
    let_go(&relay->counting);
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/*
 * Each thread has a mask that it keeps to while it can: a decoder's state and its last voxels are
 * in the nearest cache of whoever used it last.
 */
static bool do_something(struct relay *relay, size_t i)
{
    struct lane *own = &relay->lanes[i % SCORE_N_MASKS];
    struct lane *other = &relay->lanes[(i + 1) % SCORE_N_MASKS];

    return decode(relay, own) || count(relay) || decode(relay, other);
}

/* What is waited for is being done by another thread, and soon there. */
static void wait_a_little(unsigned *n_looks)
{
    static const struct timespec nap = {.tv_nsec = NAP_NS};

    if (++*n_looks > N_LOOKS)
        nanosleep(&nap, NULL);
}

static void work(void *argument, size_t i)
{
    struct relay *relay = argument;
    unsigned n_looks = 0;

    while (!atomic_load_explicit(&relay->ended, memory_order_acquire)) {
        if (do_something(relay, i))
            n_looks = 0;
        else
            wait_a_little(&n_looks);
    }
}

static size_t width_of(const struct score *score, int which)
{
    return ov_dtype_bytes(reader_header(score->readers[which])->encoding.dtype);
}

bool relay_can(const struct score *score)
{
    bool decodes = false;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        if (reader_header(score->readers[i])->layers != NULL)
            return false;
        decodes = decodes || !reader_is_in_place(score->readers[i]);
    }
    return decodes && score->env->each != NULL && score->env->n_threads > 1 &&
           score_decoded_bytes(score) >= LEAST_BYTES;
}

static void run(struct relay *relay, struct problem *reterr)
{
    struct score *score = relay->score;
    size_t n_threads = score->env->n_threads < N_TASKS ? score->env->n_threads : N_TASKS;

    score->env->each(work, relay, n_threads);
    score->count_ns += relay->count_ns;
    for (int i = 0; i < SCORE_N_MASKS; i++)
        score->decode_ns += relay->lanes[i].decode_ns;
    if (!relay->ok)
        *reterr = relay->problem;
}

bool relay_run(struct score *score, struct problem *reterr)
{
    size_t widths[SCORE_N_MASKS] = {width_of(score, 0), width_of(score, 1)};
    size_t width = widths[0] > widths[1] ? widths[0] : widths[1];
    struct relay relay = {.score = score, .piece_voxels = FEED_BYTES / width};
    struct lane_room *rooms = malloc(SCORE_N_MASKS * sizeof(*rooms));

    if (rooms == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to count.");
    relay.n_pieces = (size_t)((score->pair.n_voxels - 1) / relay.piece_voxels + 1);
    for (int i = 0; i < SCORE_N_MASKS; i++) {
        relay.lanes[i].reader = score->readers[i];
        relay.lanes[i].room = &rooms[i];
    }
    run(&relay, reterr);
    free(rooms);
    return relay.ok;
}
