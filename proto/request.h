/* request.h - what a caller asks of a score: sources and options, from JSON and the query. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_REQUEST_H
#define PROTO_REQUEST_H

#include <jansson.h>

#include "proto/proto.h"
#include "proto/reader.h"

struct writer;

struct named_label {
    int64_t label;
    const char *name; /* NULL for none */
};

struct region {
    const char *name;
    int64_t *labels;
    size_t n_labels;
};

/* Texts are borrowed from the JSON, which the request owns. */
struct request {
    json_t *json;
    struct source prediction; /* bytes are filled in by body.c */
    struct source reference;
    bool labels_auto;
    struct named_label *labels;
    size_t n_labels;
    struct region *regions;
    size_t n_regions;
    int64_t *ignore;
    size_t n_ignore;
    bool has_background;
    int64_t background;
    enum ov_metric metrics[OV_N_METRICS];
    size_t n_metrics;
    bool generalised_dice;
    double beta;
    struct ov_empty_policy empty;
    bool has_threshold;
    double threshold;
    bool ignore_geometry;
    bool reverse_axes;
    bool refuse_overlap; /* a voxel of several labels is a problem, not a layered mask */
    bool confusion;
    bool keep_overlay;
    json_t *kept_case; /* what was said of the case; NULL for nothing. See case.c */
};

/* What a request is read from: JSON, or NULL for none, and the query. */
struct request_text {
    const char *json;
    size_t n_json;
    const struct parameter *parameters;
    size_t n_parameters;
};

/* A source of which nothing is known but where it belongs, "#/prediction". */
struct source source_unknown(const char *pointer);

/*
 * Read a request. An option may not be given twice, nor in query and JSON both.
 * On success request_done frees what it holds; on failure it holds nothing.
 */
bool request_init(struct request *request, const struct request_text *text,
                  const struct limits *limits, struct problem *reterr);

/* The same, of JSON that is parsed already; a reference to it is taken. */
bool request_init_parsed(struct request *request, json_t *json, const struct limits *limits,
                         struct problem *reterr);
void request_done(struct request *request);

/* Every option with the value in force, as an object. */
void request_write(const struct request *request, struct writer *writer);

#endif
