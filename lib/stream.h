/* stream.h - a piece of a mask as a stream of runs, a window of them at a time. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_STREAM_H
#define OV_STREAM_H

#include <string.h>

#include "lib/kernels/kernels.h"
#include "lib/labels.h"
#include "lib/overlap.h"
#include "lib/rule.h"

/* What some bits meant when they were last met. */
struct ov__memo {
    uint64_t bits;
    uint64_t slot; /* OV__MEMO_FREE where there is nothing yet */
};

#define OV__MEMO_FREE UINT64_MAX

enum { OV__N_MEMOS = 256 };

struct ov__stream {
    struct ov__labels *labels;
    const int64_t *ignore; /* [n_ignore], ascending; these labels have slot OV__SLOT_NONE */
    size_t n_ignore;
    struct ov__rule rule;
    struct ov_piece piece;
    ov__ends *find_ends;
    uint64_t n_read;    /* voxels in this window and the ones before it */
    size_t n_runs_read; /* of piece.runs */

    size_t n_window;
    uint64_t end[OV__CHUNK]; /* where a run ends, in voxels from the start of the piece */
    uint32_t slot[OV__CHUNK];
    uint16_t tile_ends[OV__CHUNK];
    struct ov__memo memos[OV__N_MEMOS];
};

/* `ignore` is NULL for a prediction. */
void ov__stream_init(struct ov__stream *stream, struct ov__labels *labels, const int64_t *ignore,
                     size_t n_ignore);

/* Start with a piece, borrowed until the last refill. */
void ov__stream_open(struct ov__stream *stream, const struct ov_piece *piece,
                     const struct ov_counter_options *options);

/*
 * Replace the window by the next one, which is not empty; call it only while n_read is short of the
 * piece. Errors: OV_EFRACTION, OV_ENAN, OV_ELABEL, OV_EMANY, OV_ENOMEM.
 */
enum ov_status ov__stream_refill(struct ov__stream *stream);

/* Errors: as ov__stream_refill. */
enum ov_status ov__stream_learn(struct ov__stream *stream, uint64_t bits,
                                struct ov__memo *ret_memo);

static inline uint64_t ov__stream_element(const unsigned char *bytes, size_t width)
{
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    switch (width) {
    case 1:
        memcpy(&u8, bytes, 1);
        return u8;
    case 2:
        memcpy(&u16, bytes, 2);
        return u16;
    case 4:
        memcpy(&u32, bytes, 4);
        return u32;
    default:
        memcpy(&u64, bytes, 8);
        return u64;
    }
}

/*
 * The slot of an element's bits. Single bytes have a memo each; wider elements share them by a
 * multiplicative hash.
 */
static inline enum ov_status ov__stream_slot(struct ov__stream *stream, uint64_t bits, size_t width,
                                             uint32_t *ret_slot)
{
    size_t i = width == 1 ? (size_t)bits : (size_t)((bits * 0x9e3779b97f4a7c15u) >> 56);
    struct ov__memo *memo = &stream->memos[i];
    if (memo->bits != bits || memo->slot == OV__MEMO_FREE) {
        enum ov_status status = ov__stream_learn(stream, bits, memo);
        if (status != OV_OK)
            return status;
    }
    *ret_slot = (uint32_t)memo->slot;
    return OV_OK;
}

#endif
