/* polygon.c - polygons to pixels, by the rule that COCO's tools have. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/polygon.h"

#include <math.h>
#include <stdlib.h>

#include "proto/format/annotation.h"
#include "proto/format/columns.h"

/*
 * The rule: points are rounded to fifths of a pixel; every edge is a line of such fifths, one for
 * each step along its longer axis; where that line passes the middle of a column of pixels, the
 * column changes between outside and inside, at the upper one of the two fifths, rounded up to
 * pixels. Only the fifths on both sides of a middle matter, so that no edge is walked: what an edge
 * costs depends on the columns it crosses and not on its length.
 */
#define SCALE  5
#define MIDDLE 2

struct polygon polygon_of(struct canvas *canvas)
{
    canvas->n_crossings = 0;
    return (struct polygon){.canvas = canvas};
}

/* An edge along its longer axis, on which it ascends: the minor coordinate follows from the major.
 */
struct edge {
    int64_t start; /* major */
    int64_t steps;
    int64_t minor;
    double slope;
};

static struct edge edge_of(const int64_t *a, const int64_t *b, int major)
{
    const int64_t *from = a[major] <= b[major] ? a : b;
    const int64_t *to = from == a ? b : a;
    int64_t steps = to[major] - from[major];

    return (struct edge){from[major], steps, from[1 - major],
                         (double)(to[1 - major] - from[1 - major]) / (double)steps};
}

static int64_t minor_at(const struct edge *edge, int64_t step)
{
    return (int64_t)((double)edge->minor + edge->slope * (double)step + .5);
}

/* The first step at which the minor coordinate has passed the fifth: is on its far side. */
static int64_t step_beyond(const struct edge *edge, int64_t fifth)
{
    int64_t before = 0; /* not yet */
    int64_t beyond = edge->steps;

    while (beyond - before > 1) {
        int64_t step = before + (beyond - before) / 2;
        bool passed =
            edge->slope > 0 ? minor_at(edge, step) > fifth : minor_at(edge, step) <= fifth;

        before = passed ? before : step;
        beyond = passed ? step : beyond;
    }
    return beyond;
}

/* The y, in fifths, at which an edge passes from a fifth to the next in x. */
static int64_t crossing_y(const struct edge *edge, int major, int64_t fifth)
{
    int64_t step, here, next;

    if (major == 1)
        return edge->start + step_beyond(edge, fifth) - 1;
    step = fifth - edge->start;
    here = minor_at(edge, step);
    next = minor_at(edge, step + 1);
    return here < next ? here : next;
}

/* Rounded up to pixels, and into the image. */
static uint32_t pixel_of(int64_t y, uint64_t height)
{
    uint64_t pixel = y <= MIDDLE ? 0 : (uint64_t)(y - MIDDLE + SCALE - 1) / SCALE;

    return (uint32_t)(pixel < height ? pixel : height);
}

static bool push(struct canvas *canvas, uint32_t position)
{
    uint32_t *crossings = growth_room(&canvas->growth, canvas->crossings, canvas->n_crossings,
                                      &canvas->cap_crossings, sizeof(*crossings), canvas->reterr);

    if (crossings == NULL)
        return false;
    canvas->crossings = crossings;
    crossings[canvas->n_crossings++] = position;
    return true;
}

/* The columns whose middle lies between two fifths: first .. end-1. */
static uint64_t first_column(int64_t low)
{
    return low <= MIDDLE ? 0 : (uint64_t)(low - MIDDLE + SCALE - 1) / SCALE;
}

static uint64_t end_column(int64_t high, uint64_t width)
{
    uint64_t end = high <= MIDDLE ? 0 : (uint64_t)(high - 1 - MIDDLE) / SCALE + 1;

    return end < width ? end : width;
}

static bool cross_columns(struct canvas *canvas, const struct edge *edge, int major,
                          const uint64_t *columns)
{
    for (uint64_t x = columns[0]; x < columns[1]; x++) {
        int64_t y = crossing_y(edge, major, (int64_t)x * SCALE + MIDDLE);

        if (!push(canvas, (uint32_t)(x * canvas->height + pixel_of(y, canvas->height))))
            return false;
    }
    return true;
}

static bool add_edge(struct canvas *canvas, const int64_t *a, const int64_t *b)
{
    int major = llabs(a[0] - b[0]) >= llabs(a[1] - b[1]) ? 0 : 1;
    uint64_t columns[2] = {first_column(a[0] < b[0] ? a[0] : b[0]),
                           end_column(a[0] < b[0] ? b[0] : a[0], canvas->width)};
    struct edge edge;

    if (a[0] == b[0] || columns[0] >= columns[1])
        return true;
    canvas->n_crossings_ever += columns[1] - columns[0];
    if (canvas->n_crossings_ever > POLYGON_CROSSINGS_MAX)
        return problem_set(canvas->reterr, PROBLEM_UNSUPPORTED_MASK,
                           reader__source(canvas->reader)->pointer,
                           "The polygons cross the image's columns more than %llu times.",
                           (unsigned long long)POLYGON_CROSSINGS_MAX);
    edge = edge_of(a, b, major);
    return cross_columns(canvas, &edge, major, columns);
}

bool polygon_add(struct polygon *polygon, double x, double y)
{
    int64_t point[2] = {0, 0};

    /* Negated, so that what is no number is refused. */
    if (!(fabs(x) <= POLYGON_COORDINATE_MAX && fabs(y) <= POLYGON_COORDINATE_MAX))
        return canvas_bad(polygon->canvas, "point %zu of a polygon is beyond +-%d pixels",
                          polygon->n_points, POLYGON_COORDINATE_MAX);
    point[0] = (int64_t)(SCALE * x + .5);
    point[1] = (int64_t)(SCALE * y + .5);
    if (polygon->n_points++ == 0) {
        polygon->first[0] = point[0];
        polygon->first[1] = point[1];
    } else if (!add_edge(polygon->canvas, polygon->last, point)) {
        return false;
    }
    polygon->last[0] = point[0];
    polygon->last[1] = point[1];
    return true;
}

static int compare(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;

    return (*left > *right) - (*left < *right);
}

bool polygon_paint(struct polygon *polygon, int64_t label)
{
    struct canvas *canvas = polygon->canvas;

    if (polygon->n_points < 3)
        return canvas_bad(canvas, "a polygon has %zu points", polygon->n_points);
    if (!add_edge(canvas, polygon->last, polygon->first) ||
        !layers_declare(canvas->layers, label, canvas->reterr))
        return false;
    if (canvas->n_crossings > 0)
        qsort(canvas->crossings, canvas->n_crossings, sizeof(*canvas->crossings), compare);
    return columns_paint(canvas, label);
}

bool polygon_paint_list(struct canvas *canvas, const json_t *list, int64_t label)
{
    struct polygon polygon = polygon_of(canvas);
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n % 2 != 0)
        return canvas_bad(canvas, "a polygon is not a list of x, y, x, y, ...");
    for (size_t i = 0; i < n; i += 2) {
        const json_t *x = json_array_get(list, i);
        const json_t *y = json_array_get(list, i + 1);

        if (!json_is_number(x) || !json_is_number(y))
            return canvas_bad(canvas, "point %zu of a polygon is not two numbers", i / 2);
        if (!polygon_add(&polygon, json_number_value(x), json_number_value(y)))
            return false;
    }
    return polygon_paint(&polygon, label);
}

bool polygon_paint_lists(struct canvas *canvas, const json_t *lists, int64_t label)
{
    if (!json_is_array(lists))
        return canvas_bad(canvas, "it is not a list of polygons");
    for (size_t i = 0; i < json_array_size(lists); i++) {
        if (!polygon_paint_list(canvas, json_array_get(lists, i), label))
            return false;
    }
    return true;
}

/* ---- polygons alone as a mask ---------------------------------------------------------------- */

/* A list of polygons, or {"size": [h, w], "segmentation": [...]}. */
static bool paint(struct canvas *canvas, const json_t *json)
{
    const json_t *lists = json_is_object(json) ? json_object_get(json, "segmentation") : json;
    int64_t label;

    return annotation_size(canvas, json_object_get(json, "size")) && canvas_begin(canvas) &&
           annotation_label(canvas, &label) &&
           layers_declare(canvas->layers, label, canvas->reterr) &&
           polygon_paint_lists(canvas, lists, label);
}

static bool polygons_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_F, paint, reterr);
}

const struct format format_polygons = {.kind = FORMAT_POLYGONS,
                                       .extensions = annotation_extensions,
                                       .open = annotation_open,
                                       .open_json = polygons_open};
