/* proto.h - the wire as data, for the daemon: score a body, describe what is supported. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include "proto/env.h"
#include "proto/problem.h"
#include "proto/segment.h"

struct json_t; /* jansson's */

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
    const struct segments *segments; /* NULL: nothing can be in shared memory */
    bool keeps;                      /* the request may say what the case is: "case" */
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
/* The same, of a request that is parsed already; a reference to it is taken. */
struct score *score_new_parsed(struct json_t *request, const struct segments *segments,
                               const struct env *env, struct problem *reterr);
void score_free(struct score *score);

/*
 * Whether a mask is compressed or has to be read whole, so that even to open it is work. A few run
 * lengths that stand in the request are none.
 */
bool score_needs_a_worker(const struct score *score);

/* Read the headers of both masks and compare them; once. */
bool score_open(struct score *score, struct problem *reterr);

/* After score_open: the bytes of both masks, decoded, or of their runs: what score_run has to do.
 */
uint64_t score_decoded_bytes(const struct score *score);

/*
 * After score_open: no more labels than this can be found, and whether tables of pairs are to be
 * made and printed. What a small mask costs depends on these.
 */
uint64_t score_most_labels(const struct score *score);
bool score_has_tables(const struct score *score);

/* After score_open: decode and count. */
bool score_run(struct score *score, struct problem *reterr);

/* How long the stages have taken so far. */
struct stage_times {
    uint64_t decode_ns;
    uint64_t count_ns; /* of a loss: to compute it */
};

struct stage_times score_times(const struct score *score);

/* After score_run: the classes that score_print will print. */
size_t score_n_classes(const struct score *score);

/*
 * The answer as JSON, after score_run; NUL-terminated, to be freed by the caller.
 *   queue_s, total_s   what the daemon measured: waiting for a worker, since the first byte
 * NULL with reterr set where memory is out.
 */
char *score_print(const struct score *score, double queue_s, double total_s, size_t *ret_bytes,
                  struct problem *reterr);

/* ---- a loss ---------------------------------------------------------------------------------- */

/* One soft loss being computed; opaque. Used as a struct score is. */
struct loss;

/* As score_check and score_new; an input may have parts prediction, target, mask and request. */
bool loss_check(const struct score_input *input, const struct env *env, struct problem *reterr);
struct loss *loss_new(const struct score_input *input, const struct env *env,
                      struct problem *reterr);
void loss_free(struct loss *loss);

/* Of its inputs, in the body or in shared memory; UINT64_MAX where only opening them tells. */
uint64_t loss_input_bytes(const struct loss *loss);

/* Read the inputs and compute. Cost: a pass over them, another for the gradient. */
bool loss_run(struct loss *loss, struct problem *reterr);

#define LOSS_BOUNDARY_BYTES 24

/* Valid until loss_free. */
struct loss_answer {
    const char *text;
    size_t n_bytes;
    char boundary[LOSS_BOUNDARY_BYTES]; /* of a multipart/mixed answer; "" for JSON alone */
};

/* After loss_run; as score_print. */
bool loss_print(struct loss *loss, double queue_s, double total_s, struct loss_answer *ret_answer,
                struct problem *reterr);

/*
 * After loss_print: write the gradient into the shared memory that the request names for it, if it
 * does. Where it fails, as anywhere before, nothing has been written.
 */
bool loss_write(struct loss *loss, struct problem *reterr);

struct stage_times loss_times(const struct loss *loss);

/* After loss_write: give up what the inputs took; the answer stays. */
void loss_shed(struct loss *loss);

/*
 * A message that asks for scores without HTTP: one pair, or "pairs", a list of them with options of
 * their own beside those of the message. Opaque; one thread at a time.
 */
struct batch;

/* The message is not kept. NULL with reterr set where it is none of these. */
struct batch *batch_new(struct json_t *message, const struct segments *segments,
                        const struct env *env, struct problem *reterr);
void batch_free(struct batch *batch);

size_t batch_n_pairs(const struct batch *batch);

/* What the first pair will cost; nothing of its masks is read to tell. */
struct batch_look {
    bool failed;         /* it cannot be scored: nothing */
    bool needs_a_worker; /* even to open it is work; the rest is not known */
    uint64_t decoded_bytes;
    uint64_t most_labels;
    bool has_tables;
};

struct batch_look batch_look(struct batch *batch);

/*
 * Score all pairs, on several threads where there are some. The answer as JSON, to be freed by the
 * caller: {"ok": true, ...} for one pair, {"ok": true, "results": [...]} for a list, in its order.
 * A pair that cannot be scored has {"ok": false, ...} and a problem's members in its place. NULL
 * where memory is out. Texts are accounted for until batch_free.
 */
char *batch_run(struct batch *batch, double queue_s, uint64_t started_ns, size_t *ret_bytes);

/* After batch_run: what kept pair i from being scored, PROBLEM_NONE for nothing. */
enum problem_code batch_problem_of(const struct batch *batch, size_t i);

/* A problem as such a message: {"ok": false, ...}. NULL where memory is out. */
char *batch_problem(const struct problem *problem, size_t *ret_bytes);
/* What is kept of a scored pair; to be freed by score_kept_done. */
struct score_kept {
    char *group; /* NULL for none */
    char *meta;  /* JSON of what else was said of the case; NULL for nothing */
    uint8_t *counts;
    size_t n_counts;
    char *overlay; /* JSON of what the picture shows; NULL for no overlay */
    uint8_t *picture;
    size_t n_picture;
    const struct env *env; /* whose memory the picture is; borrowed */
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
