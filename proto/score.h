/* score.h - one pair being scored, as the files of proto that build it up see it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_SCORE_H
#define PROTO_SCORE_H

#include "proto/body.h"
#include "proto/found.h"
#include "proto/pair.h"
#include "proto/request.h"

struct writer;

enum { SCORE_PREDICTION, SCORE_REFERENCE, SCORE_N_MASKS };

/* One class or region, counted. */
struct scored {
    const char *name;      /* NULL for none */
    const int64_t *labels; /* of a region; NULL for a class */
    size_t n_labels;
    int64_t label; /* of a class */
    struct ov_counts counts;
};

struct overlay;

struct score {
    const struct env *env;
    struct request request;
    struct body body; /* its growth is the score's */
    struct reader *readers[SCORE_N_MASKS];
    struct names *names;
    struct pair pair;
    int64_t *ignored_sets; /* of the reference, where its layers overlap */
    size_t n_ignored_sets;
    struct overlay *overlay; /* NULL where none is to be kept */
    struct ov_counter *counter;
    struct found found;
    struct scored *classes;
    size_t n_classes;
    struct scored *regions; /* request.n_regions of them */
    uint64_t decode_ns;
    uint64_t count_ns;
};

/* layering.c: whether masks that come as layers are counted as labels or as sets of labels. */
bool layering_make(struct score *score, struct problem *reterr);

/* tally.c: decode both masks, piece by piece, into score->counter. */
bool tally_run(struct score *score, struct problem *reterr);

/* tally.c: count a piece of each mask. */
bool tally_add(struct score *score, const struct ov_piece *pieces, struct problem *reterr);

/* tally.c: why counting failed, and in which of two pieces. */
bool tally_refuse(enum ov_status status, int which, struct problem *reterr);
int tally_culprit(const struct score *score, const struct ov_piece *pieces, enum ov_status status);

/* tally.c: what the table of label pairs may come to take beside the budget's first megabyte. */
uint64_t tally_pairs_bytes(const struct score *score);
struct ov_counter_options tally_options(const struct score *score);

/*
 * parts.c: two masks counted where they lie, by several threads where they are large: in shared
 * memory, where they can be, or in memory of ours with the pair's shape.
 */
bool parts_can(const struct score *score);
bool parts_run(struct score *score, struct problem *reterr);
bool parts_run_masks(struct score *score, const struct ov_mask *masks, struct problem *reterr);

/* classes.c: whether a label, if it is found, is a class beside the background. */
bool classes_may_have(const struct score *score, int64_t label);

/* classes.c: from the counter to score->classes and score->regions. */
bool classes_make(struct score *score, struct problem *reterr);

/*
 * classes.c: the background first, unless there is none or it is a class itself, then the classes.
 * ret_labels has room for n_classes + 1. Returns how many there are.
 */
size_t classes_and_background(const struct score *score, int64_t *ret_labels);

/* provenance.c: the members of an answer that say what it is of: inputs, options, signature. */
void provenance_put(const struct score *score, struct writer *writer);

/*
 * signature.c: 32 hexadecimal digits over version, options, inputs and the masks as sent; "" where
 * memory is out.
 */
struct signature {
    char text[33];
};

/* JSON as it stands in an answer. */
struct signed_text {
    const char *at;
    size_t n_bytes;
};

struct signature signature_make(const struct score *score, const struct signed_text *options,
                                const struct signed_text *inputs);

#endif
