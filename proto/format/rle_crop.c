/* rle_crop.c - runs of a mask's bounding box and the box itself, as CVAT writes masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/rle_crop.h"

#include "proto/format/annotation.h"

/* The last four numbers: left, top, right and bottom, all within the box. */
static bool read_box(const struct canvas *canvas, const json_t *points, struct box *ret_box)
{
    size_t n = json_array_size(points);
    int64_t edges[4];

    if (n < 4)
        return canvas_bad(canvas, "points is not a list of runs, left, top, right and bottom");
    for (size_t i = 0; i < 4; i++) {
        if (!annotation_integer(json_array_get(points, n - 4 + i), &edges[i]) || edges[i] < 0 ||
            edges[i] > UINT32_MAX)
            return canvas_bad(canvas, "left, top, right or bottom is not a natural number");
    }
    if (edges[2] < edges[0] || edges[3] < edges[1])
        return canvas_bad(canvas, "its box ends before it begins");
    *ret_box =
        (struct box){(uint64_t)edges[0], (uint64_t)edges[1], (uint64_t)(edges[2] - edges[0] + 1),
                     (uint64_t)(edges[3] - edges[1] + 1)};
    return true;
}

bool rle_crop_paint(struct canvas *canvas, const json_t *points, int64_t label)
{
    struct stroke stroke;
    struct box box;

    return read_box(canvas, points, &box) && stroke_begin_box(&stroke, canvas, label, &box) &&
           annotation_alternating(&stroke, points, json_array_size(points) - 4);
}

/* A shape, or its points alone. */
static bool paint(struct canvas *canvas, const json_t *json)
{
    const json_t *points = json_is_object(json) ? json_object_get(json, "points") : json;
    int64_t label;

    return canvas_begin(canvas) && annotation_label(canvas, &label) &&
           rle_crop_paint(canvas, points, label);
}

static bool cvat_mask_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_C, paint, reterr);
}

const struct format format_cvat_mask = {.kind = FORMAT_CVAT_MASK,
                                        .extensions = annotation_extensions,
                                        .open = annotation_open,
                                        .open_json = cvat_mask_open};
