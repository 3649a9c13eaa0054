/* coding_impl.h - what the kinds of coding share with coding.c; for proto/coding*.c alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_CODING_IMPL_H
#define PROTO_CODING_IMPL_H

#include "proto/coding.h"

struct coding {
    enum coding_kind kind;
    const char *pointer;
    const uint8_t *bytes; /* encoded, not consumed yet */
    size_t n_bytes;
    uint64_t n_consumed;
    uint64_t n_decoded; /* what was handed out */
    bool ended;         /* nothing more will be decoded, checksums were right */
    bool failed;        /* and must not be asked again */
    bool between;       /* zstd, lz4: a frame has ended, or none has begun */
    bool is_expected;   /* what is decoded is held to these */
    uint32_t crc_32;    /* of what was handed out */
    uint32_t expected_crc_32;
    uint64_t expected_bytes;
    void *state;    /* the decompressor's */
    size_t peek_at; /* peeked[peek_at .. peek_end) is decoded and not handed out */
    size_t peek_end;
    uint8_t peeked[CODING_PEEK_BYTES];
};

/* What differs from kind to kind. decode gives fewer than n > 0 bytes only where it sets ended. */
struct coding_decoder {
    void *(*state_new)(enum coding_kind kind);
    void (*state_free)(void *state);
    bool (*decode)(struct coding *coding, uint8_t *out, size_t n, size_t *ret_n,
                   struct problem *reterr);
};

extern const struct coding_decoder coding__inflate, coding__zstd, coding__lz4;

void coding__consume(struct coding *coding, size_t n);
bool coding__begins(const uint8_t *bytes, size_t n_bytes, const char *signature, size_t n);

/* What can be wrong with encoded data; each returns false. */
bool coding__truncated(const struct coding *coding, struct problem *reterr);
bool coding__trailing(const struct coding *coding, size_t n, struct problem *reterr);
bool coding__corrupt(const struct coding *coding, const char *why, struct problem *reterr);

#endif
