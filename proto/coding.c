/* coding.c - bytes out of gzip, zlib, zstd and lz4 streams, a piece at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/coding_impl.h"
#include "proto/proto.h"

#include <isa-l/crc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zstd.h>

/* RFC 1952: a header, an empty block, and a trailer whose last four bytes are the size modulo 2^32.
 */
#define GZIP_LEAST_BYTES 20

/* Two bits become 258 bytes. */
#define DEFLATE_MOST_RATIO 1032

/* ---- names ----------------------------------------------------------------------------------- */

#define CODING_NAMES(symbol, name, http) {name, http},
static const struct {
    const char *name;
    const char *http;
} names[CODING_N] = {CODING_MAP(CODING_NAMES)};
#undef CODING_NAMES

const char *coding_name(enum coding_kind kind)
{
    if (kind == CODING_DEFLATE)
        return "deflate";
    return kind < CODING_N ? names[kind].name : "auto";
}

enum coding_kind coding_find(const char *name, size_t n)
{
    for (enum coding_kind kind = CODING_NONE; kind < CODING_N; kind++) {
        if (strlen(names[kind].name) == n && memcmp(names[kind].name, name, n) == 0)
            return kind;
    }
    return CODING_N;
}

enum coding_kind coding_find_http(const char *name)
{
    if (strcasecmp(name, "x-gzip") == 0)
        return CODING_GZIP;
    for (enum coding_kind kind = CODING_NONE; kind < CODING_N; kind++) {
        if (names[kind].http[0] != '\0' && strcasecmp(names[kind].http, name) == 0)
            return kind;
    }
    return CODING_N;
}

const char *coding_accept(void)
{
    return "gzip, deflate, zstd";
}

bool coding__begins(const uint8_t *bytes, size_t n_bytes, const char *signature, size_t n)
{
    return n_bytes >= n && memcmp(bytes, signature, n) == 0;
}

enum coding_kind coding_sniff(const uint8_t *bytes, size_t n_bytes)
{
    if (coding__begins(bytes, n_bytes, "\x1f\x8b\x08", 3))
        return CODING_GZIP;
    if (coding__begins(bytes, n_bytes, "\x28\xb5\x2f\xfd", 4))
        return CODING_ZSTD;
    if (coding__begins(bytes, n_bytes, "\x04\x22\x4d\x18", 4))
        return CODING_LZ4;
    return CODING_NONE;
}

static uint64_t gzip_least_bytes(const uint8_t *bytes, size_t n_bytes)
{
    uint64_t size = 0;

    if (n_bytes < GZIP_LEAST_BYTES)
        return 0;
    for (size_t i = 1; i <= 4; i++)
        size = size << 8 | bytes[n_bytes - i];
    return size / DEFLATE_MOST_RATIO <= n_bytes ? size : 0;
}

uint64_t coding_least_bytes(enum coding_kind kind, const uint8_t *bytes, size_t n_bytes)
{
    unsigned long long size;

    if (kind == CODING_GZIP)
        return gzip_least_bytes(bytes, n_bytes);
    if (kind != CODING_ZSTD)
        return 0;
    size = ZSTD_getFrameContentSize(bytes, n_bytes);
    return size < ZSTD_CONTENTSIZE_ERROR ? size : 0;
}

/* ---- none ------------------------------------------------------------------------------------ */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

void coding__consume(struct coding *coding, size_t n)
{
    coding->bytes += n;
    coding->n_bytes -= n;
    coding->n_consumed += n;
}

static bool none_decode(struct coding *coding, uint8_t *out, size_t n, size_t *ret_n,
                        struct problem *reterr)
{
    size_t n_here = smaller(n, coding->n_bytes);

    (void)reterr;
    memcpy(out, coding->bytes, n_here);
    coding__consume(coding, n_here);
    coding->ended = n_here < n;
    *ret_n = n_here;
    return true;
}

/* ---- problems -------------------------------------------------------------------------------- */

bool coding__truncated(const struct coding *coding, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_TRUNCATED, coding->pointer,
                       "The %s data ends before it is complete, after %llu bytes.",
                       coding_name(coding->kind), (unsigned long long)coding->n_consumed);
}

bool coding__trailing(const struct coding *coding, size_t n, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_TRAILING_BYTES, coding->pointer,
                       "%zu bytes follow the end of the %s data at byte %llu.", n,
                       coding_name(coding->kind), (unsigned long long)coding->n_consumed);
}

bool coding__corrupt(const struct coding *coding, const char *why, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_CORRUPT, coding->pointer,
                       "The %s data cannot be decoded: %s, at or before byte %llu.",
                       coding_name(coding->kind), why, (unsigned long long)coding->n_consumed);
}

/* ---- any kind -------------------------------------------------------------------------------- */

static const struct coding_decoder decode_none = {NULL, NULL, none_decode};

static const struct coding_decoder *const decoders[CODING_DEFLATE + 1] = {
    [CODING_NONE] = &decode_none,     [CODING_GZIP] = &coding__inflate,
    [CODING_ZLIB] = &coding__inflate, [CODING_ZSTD] = &coding__zstd,
    [CODING_LZ4] = &coding__lz4,      [CODING_DEFLATE] = &coding__inflate,
};

struct coding *coding_new(enum coding_kind kind, const uint8_t *bytes, size_t n_bytes,
                          const char *pointer, struct problem *reterr)
{
    const struct coding_decoder *decoder = decoders[kind];
    struct coding *coding = calloc(1, sizeof(*coding));

    if (coding != NULL) {
        coding->kind = kind;
        coding->pointer = pointer;
        coding->bytes = n_bytes > 0 ? bytes : (const uint8_t *)"";
        coding->n_bytes = n_bytes;
        coding->between = true;
        if (decoder->state_new == NULL || (coding->state = decoder->state_new(kind)) != NULL)
            return coding;
    }
    coding_free(coding);
    problem_set(reterr, PROBLEM_OUT_OF_MEMORY, pointer, "There is no memory to decompress %s.",
                coding_name(kind));
    return NULL;
}

void coding_free(struct coding *coding)
{
    if (coding != NULL && coding->state != NULL)
        decoders[coding->kind]->state_free(coding->state);
    free(coding);
}

static bool decode(struct coding *coding, uint8_t *out, size_t n, size_t *ret_n,
                   struct problem *reterr)
{
    *ret_n = 0;
    if (n == 0 || coding->ended)
        return true;
    if (coding->failed)
        return coding__corrupt(coding, "it was damaged before", reterr);
    coding->failed = !decoders[coding->kind]->decode(coding, out, n, ret_n, reterr);
    return !coding->failed;
}

bool coding_peek(struct coding *coding, size_t n, const uint8_t **ret_bytes, size_t *ret_n,
                 struct problem *reterr)
{
    size_t n_peeked = coding->peek_end - coding->peek_at;
    size_t n_here = 0;

    n = smaller(n, CODING_PEEK_BYTES);
    if (coding->kind == CODING_NONE) {
        *ret_bytes = coding->bytes;
        *ret_n = smaller(n, coding->n_bytes);
        return true;
    }
    if (n_peeked < n) {
        memmove(coding->peeked, coding->peeked + coding->peek_at, n_peeked);
        if (!decode(coding, coding->peeked + n_peeked, n - n_peeked, &n_here, reterr))
            return false;
        coding->peek_at = 0;
        coding->peek_end = n_peeked + n_here;
    }
    *ret_bytes = coding->peeked + coding->peek_at;
    *ret_n = smaller(n, n_peeked + n_here);
    return true;
}

static void handed_out(struct coding *coding, const uint8_t *bytes, size_t n)
{
    coding->n_decoded += n;
    if (coding->is_expected)
        coding->crc_32 = crc32_gzip_refl(coding->crc_32, bytes, n);
}

bool coding_read_some(struct coding *coding, void *bytes, size_t n, size_t *ret_n,
                      struct problem *reterr)
{
    size_t n_peeked = smaller(n, coding->peek_end - coding->peek_at);
    size_t n_here = 0;

    memcpy(bytes, coding->peeked + coding->peek_at, n_peeked);
    coding->peek_at += n_peeked;
    if (!decode(coding, (uint8_t *)bytes + n_peeked, n - n_peeked, &n_here, reterr))
        return false;
    *ret_n = n_peeked + n_here;
    handed_out(coding, bytes, *ret_n);
    return true;
}

bool coding_read(struct coding *coding, void *bytes, size_t n, struct problem *reterr)
{
    size_t n_here;

    if (!coding_read_some(coding, bytes, n, &n_here, reterr))
        return false;
    if (n_here < n)
        return problem_set(reterr, PROBLEM_TRUNCATED, coding->pointer,
                           "The data ends after %llu bytes; at least %zu more should follow.",
                           (unsigned long long)coding->n_decoded, n - n_here);
    return true;
}

const uint8_t *coding_borrow(struct coding *coding, size_t n)
{
    const uint8_t *bytes = coding->bytes;

    if (coding->kind != CODING_NONE || n > coding->n_bytes)
        return NULL;
    coding__consume(coding, n);
    handed_out(coding, bytes, n);
    return bytes;
}

void coding_expect(struct coding *coding, uint64_t n_bytes, uint32_t crc_32)
{
    coding->is_expected = true;
    coding->expected_bytes = n_bytes;
    coding->expected_crc_32 = crc_32;
}

const uint8_t *coding_borrow_rest(struct coding *coding, size_t *ret_n)
{
    *ret_n = coding->n_bytes;
    return coding_borrow(coding, coding->n_bytes);
}

bool coding_finish(struct coding *coding, struct problem *reterr)
{
    uint8_t byte;
    size_t n_here;

    if (!coding_read_some(coding, &byte, 1, &n_here, reterr))
        return false;
    if (n_here > 0)
        return problem_set(reterr, PROBLEM_TRAILING_BYTES, coding->pointer,
                           "The mask is complete after %llu bytes, but more bytes follow.",
                           (unsigned long long)coding->n_decoded - 1);
    if (coding->is_expected &&
        (coding->n_decoded != coding->expected_bytes || coding->crc_32 != coding->expected_crc_32))
        return coding__corrupt(coding, "its length or checksum is not what the archive says",
                               reterr);
    return true;
}
