/* coding.h - bytes out of gzip, zlib, zstd and lz4 streams, a piece at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_CODING_H
#define PROTO_CODING_H

#include "proto/problem.h"

/* Symbol, name in requests, name as a Content-Encoding ("" for none). */
#define CODING_MAP(X)           \
    X(NONE, "none", "identity") \
    X(GZIP, "gzip", "gzip")     \
    X(ZLIB, "zlib", "deflate")  \
    X(ZSTD, "zstd", "zstd")     \
    X(LZ4, "lz4", "")

#define CODING_ENUM(symbol, name, http) CODING_##symbol,
enum coding_kind {
    CODING_MAP(CODING_ENUM) CODING_N,
    CODING_AUTO = CODING_N,
    CODING_DEFLATE, /* bare, as in ZIP archives; a container names it, no request does */
};
#undef CODING_ENUM

const char *coding_name(enum coding_kind kind);
/* Both return CODING_N for a name that is none. coding_find_http ignores case and knows x-gzip. */
enum coding_kind coding_find(const char *name, size_t n);
enum coding_kind coding_find_http(const char *name);

/* What the first bytes say: gzip, zstd and lz4 have signatures, everything else is CODING_NONE. */
enum coding_kind coding_sniff(const uint8_t *bytes, size_t n_bytes);

/*
 * The least that it decodes to, if what a gzip trailer or a zstd header says is true; 0 where
 * nothing is said, or what cannot be. To refuse a bomb without unpacking it.
 */
uint64_t coding_least_bytes(enum coding_kind kind, const uint8_t *bytes, size_t n_bytes);

/* A stream being decoded; opaque. Its memory does not depend on the input (zstd windows <= 8 MiB,
 * lz4 blocks <= 4 MiB).
 */
struct coding;

/*
 * Begin to decode. The bytes are borrowed until coding_free.
 *   pointer   names the source in problems, "#/prediction"
 * NULL, with reterr set, where memory is out.
 */
struct coding *coding_new(enum coding_kind kind, const uint8_t *bytes, size_t n_bytes,
                          const char *pointer, struct problem *reterr);
void coding_free(struct coding *coding);

/*
 * Look at up to n <= CODING_PEEK_BYTES bytes that coding_read will return next; fewer only where
 * the stream ends. They stay valid until the next call. false where the stream is corrupt.
 */
#define CODING_PEEK_BYTES 1024
bool coding_peek(struct coding *coding, size_t n, const uint8_t **ret_bytes, size_t *ret_n,
                 struct problem *reterr);

/* Decode up to n bytes; *ret_n < n only where the stream has ended (and its checksum was right). */
bool coding_read_some(struct coding *coding, void *bytes, size_t n, size_t *ret_n,
                      struct problem *reterr);

/* Decode exactly n bytes: a stream that ends earlier is PROBLEM_TRUNCATED. */
bool coding_read(struct coding *coding, void *bytes, size_t n, struct problem *reterr);

/*
 * Where the decoded bytes lie already (CODING_NONE): borrow the next n in place instead of copying.
 * NULL where they do not, or fewer than n are left; then nothing has moved.
 */
const uint8_t *coding_borrow(struct coding *coding, size_t n);

/* What a container says of the decoded bytes, before the first is read: coding_finish holds the
 * stream to it. */
void coding_expect(struct coding *coding, uint64_t n_bytes, uint32_t crc_32);

/* As coding_borrow, all that is left. NULL where the decoded bytes do not lie anywhere. */
const uint8_t *coding_borrow_rest(struct coding *coding, size_t *ret_n);

/* The stream ends here: nothing decoded is left, checksums are right, no bytes follow. */
bool coding_finish(struct coding *coding, struct problem *reterr);

#endif
