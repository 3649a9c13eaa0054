/* inner.h - what is compressed inside a file, which may be compressed itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_INNER_H
#define PROTO_INNER_H

#include "proto/coding.h"
#include "proto/growth.h"

/* Zeroed but for growth's env and pointer: nothing is open. */
struct inner {
    struct growth growth;
    struct coding *outer; /* the file's; NULL where nothing is open */
    uint8_t *room;        /* what it decoded to, where that lies nowhere else */
    size_t cap;
};

/*
 * What is left of *stream is in a coding: *stream becomes what that decodes to, and the file's own
 * coding is the inner's from then on.
 *   ret_n_bytes   what is left, not decoded
 * Problems: those of the file's coding, more than limits.decoded_bytes, no memory.
 */
bool inner_open(struct inner *inner, enum coding_kind kind, struct coding **stream,
                size_t *ret_n_bytes, struct problem *reterr);
bool inner_is_open(const struct inner *inner);

/* After the stream is freed. */
void inner_done(struct inner *inner);

#endif
