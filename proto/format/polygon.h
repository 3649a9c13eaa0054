/* polygon.h - polygons to pixels, by the rule that COCO's tools have. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_POLYGON_H
#define PROTO_FORMAT_POLYGON_H

#include "proto/format/canvas.h"

/* Farther from the image the rule itself, which computes with 32 bits, has no answer. */
#define POLYGON_COORDINATE_MAX 134217728

/* How often all polygons of a mask may cross a column of pixels. */
#define POLYGON_CROSSINGS_MAX ((uint64_t)1 << 24)

/* Closed by itself; what it crosses is gathered point by point. */
struct polygon {
    struct canvas *canvas;
    size_t n_points;
    int64_t first[2]; /* x, y in fifths of a pixel */
    int64_t last[2];
};

/* On a canvas that has begun; one at a time. */
struct polygon polygon_of(struct canvas *canvas);
bool polygon_add(struct polygon *polygon, double x, double y);
bool polygon_paint(struct polygon *polygon, int64_t label);

/* [x, y, x, y, ...] in pixels, begun and painted. */
bool polygon_paint_list(struct canvas *canvas, const json_t *list, int64_t label);

/* [[x, y, ...], ...]: their union. */
bool polygon_paint_lists(struct canvas *canvas, const json_t *lists, int64_t label);

#endif
