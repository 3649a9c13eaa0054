/* annotation.h - masks that are JSON: what the formats of annotation tools share. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_ANNOTATION_H
#define PROTO_FORMAT_ANNOTATION_H

#include "proto/format/canvas.h"

/* What format.open_json of all of them does: paint the JSON on a canvas of this order. */
bool annotation_read(struct reader *reader, enum ov_order order,
                     bool (*paint)(struct canvas *canvas, const json_t *json),
                     struct problem *reterr);

/* format.open of all of them: the same of a file. */
bool annotation_open(struct reader *reader, struct coding *stream, struct problem *reterr);

/* None: a file's name does not tell what its JSON is. */
extern const char *const annotation_extensions[];

/* What a mask is called that does not say: "label" of the source, or 1. */
bool annotation_label(const struct canvas *canvas, int64_t *ret_label);

/* An integer, also one that is written as 3.0: JavaScript and floating point columns do that. */
bool annotation_integer(const json_t *json, int64_t *ret_value);

/*
 * Two lists of run lengths, from a JSON array. Alternating: pixels without and with the label, in
 * turn, the first n_runs elements.
 */
bool annotation_alternating(struct stroke *stroke, const json_t *counts, size_t n_runs);

/* [height, width] of a mask, or what the source's shape says where there is none. */
bool annotation_size(struct canvas *canvas, const json_t *size);

/* The regions of an annotation that are no masks: counted under their name. */
bool annotation_skip(const struct canvas *canvas, const char *what);

#endif
