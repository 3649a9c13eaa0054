/* loss_request.h - what a caller asks of a loss: sources and options, from JSON and the query. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_LOSS_REQUEST_H
#define PROTO_LOSS_REQUEST_H

#include "lib/overlap_loss.h"
#include "proto/option.h"

enum loss_part { LOSS_PREDICTION, LOSS_TARGET, LOSS_MASK, LOSS_N_PARTS };

/* Where samples, classes and space stand among the axes of the prediction, as sent. */
#define LAYOUT_MAP(X) \
    X(NCS, "ncs")     \
    X(CS, "cs")       \
    X(NSC, "nsc")     \
    X(SC, "sc")

#define LAYOUT_ENUM(symbol, name) LAYOUT_##symbol,
enum layout { LAYOUT_MAP(LAYOUT_ENUM) LAYOUT_N };
#undef LAYOUT_ENUM

const char *layout_name(enum layout layout);

struct loss_request {
    json_t *json;
    struct source sources[LOSS_N_PARTS]; /* bytes are filled in by body.c */
    struct ov_loss_options options;      /* class_weights are the request's */
    bool target_auto; /* labels, unless the target has the prediction's shape: then soft */
    enum layout layout;
    bool gradient;
    struct source output; /* where the gradient goes; its place is SEGMENT_NONE for the answer */
    double *class_weights;
    double *upstream; /* one for each value; NULL for 1 each */
    size_t n_upstream;
};

/* As request_init and request_done. */
bool loss_request_init(struct loss_request *request, const struct request_text *text,
                       const struct limits *limits, struct problem *reterr);
void loss_request_done(struct loss_request *request);

/* Every option with the value in force: a new reference, NULL where memory is out. */
json_t *loss_request_echo(const struct loss_request *request);

#endif
