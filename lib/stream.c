/* stream.c - tiles and run lists -> runs of slots. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/stream.h"

#include <stdlib.h>

static void forget(struct ov__stream *stream)
{
    for (size_t i = 0; i < OV__N_MEMOS; i++)
        stream->memos[i].slot = OV__MEMO_FREE;
}

void ov__stream_init(struct ov__stream *stream, struct ov__labels *labels, const int64_t *ignore,
                     size_t n_ignore)
{
    stream->labels = labels;
    stream->ignore = ignore;
    stream->n_ignore = n_ignore;
    stream->rule = (struct ov__rule){.encoding = {.dtype = OV_U8}};
    forget(stream);
}

void ov__stream_open(struct ov__stream *stream, const struct ov_piece *piece,
                     const struct ov_counter_options *options)
{
    struct ov__rule rule = {.encoding = piece->encoding,
                            .has_threshold = options->has_threshold,
                            .threshold = options->threshold};
    if (piece->tile == NULL)
        rule.encoding = (struct ov_encoding){.dtype = OV_I64};
    if (!ov__rule_equal(&rule, &stream->rule))
        forget(stream);
    stream->rule = rule;
    stream->piece = *piece;
    stream->find_ends = ov__ends_of_width(ov_dtype_bytes(rule.encoding.dtype));
    stream->n_read = 0;
    stream->n_runs_read = 0;
    stream->n_window = 0;
}

/* Ignored labels are those that the mask holds, whatever a threshold makes of them. */
static bool is_ignored(const struct ov__stream *stream, uint64_t bits)
{
    struct ov__rule own = stream->rule;
    int64_t label;
    if (stream->n_ignore == 0)
        return false;
    own.has_threshold = false;
    return ov__rule_label(&own, bits, &label) == OV_OK &&
           bsearch(&label, stream->ignore, stream->n_ignore, sizeof label, ov__label_compare) !=
               NULL;
}

enum ov_status ov__stream_learn(struct ov__stream *stream, uint64_t bits, struct ov__memo *ret_memo)
{
    int64_t label;
    uint32_t slot = OV__SLOT_NONE;
    enum ov_status status = ov__rule_label(&stream->rule, bits, &label);
    if (status == OV_OK && !is_ignored(stream, bits))
        status = ov__labels_slot(stream->labels, label, &slot);
    if (status == OV_OK)
        *ret_memo = (struct ov__memo){.bits = bits, .slot = slot};
    return status;
}

static inline __attribute__((always_inline)) enum ov_status resolve(struct ov__stream *stream,
                                                                    const unsigned char *bytes,
                                                                    size_t width)
{
    for (size_t i = 0; i < stream->n_window; i++) {
        size_t last = stream->tile_ends[i];
        stream->end[i] = stream->n_read + last + 1;
        enum ov_status status = ov__stream_slot(
            stream, ov__stream_element(bytes + last * width, width), width, &stream->slot[i]);
        if (status != OV_OK)
            return status;
    }
    return OV_OK;
}

/* One loop per width, each with the width known to the compiler. */
static enum ov_status resolve_tile(struct ov__stream *stream, const unsigned char *bytes,
                                   size_t width)
{
    switch (width) {
    case 1:
        return resolve(stream, bytes, 1);
    case 2:
        return resolve(stream, bytes, 2);
    case 4:
        return resolve(stream, bytes, 4);
    default:
        return resolve(stream, bytes, 8);
    }
}

static enum ov_status refill_tile(struct ov__stream *stream)
{
    size_t width = ov_dtype_bytes(stream->rule.encoding.dtype);
    const unsigned char *bytes = (const unsigned char *)stream->piece.tile + stream->n_read * width;
    uint64_t left = stream->piece.n_voxels - stream->n_read;
    size_t n = left < OV__CHUNK ? (size_t)left : OV__CHUNK;
    stream->n_window = stream->find_ends(bytes, n, stream->tile_ends);
    enum ov_status status = resolve_tile(stream, bytes, width);
    stream->n_read += n;
    return status;
}

static enum ov_status refill_runs(struct ov__stream *stream)
{
    stream->n_window = 0;
    while (stream->n_window < OV__CHUNK && stream->n_read < stream->piece.n_voxels) {
        const struct ov_run *run = &stream->piece.runs[stream->n_runs_read++];
        if (run->length == 0)
            continue;
        size_t i = stream->n_window++;
        stream->n_read += run->length;
        stream->end[i] = stream->n_read;
        enum ov_status status = ov__stream_slot(stream, (uint64_t)run->label, 8, &stream->slot[i]);
        if (status != OV_OK)
            return status;
    }
    return OV_OK;
}

enum ov_status ov__stream_refill(struct ov__stream *stream)
{
    return stream->piece.tile != NULL ? refill_tile(stream) : refill_runs(stream);
}
