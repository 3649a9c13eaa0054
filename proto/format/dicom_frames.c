/* dicom_frames.c - the pixels of a DICOM segmentation's frames, as intervals of their labels. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/bytes.h"
#include "proto/format/dicom_seg.h"

#define WORD_BITS  64
#define WORD_BYTES 8

/* A frame being read: n pixels from `first` on in PixelData, voxels from `start` on of the mask. */
struct frame {
    const struct seg *seg;
    struct layers *layers;
    uint64_t first;
    uint64_t n;
    uint64_t start;
    int64_t label;
};

/* Eight bytes, the first in the lowest; those beyond PixelData are 0. */
static uint64_t load(const struct dicom_element *pixels, size_t at)
{
    uint64_t word = 0;

    if (pixels->n_value - at < WORD_BYTES)
        return bytes_unsigned(pixels->value + at, pixels->n_value - at, BYTES_LITTLE);
    memcpy(&word, pixels->value + at, WORD_BYTES);
    return bytes_are_swapped(BYTES_LITTLE) ? __builtin_bswap64(word) : word;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- one bit a pixel ------------------------------------------------------------------------- */

/* Pixels at .. at+63 of the frame, the first in the lowest bit; those behind the frame are 0. */
typedef uint64_t word_source(const struct frame *frame, uint64_t at);

static uint64_t without_rest(uint64_t word, uint64_t n)
{
    return n < WORD_BITS ? word & (((uint64_t)1 << n) - 1) : word;
}

static uint64_t binary_word(const struct frame *frame, uint64_t at)
{
    const struct dicom_element *pixels = &frame->seg->pixels;
    size_t byte = (size_t)((frame->first + at) / 8);
    unsigned shift = (unsigned)((frame->first + at) % 8);
    uint64_t word = load(pixels, byte) >> shift;

    /* Frames begin at any bit, so that a word can lie in nine bytes. */
    if (shift > 0 && byte + WORD_BYTES < pixels->n_value)
        word |= (uint64_t)pixels->value[byte + WORD_BYTES] << (WORD_BITS - shift);
    return without_rest(word, frame->n - at);
}

/* Add the runs of ones. `on` is where the run that goes on began, UINT64_MAX for none. */
static bool add_word(const struct frame *frame, uint64_t word, uint64_t at, uint64_t *on,
                     struct problem *reterr)
{
    uint64_t left = ~(uint64_t)0; /* bits not looked at yet */

    for (;;) {
        uint64_t change = (*on != UINT64_MAX ? ~word : word) & left;
        unsigned bit;

        if (change == 0)
            return true;
        bit = (unsigned)__builtin_ctzll(change);
        left &= ~(uint64_t)0 << bit;
        if (*on == UINT64_MAX) {
            *on = at + bit;
            continue;
        }
        if (!layers_add(frame->layers, frame->label, frame->start + *on, at + bit - *on, reterr))
            return false;
        *on = UINT64_MAX;
    }
}

static bool add_bits(const struct frame *frame, word_source *source, struct problem *reterr)
{
    uint64_t on = UINT64_MAX;

    for (uint64_t at = 0; at < frame->n; at += WORD_BITS) {
        if (!add_word(frame, source(frame, at), at, &on, reterr))
            return false;
    }
    return on == UINT64_MAX ||
           layers_add(frame->layers, frame->label, frame->start + on, frame->n - on, reterr);
}

static bool add_binary(const struct frame *frame, struct problem *reterr)
{
    return add_bits(frame, binary_word, reterr);
}

/* ---- fractions ------------------------------------------------------------------------------- */

static uint64_t fractional_word(const struct frame *frame, uint64_t at)
{
    const struct dicom_element *pixels = &frame->seg->pixels;
    size_t first = (size_t)(frame->first + at);
    size_t n = (size_t)smaller(WORD_BITS, frame->n - at);
    uint64_t word = 0;

    for (size_t i = 0; i < n; i += WORD_BYTES) {
        if (load(pixels, first + i) == 0)
            continue;
        for (size_t k = i; k < n && k < i + WORD_BYTES; k++)
            word |= (uint64_t)(pixels->value[first + k] >= frame->seg->cutoff) << k;
    }
    return word;
}

static bool refuse_fraction(const struct seg *seg, size_t at, struct problem *reterr)
{
    uint8_t value = seg->pixels.value[at];
    unsigned long frame = (unsigned long)(at / ((uint64_t)seg->rows * seg->columns));

    if (value > seg->maximum)
        return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                           "Frame %lu of the DICOM segmentation has a pixel of %u, but "
                           "MaximumFractionalValue (0062,000e) is %u.",
                           frame + 1, value, seg->maximum);
    return problem_set(reterr, PROBLEM_NON_INTEGRAL, seg->file.pointer,
                       "The DICOM segmentation is FRACTIONAL, and frame %lu has a pixel of %u of "
                       "%u: in this source, \"threshold\": 0.5 makes a segment of all above a "
                       "half.",
                       frame + 1, value, seg->maximum);
}

/* Of all frames at once, before any is read. */
static bool check_fractions(const struct seg *seg, struct problem *reterr)
{
    size_t n = (size_t)seg->rows * seg->columns * seg->n_read;

    for (size_t i = 0; i < n; i++) {
        uint8_t value = seg->pixels.value[i];

        if (value > seg->maximum || (value > 0 && value < seg->maximum && !seg->has_threshold))
            return refuse_fraction(seg, i, reterr);
    }
    return true;
}

static bool add_fractional(const struct frame *frame, struct problem *reterr)
{
    return add_bits(frame, fractional_word, reterr);
}

/* ---- label maps ------------------------------------------------------------------------------ */

static uint16_t value_at(const struct seg *seg, uint64_t i)
{
    const uint8_t *bytes = seg->pixels.value;

    return seg->bits_allocated == 8 ? bytes[i]
                                    : (uint16_t)bytes_unsigned(bytes + 2 * i, 2, BYTES_LITTLE);
}

/* How many pixels from `at` on have the value of that one; a word of them at a time. */
static uint64_t run_length(const struct frame *frame, uint64_t at)
{
    const struct seg *seg = frame->seg;
    uint64_t size = seg->bits_allocated / 8u;
    uint64_t step = WORD_BYTES / size;
    uint64_t all = value_at(seg, frame->first + at) *
                   (size == 1 ? UINT64_C(0x0101010101010101) : UINT64_C(0x0001000100010001));
    uint64_t n = 0;

    for (; at + n < frame->n; n += step) {
        uint64_t other = load(&seg->pixels, (size_t)((frame->first + at + n) * size)) ^ all;

        if (other != 0)
            return smaller(n + (uint64_t)__builtin_ctzll(other) / (8 * size), frame->n - at);
    }
    return frame->n - at;
}

static bool add_labels(const struct frame *frame, struct problem *reterr)
{
    const struct seg *seg = frame->seg;
    uint64_t n;

    for (uint64_t at = 0; at < frame->n; at += n) {
        uint16_t value = value_at(seg, frame->first + at);
        bool is_known = seg_has_segment(seg, value);

        n = run_length(frame, at);
        if (value == 0 || (value == seg->padding && !is_known))
            continue;
        if (!is_known)
            return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                               "Frame %llu of the DICOM segmentation has a pixel of segment %u, "
                               "but SegmentSequence has no segment of that number.",
                               (unsigned long long)(frame->first / frame->n) + 1, value);
        if (!layers_add(frame->layers, value, frame->start + at, n, reterr))
            return false;
    }
    return true;
}

/* ---- all frames ------------------------------------------------------------------------------ */

static bool declare_segments(const struct seg *seg, struct layers *layers, struct problem *reterr)
{
    for (uint32_t number = 1; number < SEG_N_SEGMENTS; number++) {
        if (seg_has_segment(seg, (uint16_t)number) && !layers_declare(layers, number, reterr))
            return false;
    }
    return true;
}

bool seg_add_frames(const struct seg *seg, struct layers *layers, struct problem *reterr)
{
    static bool (*const adders[SEG_N_TYPES])(const struct frame *, struct problem *) = {
        [SEG_BINARY] = add_binary,
        [SEG_FRACTIONAL] = add_fractional,
        [SEG_LABELMAP] = add_labels,
    };
    uint64_t n = (uint64_t)seg->rows * seg->columns;

    if (!declare_segments(seg, layers, reterr) ||
        (seg->type == SEG_FRACTIONAL && !check_fractions(seg, reterr)))
        return false;
    for (size_t i = 0; i < seg->n_read; i++) {
        const struct seg_frame *frame = &seg->frames[i];
        struct frame reading = {.seg = seg,
                                .layers = layers,
                                .first = n * frame->i_pixels,
                                .n = n,
                                .start = n * frame->slice,
                                .label = frame->segment};

        if (!adders[seg->type](&reading, reterr))
            return false;
    }
    return true;
}
