/* rle_dense.c - [value, length, value, length, ...], as V7 writes a raster layer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/annotation.h"

static bool check_total(const struct canvas *canvas, const json_t *json)
{
    const json_t *total = json_object_get(json, "total_pixels");
    int64_t n_pixels;

    return total == NULL ||
           (annotation_integer(total, &n_pixels) && n_pixels >= 0 &&
            (uint64_t)n_pixels == canvas->height * canvas->width) ||
           canvas_bad(canvas, "total_pixels is not that of an image of %llu x %llu",
                      (unsigned long long)canvas->height, (unsigned long long)canvas->width);
}

/* Runs of 0 are of no layer. */
static bool paint_runs(struct stroke *stroke, const json_t *runs)
{
    size_t n = json_array_size(runs);

    for (size_t i = 0; i < n; i += 2) {
        int64_t length;

        if (!annotation_integer(json_array_get(runs, i), &stroke->label) ||
            !annotation_integer(json_array_get(runs, i + 1), &length))
            return canvas_bad(stroke->canvas, "element %zu or %zu is not an integer", i, i + 1);
        if (!stroke_run(stroke, length, stroke->label != 0))
            return false;
    }
    return stroke_end(stroke);
}

/* A raster layer, or its list alone. */
static bool paint(struct canvas *canvas, const json_t *json)
{
    const json_t *runs = json_is_object(json) ? json_object_get(json, "dense_rle") : json;
    struct stroke stroke;

    if (!json_is_array(runs) || json_array_size(runs) % 2 != 0)
        return canvas_bad(canvas, "it is not a list of values and lengths");
    if (!canvas_begin(canvas) || !check_total(canvas, json))
        return false;
    stroke = stroke_of(canvas);
    return paint_runs(&stroke, runs);
}

static bool dense_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_C, paint, reterr);
}

const struct format format_dense_rle = {.kind = FORMAT_DENSE_RLE,
                                        .extensions = annotation_extensions,
                                        .open = annotation_open,
                                        .open_json = dense_open};
