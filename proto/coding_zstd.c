/* coding_zstd.c - zstd, by libzstd. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/coding_impl.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* RFC 9659: a decoder on the web need not support more than 8 MiB, and what asks for more is an
 * attack far more often than a mask. */
#define WINDOW_LOG_MAX 23

static void *zstd_new(enum coding_kind kind)
{
    ZSTD_DCtx *state = ZSTD_createDCtx();

    (void)kind;
    if (state != NULL)
        ZSTD_DCtx_setParameter(state, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return state;
}

static void zstd_free(void *state)
{
    ZSTD_freeDCtx(state);
}

static bool zstd_failed(const struct coding *coding, size_t status, struct problem *reterr)
{
    switch (ZSTD_getErrorCode(status)) {
    case ZSTD_error_memory_allocation:
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, coding->pointer,
                           "There is no memory to decompress zstd.");
    case ZSTD_error_frameParameter_windowTooLarge:
        return coding__corrupt(coding,
                               "its window is larger than 8 MiB; compress without --long and "
                               "--ultra",
                               reterr);
    default:
        return coding__corrupt(coding, ZSTD_getErrorName(status), reterr);
    }
}

/* Checked here and not left to libzstd, which would go on into its formats of before 1.0. */
static bool zstd_frame_begins(const struct coding *coding)
{
    const uint8_t *bytes = coding->bytes;

    return coding__begins(bytes, coding->n_bytes, "\x28\xb5\x2f\xfd", 4) ||
           (coding->n_bytes >= 4 && (bytes[0] & 0xf0) == 0x50 &&
            memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0);
}

static bool zstd_next_frame(struct coding *coding, struct problem *reterr)
{
    bool first = coding->n_consumed == 0;

    if (zstd_frame_begins(coding))
        coding->between = false;
    else if (first && coding->n_bytes < 4)
        return coding__truncated(coding, reterr);
    else if (first)
        return coding__corrupt(coding, "it does not begin with a zstd frame", reterr);
    else if (coding->n_bytes > 0)
        return coding__trailing(coding, coding->n_bytes, reterr);
    else
        coding->ended = true;
    return true;
}

static bool zstd_decode(struct coding *coding, uint8_t *out, size_t n, size_t *ret_n,
                        struct problem *reterr)
{
    ZSTD_outBuffer output = {.size = n};

    output.dst = out;
    while (output.pos < n) {
        ZSTD_inBuffer input = {coding->bytes, coding->n_bytes, 0};
        size_t status;

        if (coding->between && !zstd_next_frame(coding, reterr))
            return false;
        if (coding->ended)
            break;
        status = ZSTD_decompressStream(coding->state, &output, &input);
        coding__consume(coding, input.pos);
        if (ZSTD_isError(status))
            return zstd_failed(coding, status, reterr);
        coding->between = status == 0;
        if (!coding->between && output.pos < n && coding->n_bytes == 0)
            return coding__truncated(coding, reterr);
    }
    *ret_n = output.pos;
    return true;
}

const struct coding_decoder coding__zstd = {zstd_new, zstd_free, zstd_decode};
