/* runs.c - a tile written down as its runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/stream.h"

struct listing {
    struct ov__rule rule;
    bool bits_are_labels;
    struct ov_run *runs;
    size_t cap;
    size_t n;
    uint64_t bits; /* of the last run's elements */
};

static bool are_labels(const struct ov_encoding *encoding)
{
    return (encoding->dtype == OV_U8 || encoding->dtype == OV_U16 || encoding->dtype == OV_U32) &&
           !encoding->swapped && encoding->slope == 0;
}

/* A run goes on where the last one had the same bits: chunks cut runs, the data did not. */
static inline enum ov_status append(struct listing *listing, uint64_t bits, uint64_t length)
{
    if (listing->n > 0 && listing->bits == bits) {
        listing->runs[listing->n - 1].length += length;
        return OV_OK;
    }
    if (listing->n == listing->cap)
        return OV_ESIZE;
    struct ov_run *run = &listing->runs[listing->n++];
    listing->bits = bits;
    run->length = length;
    run->label = (int64_t)bits;
    return listing->bits_are_labels ? OV_OK : ov__rule_label(&listing->rule, bits, &run->label);
}

static inline __attribute__((always_inline)) enum ov_status append_chunk(struct listing *listing,
                                                                         const unsigned char *chunk,
                                                                         const uint16_t *ends,
                                                                         size_t n_ends,
                                                                         size_t width)
{
    enum ov_status status = OV_OK;
    for (size_t i = 0, start = 0; i < n_ends && status == OV_OK; i++) {
        size_t end = (size_t)ends[i] + 1;
        status = append(listing, ov__stream_element(chunk + (end - 1) * width, width), end - start);
        start = end;
    }
    return status;
}

/* One loop per width, each with the width known to the compiler. */
static enum ov_status list_chunk(struct listing *listing, const unsigned char *chunk,
                                 const uint16_t *ends, size_t n_ends, size_t width)
{
    switch (width) {
    case 1:
        return append_chunk(listing, chunk, ends, n_ends, 1);
    case 2:
        return append_chunk(listing, chunk, ends, n_ends, 2);
    case 4:
        return append_chunk(listing, chunk, ends, n_ends, 4);
    default:
        return append_chunk(listing, chunk, ends, n_ends, 8);
    }
}

enum ov_status ov_runs_of_tile(const struct ov_piece *piece, struct ov_run *runs, size_t cap,
                               size_t *ret_n)
{
    size_t width = ov_dtype_bytes(piece->encoding.dtype);
    struct listing listing = {
        .rule = {.encoding = piece->encoding},
        .bits_are_labels = are_labels(&piece->encoding),
        .runs = runs,
        .cap = cap,
    };
    if (width == 0)
        return OV_EDTYPE;
    ov__ends *find_ends = ov__ends_of_width(width);
    for (uint64_t at = 0; at < piece->n_voxels; at += OV__CHUNK) {
        uint16_t ends[OV__CHUNK];
        uint64_t left = piece->n_voxels - at;
        size_t n = left < OV__CHUNK ? (size_t)left : OV__CHUNK;
        const unsigned char *chunk = (const unsigned char *)piece->tile + at * width;
        enum ov_status status = list_chunk(&listing, chunk, ends, find_ends(chunk, n, ends), width);
        if (status != OV_OK)
            return status;
    }
    *ret_n = listing.n;
    return OV_OK;
}
