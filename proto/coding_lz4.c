/* coding_lz4.c - lz4 frames, by liblz4. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/coding_impl.h"

#include <lz4frame.h>
#include <string.h>

#define MAGIC_BYTES     4
#define FLAG_DICTIONARY 1 /* bit 0 of the byte after the magic */

/* liblz4 keeps two blocks at most, of up to 4 MiB each, whatever the input says. */
static void *lz4_new(enum coding_kind kind)
{
    LZ4F_dctx *state = NULL;

    (void)kind;
    return LZ4F_isError(LZ4F_createDecompressionContext(&state, LZ4F_VERSION)) ? NULL : state;
}

static void lz4_free(void *state)
{
    LZ4F_freeDecompressionContext(state);
}

static bool lz4_failed(const struct coding *coding, size_t status, struct problem *reterr)
{
    const char *name = LZ4F_getErrorName(status);

    if (strcmp(name, "ERROR_allocation_failed") == 0)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, coding->pointer,
                           "There is no memory to decompress lz4.");
    if (strstr(name, "hecksum") != NULL)
        name = "a checksum does not match";
    return coding__corrupt(coding, name, reterr);
}

static bool is_skippable(const struct coding *coding)
{
    return coding->n_bytes >= MAGIC_BYTES && (coding->bytes[0] & 0xf0) == 0x50 &&
           memcmp(coding->bytes + 1, "\x2a\x4d\x18", 3) == 0;
}

/* Looked at here, because liblz4 would decode without the dictionary that a frame asks for. */
static bool lz4_next_frame(struct coding *coding, struct problem *reterr)
{
    bool first = coding->n_consumed == 0;
    bool begins = coding__begins(coding->bytes, coding->n_bytes, "\x04\x22\x4d\x18", MAGIC_BYTES);

    if (begins && coding->n_bytes > MAGIC_BYTES && (coding->bytes[MAGIC_BYTES] & FLAG_DICTIONARY))
        return coding__corrupt(coding, "it needs a dictionary", reterr);
    if (begins || is_skippable(coding))
        coding->between = false;
    else if (first && coding->n_bytes < MAGIC_BYTES)
        return coding__truncated(coding, reterr);
    else if (first)
        return coding__corrupt(coding, "it does not begin with an lz4 frame", reterr);
    else if (coding->n_bytes > 0)
        return coding__trailing(coding, coding->n_bytes, reterr);
    else
        coding->ended = true;
    return true;
}

static bool lz4_decode(struct coding *coding, uint8_t *out, size_t n, size_t *ret_n,
                       struct problem *reterr)
{
    size_t done = 0;

    while (done < n) {
        size_t n_out = n - done, n_in = coding->n_bytes;
        size_t status;

        if (coding->between && !lz4_next_frame(coding, reterr))
            return false;
        if (coding->ended)
            break;
        status = LZ4F_decompress(coding->state, out + done, &n_out, coding->bytes, &n_in, NULL);
        if (LZ4F_isError(status))
            return lz4_failed(coding, status, reterr);
        coding__consume(coding, n_in);
        done += n_out;
        coding->between = status == 0;
        if (!coding->between && done < n && coding->n_bytes == 0)
            return coding__truncated(coding, reterr);
    }
    *ret_n = done;
    return true;
}

const struct coding_decoder coding__lz4 = {lz4_new, lz4_free, lz4_decode};
