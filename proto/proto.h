/* proto.h - the wire as data, for the daemon: score a body, describe what is supported. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include "proto/env.h"
#include "proto/problem.h"

/* One query parameter, unescaped, NUL-terminated. value is "" where the URL had none. */
struct parameter {
    const char *name;
    const char *value;
};

/* A pair to be scored as it arrived. Everything is borrowed until score_free. */
struct score_input {
    const char *content_type;     /* NULL for none */
    const char *content_encoding; /* NULL for none */
    const struct parameter *parameters;
    size_t n_parameters;
    const uint8_t *body;
    size_t body_bytes;
    bool keeps; /* the request may say what the case is: "case" */
};

/* One pair being scored; opaque. Used by one thread at a time, not always the same. */
struct score;

/*
 * The request is acceptable as far as its headers and query tell: before a body is read.
 * Checks content type, content coding and every parameter's name and value.
 */
bool score_check(const struct score_input *input, const struct env *env, struct problem *reterr);

/*
 * Parse a request and find its masks in it; they are not looked into. Cost: a scan of the body,
 * which is decoded first where it has a Content-Encoding.
 */
struct score *score_new(const struct score_input *input, const struct env *env,
                        struct problem *reterr);
void score_free(struct score *score);

/* Whether a mask is compressed or has to be read whole, so that even to open it is work. */
bool score_needs_a_worker(const struct score *score);

/* Read the headers of both masks and compare them; once. */
bool score_open(struct score *score, struct problem *reterr);

/* After score_open: the bytes of both masks, decoded; what score_run will have to do. */
uint64_t score_decoded_bytes(const struct score *score);

/*
 * After score_open: no more labels than this can be found, and whether tables of pairs are to be
 * made and printed. What a small mask costs depends on these.
 */
uint64_t score_most_labels(const struct score *score);
bool score_has_tables(const struct score *score);

/* After score_open: decode and count. */
bool score_run(struct score *score, struct problem *reterr);

/* After score_run: the classes that score_print will print. */
size_t score_n_classes(const struct score *score);

/*
 * The answer as JSON, after score_run; NUL-terminated, to be freed by the caller.
 *   queue_s, total_s   what the daemon measured: waiting for a worker, since the first byte
 * NULL with reterr set where memory is out.
 */
char *score_print(const struct score *score, double queue_s, double total_s, size_t *ret_bytes,
                  struct problem *reterr);

/* What is kept of a scored pair; to be freed by score_kept_done. */
struct score_kept {
    char *group; /* NULL for none */
    char *meta;  /* JSON of what else was said of the case; NULL for nothing */
    uint8_t *counts;
    size_t n_counts;
};

/* After score_run. */
bool score_keep(const struct score *score, struct score_kept *ret_kept, struct problem *reterr);
void score_kept_done(struct score_kept *kept);

/*
 * Members of /v1/info that proto knows: version, isa, formats, codings, metrics with their
 * definitions, defaults. Returns a new reference to a JSON object, NULL where memory is out.
 */
struct json_t *info_json(void);

/* proto/openapi.yaml as built in; not NUL-terminated. */
const char *openapi_text(size_t *ret_bytes);

/* The Accept-Encoding that answers an unsupported coding: "gzip, deflate, zstd". */
const char *coding_accept(void);

#endif
