/* supervisely.c - a base64 zlib PNG pasted at an origin, as Supervisely writes masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <spng.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base64.h"
#include "proto/format/annotation.h"

/* Comments, profiles and the like. */
#define METADATA_BYTES_MAX ((size_t)65536)

/* Bytes of a pixel as it is decoded: red, green, blue, alpha. */
#define CHANNELS 4

struct crop {
    struct canvas *canvas;
    int64_t label;
    int64_t x;
    int64_t y;
    struct coding *stream; /* zlib, around the PNG */
    spng_ctx *ctx;
    struct spng_ihdr ihdr;
    size_t channel; /* alpha; of grey without any, the grey */
    uint8_t *row;
};

static int read_stream(spng_ctx *ctx, void *user, void *bytes, size_t n)
{
    struct crop *crop = user;

    (void)ctx;
    return coding_read(crop->stream, bytes, n, crop->canvas->reterr) ? 0 : SPNG_IO_ERROR;
}

/* Where the stream under it failed, that is the problem already. */
static bool set_failed(const struct crop *crop, int status)
{
    bool is_damage = status == SPNG_ECHUNK_CRC || status == SPNG_EIDAT_STREAM ||
                     status == SPNG_EZLIB || status == SPNG_EIDAT_TOO_SHORT;

    return problem_set(crop->canvas->reterr,
                       status == SPNG_EMEM ? PROBLEM_OUT_OF_MEMORY
                       : is_damage         ? PROBLEM_CORRUPT
                                           : PROBLEM_BAD_MASK,
                       reader__source(crop->canvas->reader)->pointer,
                       "The bitmap's PNG cannot be read: %s.", spng_strerror(status));
}

static bool unsupported(const struct crop *crop, const char *what)
{
    return problem_set(crop->canvas->reterr, PROBLEM_UNSUPPORTED_MASK,
                       reader__source(crop->canvas->reader)->pointer, "The bitmap's PNG is %s.",
                       what);
}

/* The mask is alpha; a grey image without alpha is one itself. */
static bool choose_channel(struct crop *crop)
{
    struct spng_trns trns;
    uint8_t colours = crop->ihdr.color_type;
    bool has_alpha = colours == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
                     colours == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ||
                     spng_get_trns(crop->ctx, &trns) == 0;

    crop->channel = has_alpha ? CHANNELS - 1 : 0;
    if (!has_alpha && colours != SPNG_COLOR_TYPE_GRAYSCALE)
        return unsupported(crop, "in colours without alpha, which is where the mask is");
    return crop->ihdr.bit_depth <= 8 || unsupported(crop, "of 16 bits");
}

static bool begin_png(struct crop *crop)
{
    int status;

    crop->ctx = spng_ctx_new(0);
    if (crop->ctx == NULL)
        return set_failed(crop, SPNG_EMEM);
    spng_set_crc_action(crop->ctx, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    spng_set_chunk_limits(crop->ctx, METADATA_BYTES_MAX, METADATA_BYTES_MAX);
    status = spng_set_png_stream(crop->ctx, read_stream, crop);
    if (status == 0)
        status = spng_get_ihdr(crop->ctx, &crop->ihdr);
    return status == 0 || set_failed(crop, status);
}

/* Room for a row, which is within the image's width, and for those that libspng keeps. */
static bool begin_rows(struct crop *crop)
{
    size_t row_bytes = (size_t)crop->ihdr.width * CHANNELS;
    int status;

    crop->row = growth_new(&crop->canvas->growth, 4, row_bytes, crop->canvas->reterr);
    if (crop->row == NULL)
        return false;
    status = spng_decode_image(crop->ctx, NULL, 0, SPNG_FMT_RGBA8,
                               SPNG_DECODE_TRNS | SPNG_DECODE_PROGRESSIVE);
    return status == 0 || set_failed(crop, status);
}

static bool paint_row(struct stroke *stroke, const struct crop *crop)
{
    const uint8_t *at = crop->row + crop->channel;
    uint32_t start = 0;

    for (uint32_t x = 1; x <= crop->ihdr.width; x++) {
        bool is_set = at[(size_t)start * CHANNELS] != 0;

        if (x < crop->ihdr.width && (at[(size_t)x * CHANNELS] != 0) == is_set)
            continue;
        if (!stroke_run(stroke, (int64_t)x - start, is_set))
            return false;
        start = x;
    }
    return true;
}

static bool paint_rows(struct crop *crop, struct stroke *stroke)
{
    int status = 0;

    for (uint32_t y = 0; y < crop->ihdr.height; y++) {
        status = spng_decode_row(crop->ctx, crop->row, (size_t)crop->ihdr.width * CHANNELS);
        if (status != 0 && status != SPNG_EOI)
            return set_failed(crop, status);
        if (!paint_row(stroke, crop))
            return false;
    }
    status = spng_decode_chunks(crop->ctx);
    return (status == 0 || set_failed(crop, status)) &&
           coding_finish(crop->stream, crop->canvas->reterr);
}

/* The PNG's size is checked against the image before anything depends on it. */
static bool paint_png(struct crop *crop)
{
    struct box box = {(uint64_t)crop->x, (uint64_t)crop->y, 0, 0};
    struct stroke stroke;

    if (!begin_png(crop))
        return false;
    box.width = crop->ihdr.width;
    box.height = crop->ihdr.height;
    if (crop->ihdr.interlace_method != SPNG_INTERLACE_NONE)
        return unsupported(crop, "interlaced");
    return stroke_begin_box(&stroke, crop->canvas, crop->label, &box) && choose_channel(crop) &&
           begin_rows(crop) && paint_rows(crop, &stroke);
}

static bool paint_zlib(struct crop *crop, const uint8_t *bytes, size_t n_bytes)
{
    bool ok;

    crop->stream = coding_new(CODING_ZLIB, bytes, n_bytes,
                              reader__source(crop->canvas->reader)->pointer, crop->canvas->reterr);
    if (crop->stream == NULL)
        return false;
    ok = paint_png(crop);
    spng_ctx_free(crop->ctx);
    free(crop->row);
    coding_free(crop->stream);
    return ok;
}

static bool paint_data(struct crop *crop, const json_t *data)
{
    struct canvas *canvas = crop->canvas;
    size_t n = json_string_length(data);
    uint8_t *bytes = growth_new(&canvas->growth, base64_room(n) + 1, 1, canvas->reterr);
    bool ok;

    if (bytes == NULL)
        return false;
    if (base64_decode(json_string_value(data), n, bytes, &n))
        ok = paint_zlib(crop, bytes, n);
    else
        ok = canvas_bad(canvas, "the base64 of data is malformed at character %zu", n);
    free(bytes);
    return ok;
}

/* {"bitmap": {"data": ..., "origin": [x, y]}}, or what stands in it. */
static bool paint(struct canvas *canvas, const json_t *json)
{
    const json_t *bitmap = json_object_get(json, "bitmap");
    const json_t *origin, *data;
    struct crop crop = {.canvas = canvas};

    bitmap = bitmap != NULL ? bitmap : json;
    origin = json_object_get(bitmap, "origin");
    data = json_object_get(bitmap, "data");
    if (!json_is_string(data) || json_array_size(origin) != 2 ||
        !annotation_integer(json_array_get(origin, 0), &crop.x) ||
        !annotation_integer(json_array_get(origin, 1), &crop.y) || crop.x < 0 || crop.y < 0)
        return canvas_bad(canvas, "it is not data and origin, [x, y] of natural numbers");
    return canvas_begin(canvas) && annotation_label(canvas, &crop.label) && paint_data(&crop, data);
}

static bool supervisely_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_C, paint, reterr);
}

const struct format format_supervisely = {.kind = FORMAT_SUPERVISELY,
                                          .extensions = annotation_extensions,
                                          .open = annotation_open,
                                          .open_json = supervisely_open};
