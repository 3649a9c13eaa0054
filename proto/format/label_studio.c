/* label_studio.c - the result of one Label Studio annotation: brush strokes and polygons. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/format/annotation.h"
#include "proto/format/polygon.h"
#include "proto/format/rle_brush.h"

/* ---- one region ------------------------------------------------------------------------------ */

/* A region's shape; some exporters leave out "value" and put its members into the region. */
static const json_t *value_of(const json_t *region)
{
    const json_t *value = json_object_get(region, "value");

    return json_is_object(value) ? value : region;
}

/* Percents of the image to pixels. */
static bool paint_polygon(struct canvas *canvas, const json_t *points, int64_t label)
{
    struct polygon polygon = polygon_of(canvas);

    for (size_t i = 0; i < json_array_size(points); i++) {
        const json_t *point = json_array_get(points, i);
        const json_t *x = json_array_get(point, 0);
        const json_t *y = json_array_get(point, 1);

        if (json_array_size(point) != 2 || !json_is_number(x) || !json_is_number(y))
            return canvas_bad(canvas, "point %zu of a polygon is not two numbers", i);
        if (!polygon_add(&polygon, json_number_value(x) / 100 * (double)canvas->width,
                         json_number_value(y) / 100 * (double)canvas->height))
            return false;
    }
    return polygon_paint(&polygon, label);
}

static bool paint_label(struct canvas *canvas, const json_t *value, const json_t *name)
{
    const json_t *rle = json_object_get(value, "rle");
    int64_t label;

    if (!json_is_string(name))
        return canvas_bad(canvas, "a label is not a string");
    if (!names_label(reader__source(canvas->reader)->names, json_string_value(name),
                     json_string_length(name), &label, canvas->reterr))
        return false;
    return rle != NULL ? rle_brush_paint(canvas, rle, label)
                       : paint_polygon(canvas, json_object_get(value, "points"), label);
}

/* The labels stand under the name of the region's type. */
static const json_t *labels_of(const json_t *value, const char *type)
{
    const json_t *labels = json_object_get(value, type);

    return labels != NULL ? labels : json_object_get(value, "labels");
}

static bool is_mask(const json_t *value, const char *type)
{
    return json_object_get(value, "rle") != NULL ||
           ((strcmp(type, "polygonlabels") == 0 || strcmp(type, "labels") == 0) &&
            json_is_array(json_object_get(value, "points")));
}

static bool check_rotation(const struct canvas *canvas, const json_t *region)
{
    const json_t *rotation = json_object_get(region, "image_rotation");

    return rotation == NULL || json_number_value(rotation) == 0 ||
           problem_set(canvas->reterr, PROBLEM_UNSUPPORTED_MASK,
                       reader__source(canvas->reader)->pointer,
                       "Region %zu is drawn on an image that was rotated.", canvas->i_item);
}

static bool paint_region(struct canvas *canvas, const json_t *region)
{
    const char *type = json_string_value(json_object_get(region, "type"));
    const json_t *value = value_of(region);
    const json_t *labels;

    if (type == NULL)
        return canvas_bad(canvas, "it has no type");
    labels = labels_of(value, type);
    if (!is_mask(value, type) || json_array_size(labels) == 0)
        return annotation_skip(canvas, type);
    if (!check_rotation(canvas, region))
        return false;
    for (size_t i = 0; i < json_array_size(labels); i++) {
        if (!paint_label(canvas, value, json_array_get(labels, i)))
            return false;
    }
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Each region says how large its image is. */
static bool read_size(struct canvas *canvas, const json_t *region)
{
    const json_t *height = json_object_get(region, "original_height");
    const json_t *width = json_object_get(region, "original_width");
    int64_t size[2];

    if (height == NULL && width == NULL)
        return true;
    if (!annotation_integer(height, &size[0]) || !annotation_integer(width, &size[1]))
        return canvas_bad(canvas, "original_height and original_width are not integers");
    return canvas_size(canvas, size[0], size[1]);
}

static bool paint_result(struct canvas *canvas, const json_t *result)
{
    canvas->item = "result";
    for (canvas->i_item = 0; canvas->i_item < json_array_size(result); canvas->i_item++) {
        if (!read_size(canvas, json_array_get(result, canvas->i_item)))
            return false;
    }
    if (!canvas_begin(canvas))
        return false;
    for (canvas->i_item = 0; canvas->i_item < json_array_size(result); canvas->i_item++) {
        if (!paint_region(canvas, json_array_get(result, canvas->i_item)))
            return false;
    }
    return true;
}

/* ---- which annotation ------------------------------------------------------------------------ */

static bool set_choice(const struct canvas *canvas, const char *what, const char *option)
{
    return problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER,
                       reader__source(canvas->reader)->pointer,
                       "The Label Studio mask has not one of its %s to be scored, but several or "
                       "none: choose one by \"%s\", its id.",
                       what, option);
}

/* The element whose id is that of the option; without the option, the only one not cancelled. */
static const json_t *choose(const struct canvas *canvas, const json_t *list, const char *option)
{
    const json_t *id = json_object_get(canvas->options, option);
    const json_t *chosen = NULL;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *element = json_array_get(list, i);

        if (id != NULL ? !json_equal(id, json_object_get(element, "id"))
                       : json_is_true(json_object_get(element, "was_cancelled")))
            continue;
        if (chosen != NULL)
            return NULL;
        chosen = element;
    }
    return chosen;
}

/* An annotation, or a task's only one; a task that nobody annotated has predictions. */
static bool paint_task(struct canvas *canvas, const json_t *task)
{
    const json_t *list = json_object_get(task, "annotations");
    const json_t *annotation;

    if (json_array_size(list) == 0)
        list = json_object_get(task, "predictions");
    annotation = json_is_array(list) ? choose(canvas, list, "annotation") : task;
    if (annotation == NULL)
        return set_choice(canvas, "annotations", "annotation");
    if (!json_is_array(json_object_get(annotation, "result")))
        return canvas_bad(canvas, "it has no result");
    return paint_result(canvas, json_object_get(annotation, "result"));
}

static bool is_region(const json_t *json)
{
    return json_is_string(json_object_get(json, "type"));
}

/* Tasks as exported, a webhook's message, a task, an annotation or its result. */
static bool paint(struct canvas *canvas, const json_t *json)
{
    const json_t *annotation = json_object_get(json, "annotation");
    const json_t *task;

    if (json_is_array(json) && (json_array_size(json) == 0 || is_region(json_array_get(json, 0))))
        return paint_result(canvas, json);
    if (!json_is_array(json))
        return paint_task(canvas, json_is_object(annotation) ? annotation : json);
    task = choose(canvas, json, "task");
    return task != NULL ? paint_task(canvas, task) : set_choice(canvas, "tasks", "task");
}

static bool is_task(const json_t *json)
{
    const json_t *annotation = json_array_get(json_object_get(json, "annotations"), 0);

    return json_is_array(json_object_get(json, "result")) ||
           json_is_array(json_object_get(annotation, "result")) ||
           json_is_array(json_object_get(json_object_get(json, "annotation"), "result"));
}

static bool label_studio_is(const json_t *json)
{
    return is_task(json) || is_task(json_array_get(json, 0));
}

static bool label_studio_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_C, paint, reterr);
}

const struct format format_label_studio = {.kind = FORMAT_LABEL_STUDIO,
                                           .only_names = true,
                                           .extensions = annotation_extensions,
                                           .open = annotation_open,
                                           .open_json = label_studio_open,
                                           .is_json = label_studio_is};
