/* rle_brush.c - bits of run lengths over RGBA bytes, as Label Studio's brush writes masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/rle_brush.h"

#include "proto/format/annotation.h"

/* The encoder ends with a byte too many where its bits filled the last one already. */
#define SPARE_BYTES 1

#define CHANNELS 4
#define N_SIZES  4

/* A JSON list of bytes, read as bits, the first in the highest. */
struct bits {
    const struct canvas *canvas;
    const json_t *bytes;
    size_t n_bytes;
    size_t next;     /* byte */
    uint64_t buffer; /* the lowest n_ready bits of it come next */
    unsigned n_ready;
};

/* n <= 32 of them. */
static bool read_bits(struct bits *bits, unsigned n, uint32_t *ret_value)
{
    for (; bits->n_ready < n; bits->n_ready += 8) {
        int64_t byte;

        if (bits->next == bits->n_bytes)
            return canvas_bad(bits->canvas, "rle ends after %zu bytes, within a run",
                              bits->n_bytes);
        if (!annotation_integer(json_array_get(bits->bytes, bits->next), &byte) || byte < 0 ||
            byte > 255)
            return canvas_bad(bits->canvas, "byte %zu of rle is not an integer from 0 to 255",
                              bits->next);
        bits->next++;
        bits->buffer = bits->buffer << 8 | (uint64_t)byte;
    }
    bits->n_ready -= n;
    *ret_value = (uint32_t)(bits->buffer >> bits->n_ready & (((uint64_t)1 << n) - 1));
    return true;
}

/* How many RGBA bytes there are, and in how many bits a run's length may be. */
static bool read_start(struct bits *bits, uint32_t *sizes)
{
    const struct canvas *canvas = bits->canvas;
    uint64_t wanted = canvas->height * canvas->width * CHANNELS;
    uint32_t n_elements = 0, word_bits = 0;

    if (!read_bits(bits, 32, &n_elements) || !read_bits(bits, 5, &word_bits))
        return false;
    if (n_elements != wanted)
        return canvas_bad(canvas, "rle holds %lu values, but %llu x %llu pixels of RGBA are %llu",
                          (unsigned long)n_elements, (unsigned long long)canvas->height,
                          (unsigned long long)canvas->width, (unsigned long long)wanted);
    if (word_bits + 1 != 8)
        return canvas_bad(canvas, "rle holds values of %lu bits, not bytes",
                          (unsigned long)word_bits + 1);
    for (size_t i = 0; i < N_SIZES; i++) {
        if (!read_bits(bits, 4, &sizes[i]))
            return false;
        sizes[i]++;
    }
    return true;
}

/*
 * Bytes start .. end-1 of the RGBA image have one value: a pixel is within them where its alpha,
 * the last of its four bytes, is.
 */
static bool paint_bytes(struct stroke *stroke, uint64_t start, uint64_t end, uint32_t value)
{
    return stroke_run(stroke, (int64_t)(end / CHANNELS - start / CHANNELS), value != 0);
}

/* A run: n_bytes of one value, or each of its own. */
static bool paint_run(struct bits *bits, struct stroke *stroke, const uint32_t *sizes,
                      uint64_t *position)
{
    uint64_t n_elements = stroke->n_pixels * CHANNELS;
    uint32_t repeats = 0, size = 0, length = 0, value = 0;

    if (!read_bits(bits, 1, &repeats) || !read_bits(bits, 2, &size) ||
        !read_bits(bits, sizes[size], &length))
        return false;
    if (length >= n_elements - *position)
        return canvas_bad(bits->canvas, "a run of rle leaves the image");
    for (uint64_t n_left = (uint64_t)length + 1; n_left > 0;) {
        uint64_t n = repeats != 0 ? n_left : 1;

        if (!read_bits(bits, 8, &value) || !paint_bytes(stroke, *position, *position + n, value))
            return false;
        *position += n;
        n_left -= n;
    }
    return true;
}

/* Bits that fill the last byte, and a spare one, are 0. */
static bool check_end(const struct bits *bits)
{
    bool ends = (bits->buffer & (((uint64_t)1 << bits->n_ready) - 1)) == 0;

    for (size_t i = bits->next; i < bits->n_bytes; i++)
        ends = ends && json_integer_value(json_array_get(bits->bytes, i)) == 0;
    return (ends && bits->n_bytes - bits->next <= SPARE_BYTES) ||
           canvas_bad(bits->canvas, "rle goes on after the image's last pixel");
}

bool rle_brush_paint(struct canvas *canvas, const json_t *rle, int64_t label)
{
    struct bits bits = {.canvas = canvas, .bytes = rle, .n_bytes = json_array_size(rle)};
    uint64_t position = 0;
    uint32_t sizes[N_SIZES] = {0};
    struct stroke stroke;

    if (!json_is_array(rle))
        return canvas_bad(canvas, "rle is not a list of bytes");
    if (!read_start(&bits, sizes) || !stroke_begin(&stroke, canvas, label))
        return false;
    while (position < stroke.n_pixels * CHANNELS) {
        if (!paint_run(&bits, &stroke, sizes, &position))
            return false;
    }
    return check_end(&bits);
}

/* {"format": "rle", "rle": [...]}, or the list alone. */
static bool paint(struct canvas *canvas, const json_t *json)
{
    const json_t *rle = json_is_object(json) ? json_object_get(json, "rle") : json;
    int64_t label;

    return canvas_begin(canvas) && annotation_label(canvas, &label) &&
           rle_brush_paint(canvas, rle, label);
}

static bool brush_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_C, paint, reterr);
}

const struct format format_label_studio_rle = {.kind = FORMAT_LABEL_STUDIO_RLE,
                                               .extensions = annotation_extensions,
                                               .open = annotation_open,
                                               .open_json = brush_open};
