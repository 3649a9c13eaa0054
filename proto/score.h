/* score.h - one pair being scored, as the files of proto that build it up see it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_SCORE_H
#define PROTO_SCORE_H

#include "proto/found.h"
#include "proto/multipart.h"
#include "proto/pair.h"
#include "proto/request.h"

enum { SCORE_PREDICTION, SCORE_REFERENCE, SCORE_N_MASKS };

/* One class or region, counted. */
struct scored {
    const char *name;      /* NULL for none */
    const int64_t *labels; /* of a region; NULL for a class */
    size_t n_labels;
    int64_t label; /* of a class */
    struct ov_counts counts;
};

struct score {
    const struct env *env;
    struct request request;
    uint64_t taken_bytes;            /* from the memory budget */
    uint8_t *body;                   /* without its Content-Encoding; NULL where it had none */
    uint8_t *decoded[SCORE_N_MASKS]; /* from base64 */
    char filenames[SCORE_N_MASKS][MULTIPART_FILENAME_BYTES];
    struct segment *segments[SCORE_N_MASKS]; /* references; NULL for other masks */
    struct reader *readers[SCORE_N_MASKS];
    struct names *names;
    struct pair pair;
    int64_t *ignored_sets; /* of the reference, where its layers overlap */
    size_t n_ignored_sets;
    struct ov_counter *counter;
    struct found found;
    struct scored *classes;
    size_t n_classes;
    struct scored *regions; /* request.n_regions of them */
    uint64_t decode_ns;
    uint64_t count_ns;
};

/*
 * Take memory from the budget until score_free. Problems: PROBLEM_OUT_OF_MEMORY where it is out
 * now, PROBLEM_DECODED_TOO_LARGE where there never will be so much.
 */
bool score_take(struct score *score, uint64_t n_bytes, struct problem *reterr);

/* body.c: from the body to score->request and the bytes of its two sources. */
bool body_read(struct score *score, const struct score_input *input, struct problem *reterr);

/* body.c: the same of a request that is parsed. */
bool body_read_parsed(struct score *score, json_t *request, const struct segments *segments,
                      struct problem *reterr);

/* body.c: what the headers say of the body is supported. */
bool body_check(const struct score_input *input, struct problem *reterr);

/* layering.c: whether masks that come as layers are counted as labels or as sets of labels. */
bool layering_make(struct score *score, struct problem *reterr);

/* tally.c: decode both masks, piece by piece, into score->counter. */
bool tally_run(struct score *score, struct problem *reterr);

/* tally.c: why counting failed, and in which of two pieces. */
bool tally_refuse(enum ov_status status, int which, struct problem *reterr);
int tally_culprit(const struct score *score, const struct ov_piece *pieces, enum ov_status status);

/* tally.c: what the table of label pairs may come to take beside the budget's first megabyte. */
uint64_t tally_pairs_bytes(const struct score *score);
struct ov_counter_options tally_options(const struct score *score);

/*
 * shared.c: two masks in shared memory, counted where they lie and by several threads; whether they
 * can be.
 */
bool shared_can(const struct score *score);
bool shared_run(struct score *score, struct problem *reterr);

/* classes.c: from the counter to score->classes and score->regions. */
bool classes_make(struct score *score, struct problem *reterr);

/*
 * classes.c: the background first, unless there is none or it is a class itself, then the classes.
 * ret_labels has room for n_classes + 1. Returns how many there are.
 */
size_t classes_and_background(const struct score *score, int64_t *ret_labels);

/*
 * signature.c: 32 hexadecimal digits over version, options, inputs and the masks as sent; "" where
 * memory is out.
 */
struct signature {
    char text[33];
};

struct signature signature_make(const struct score *score, const json_t *options,
                                const json_t *inputs);

#endif
