/* dicom_rle.c - frames in DICOM's RLE: a byte of every pixel, then the next byte, each PackBits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/bytes.h"
#include "proto/format/dicom_seg.h"

#define ITEM_BYTES   8  /* tag and length */
#define HEADER_BYTES 64 /* of a frame: how many segments, and where they begin. PS3.5, G.5 */

struct bytes {
    const uint8_t *at;
    size_t n;
};

static uint32_t integer(const uint8_t *bytes)
{
    return (uint32_t)bytes_unsigned(bytes, 4, BYTES_LITTLE);
}

/* The item at *at in PixelData: the table of offsets, then a fragment for each frame. */
static bool next_item(const struct dicom_element *pixels, size_t *at, struct bytes *ret_item)
{
    const uint8_t *head = pixels->value + *at;
    size_t n_left = pixels->n_value - *at;

    if (n_left < ITEM_BYTES || integer(head) != (DICOM_ITEM << 16 | DICOM_ITEM >> 16) ||
        integer(head + 4) > n_left - ITEM_BYTES)
        return false;
    *ret_item = (struct bytes){head + ITEM_BYTES, integer(head + 4)};
    *at += ITEM_BYTES + ret_item->n;
    return true;
}

/* Exactly n_out bytes, each `step` behind the one before it. */
static bool unpack(struct bytes packed, uint8_t *out, size_t n_out, size_t step)
{
    while (n_out > 0) {
        uint8_t code;
        size_t n;

        if (packed.n < 2)
            return false;
        code = *packed.at;
        n = code < 128 ? (size_t)code + 1 : 257 - (size_t)code;
        packed.at++;
        packed.n--;
        if (code == 128) /* says nothing */
            continue;
        if (n > n_out || (code < 128 && n > packed.n))
            return false;
        for (size_t i = 0; i < n; i++, out += step)
            *out = packed.at[code < 128 ? i : 0];
        packed.at += code < 128 ? n : 1;
        packed.n -= code < 128 ? n : 1;
        n_out -= n;
    }
    return true;
}

/* The segments of a frame, the highest byte of each pixel first. */
static bool unpack_frame(struct bytes frame, uint8_t *out, size_t n_pixels, size_t width)
{
    if (frame.n < HEADER_BYTES || integer(frame.at) != width)
        return false;
    for (size_t i = 0; i < width; i++) {
        size_t begin = integer(frame.at + 4 + 4 * i);
        size_t end = i + 1 < width ? integer(frame.at + 8 + 4 * i) : frame.n;

        if (begin < HEADER_BYTES || begin > end || end > frame.n ||
            !unpack((struct bytes){frame.at + begin, end - begin}, out + width - 1 - i, n_pixels,
                    width))
            return false;
    }
    return true;
}

static bool refuse(const struct seg *seg, size_t i_frame, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                       "PixelData (7fe0,0010) at byte %zu has no RLE fragment of %u x %u pixels of "
                       "%u bits for frame %zu.",
                       seg->pixels.at, seg->columns, seg->rows, seg->bits_allocated, i_frame + 1);
}

bool seg_unpack(struct seg *seg, struct problem *reterr)
{
    size_t n_pixels = (size_t)seg->rows * seg->columns;
    size_t width = seg->bits_allocated / 8u;
    size_t n_frame = n_pixels * width;
    uint64_t limit = reader__env(seg->reader)->limits.decoded_bytes;
    struct bytes item;
    size_t at = 0;

    if (width == 0)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, seg->file.pointer,
                           "The DICOM segmentation is BINARY and compressed, by RLE of bits.");
    if (seg->n_read > limit / n_frame)
        return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, seg->file.pointer,
                           "The DICOM segmentation's frames take more than %llu bytes; that is the "
                           "limit.",
                           (unsigned long long)limit);
    seg->unpacked = growth_new(&seg->growth, seg->n_read, n_frame, reterr);
    if (seg->unpacked == NULL)
        return false;
    if (!next_item(&seg->pixels, &at, &item))
        return refuse(seg, 0, reterr);
    for (size_t i = 0; i < seg->n_read; i++) {
        if (!next_item(&seg->pixels, &at, &item) ||
            !unpack_frame(item, seg->unpacked + i * n_frame, n_pixels, width))
            return refuse(seg, i, reterr);
    }
    seg->pixels.value = seg->unpacked;
    seg->pixels.n_value = seg->n_read * n_frame;
    return true;
}
