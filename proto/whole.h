/* whole.h - all the bytes of a mask file at once, for formats that are not read front to back. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_WHOLE_H
#define PROTO_WHOLE_H

#include "proto/reader.h"

struct whole {
    const uint8_t *bytes;
    size_t n_bytes;
    uint8_t *decoded;     /* NULL where the bytes lie in the request as they are */
    uint64_t taken_bytes; /* from the budget */
    const struct env *env;
};

/*
 * Read a stream of which nothing has been read. Bytes that are not compressed are borrowed, others
 * are decoded into memory from the budget, limits.decoded_bytes at most. On success whole_done
 * gives it back; on failure nothing is held.
 */
bool whole_init(struct whole *whole, const struct reader *reader, struct coding *stream,
                struct problem *reterr);
void whole_done(struct whole *whole);

#endif
