/* loss.h - one loss being computed, as the files of proto that build it up see it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_LOSS_H
#define PROTO_LOSS_H

#include "proto/body.h"
#include "proto/loss_request.h"

/* One input: as it was sent, and as the library is to see it. */
struct loss_input {
    struct reader *reader; /* NULL for a mask that is not there */
    void *room;            /* its elements, where they do not lie in the body */
    struct ov_tensor tensor;
};

struct loss {
    const struct env *env;
    struct loss_request request;
    struct body body;    /* its growth is what the inputs take */
    struct names *names; /* for formats that have some, before they are refused */
    struct loss_input inputs[LOSS_N_PARTS];
    uint64_t n_values;
    double *values;
    struct growth growth; /* of the gradient, which outlives the inputs */
    /* Room for an answer's first part, then the gradient as a file, then the answer's end; NULL
     * for no gradient. */
    uint8_t *gradient;
    size_t n_before;
    size_t n_file;          /* 0 where the elements go into shared memory, and are all there is */
    struct segment *output; /* a reference to that memory; NULL for none */
    char *text;             /* an answer of one part */
    uint64_t decode_ns;
    uint64_t compute_ns;
};

/* loss_input.c: read the inputs whole and bring their axes to samples, classes, space. */
bool loss_inputs_read(struct loss *loss, struct problem *reterr);
void loss_inputs_done(struct loss *loss);

/*
 * loss_input.c: view elements without gaps, last axis fastest, that have the prediction's shape as
 * it was sent.
 */
struct ov_tensor loss_like_prediction(const struct loss *loss, void *data);

/*
 * loss_fit.c: whether target and mask have the prediction's shape, and the options suit its
 * classes; once the inputs are read.
 */
bool loss_fit_shapes(const struct loss *loss, struct problem *reterr);
bool loss_fit_options(const struct loss *loss, struct problem *reterr);

/* loss_file.c: the gradient's room, its file's header in place, and where its elements go. */
#define LOSS_AFTER_BYTES 64
bool loss_file_new(struct loss *loss, void **ret_elements, struct problem *reterr);

/*
 * loss_output.c: find the shared memory that the request names for the gradient; check, once the
 * inputs are read, that the gradient fits it and would touch none of them; and room to compute it
 * in, as nothing is written before there is an answer.
 */
bool loss_output_find(struct loss *loss, struct problem *reterr);
bool loss_output_check(const struct loss *loss, struct problem *reterr);
bool loss_output_new(struct loss *loss, void **ret_elements, struct problem *reterr);
void loss_output_done(struct loss *loss);

#endif
