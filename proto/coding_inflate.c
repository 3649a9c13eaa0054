/* coding_inflate.c - gzip, zlib and bare deflate, by ISA-L's igzip. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/coding_impl.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

/* ISA-L counts in 32 bits; longer inputs and outputs go in such pieces. */
#define INFLATE_PIECE ((size_t)1 << 30)

static void inflate_begin(struct inflate_state *state, enum coding_kind kind)
{
    isal_inflate_reset(state);
    switch (kind) {
    case CODING_GZIP:
        state->crc_flag = ISAL_GZIP;
        break;
    case CODING_ZLIB:
        state->crc_flag = ISAL_ZLIB;
        break;
    default:
        state->crc_flag = ISAL_DEFLATE;
        break;
    }
}

static void *inflate_new(enum coding_kind kind)
{
    struct inflate_state *state = malloc(sizeof(*state));

    if (state != NULL) {
        isal_inflate_init(state);
        inflate_begin(state, kind);
    }
    return state;
}

static bool inflate_failed(const struct coding *coding, int status, struct problem *reterr)
{
    const struct inflate_state *state = coding->state;

    if (status == ISAL_NEED_DICT)
        return coding__corrupt(coding, "it needs a preset dictionary", reterr);
    if (state->wrapper_flag == 0 && coding->kind == CODING_ZLIB)
        return coding__corrupt(coding,
                               "it does not begin with a zlib header (RFC 1950); raw deflate "
                               "is not accepted, send zlib, gzip or zstd",
                               reterr);
    if (state->wrapper_flag == 0 && coding->kind == CODING_GZIP)
        return coding__corrupt(coding, "a gzip header is damaged", reterr);
    if (status == ISAL_INCORRECT_CHECKSUM)
        return coding__corrupt(coding, "the checksum or length at its end does not match", reterr);
    return coding__corrupt(coding, "a deflate block is damaged", reterr);
}

/* A gzip file is members one after another (bgzip writes many); a zlib stream is one. */
static bool inflate_member_ended(struct coding *coding, struct problem *reterr)
{
    struct inflate_state *state = coding->state;
    /* ISA-L may have read some bytes ahead of a zlib trailer's end. */
    size_t n_left = coding->n_bytes + (size_t)state->read_in_length / 8;

    if (n_left == 0) {
        coding->ended = true;
        return true;
    }
    if (coding->kind == CODING_GZIP &&
        coding__begins(coding->bytes, coding->n_bytes, "\x1f\x8b", 2)) {
        inflate_begin(state, coding->kind);
        return true;
    }
    return coding__trailing(coding, n_left, reterr);
}

/* One call of isal_inflate: some input becomes some of n_out bytes. */
static int inflate_some(struct coding *coding, uint8_t *out, size_t n_out, size_t *ret_n)
{
    struct inflate_state *state = coding->state;
    size_t n_in = coding->n_bytes < INFLATE_PIECE ? coding->n_bytes : INFLATE_PIECE;
    int status;

    n_out = n_out < INFLATE_PIECE ? n_out : INFLATE_PIECE;
    /* next_in is not const, though it is only read. */
    memcpy(&state->next_in, &coding->bytes, sizeof(state->next_in));
    state->avail_in = (uint32_t)n_in;
    state->next_out = out;
    state->avail_out = (uint32_t)n_out;
    status = isal_inflate(state);
    /* Where a block is damaged, ISA-L leaves avail_in too small by 8, wrapped around near the end.
     */
    if (state->avail_in > n_in)
        return ISAL_INVALID_BLOCK;
    coding__consume(coding, n_in - state->avail_in);
    *ret_n = n_out - state->avail_out;
    return status;
}

static bool inflate_decode(struct coding *coding, uint8_t *out, size_t n, size_t *ret_n,
                           struct problem *reterr)
{
    const struct inflate_state *state = coding->state;
    size_t done = 0;

    while (done < n && !coding->ended) {
        size_t n_here = 0;
        int status = inflate_some(coding, out + done, n - done, &n_here);

        done += n_here;
        if (status != ISAL_DECOMP_OK)
            return inflate_failed(coding, status, reterr);
        if (state->block_state == ISAL_BLOCK_FINISH) {
            if (!inflate_member_ended(coding, reterr))
                return false;
        } else if (state->avail_out > 0 && coding->n_bytes == 0) {
            return coding__truncated(coding, reterr);
        }
    }
    *ret_n = done;
    return true;
}

const struct coding_decoder coding__inflate = {inflate_new, free, inflate_decode};
