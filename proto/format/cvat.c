/* cvat.c - the shapes of one frame of a CVAT job: masks and polygons. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/format/annotation.h"
#include "proto/format/polygon.h"
#include "proto/format/rle_crop.h"

static bool is_job(const json_t *json)
{
    return json_is_array(json_object_get(json, "shapes"));
}

/* A job's annotations, or a list of them as in a backup. */
static bool cvat_is(const json_t *json)
{
    return is_job(json) || is_job(json_array_get(json, 0));
}

/* A shape has the name of its label, or the number that the server gave the label. */
static bool read_label(const struct canvas *canvas, const json_t *shape, int64_t *ret_label)
{
    const json_t *name = json_object_get(shape, "label");

    if (json_is_string(name))
        return names_label(reader__source(canvas->reader)->names, json_string_value(name),
                           json_string_length(name), ret_label, canvas->reterr);
    return annotation_integer(json_object_get(shape, "label_id"), ret_label) ||
           canvas_bad(canvas, "it has neither label nor label_id");
}

static bool paint_shape(struct canvas *canvas, const json_t *shape)
{
    const char *type = json_string_value(json_object_get(shape, "type"));
    const json_t *points = json_object_get(shape, "points");
    int64_t label;

    if (type == NULL)
        return canvas_bad(canvas, "it has no type");
    if (strcmp(type, "mask") != 0 && strcmp(type, "polygon") != 0)
        return annotation_skip(canvas, type);
    if (!read_label(canvas, shape, &label))
        return false;
    return strcmp(type, "mask") == 0 ? rle_crop_paint(canvas, points, label)
                                     : polygon_paint_list(canvas, points, label);
}

/* ---- which frame ----------------------------------------------------------------------------- */

/* The frame asked for; else the only one there is, or -1 where nothing has any. */
static bool choose_frame(const struct canvas *canvas, const json_t *shapes, int64_t *frame)
{
    for (size_t i = 0; i < json_array_size(shapes); i++) {
        int64_t other;

        if (!annotation_integer(json_object_get(json_array_get(shapes, i), "frame"), &other))
            continue;
        if (*frame >= 0 && *frame != other)
            return problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER,
                               reader__source(canvas->reader)->pointer,
                               "The CVAT mask has shapes of several frames: choose one by "
                               "\"frame\".");
        *frame = other;
    }
    return true;
}

static bool is_of_frame(const json_t *shape, int64_t frame)
{
    int64_t other;

    return !annotation_integer(json_object_get(shape, "frame"), &other) || other == frame;
}

static bool paint_shapes(struct canvas *canvas, const json_t *shapes, int64_t frame)
{
    canvas->item = "shapes";
    for (size_t i = 0; i < json_array_size(shapes); i++) {
        const json_t *shape = json_array_get(shapes, i);

        canvas->i_item = i;
        if (is_of_frame(shape, frame) && !paint_shape(canvas, shape))
            return false;
    }
    return true;
}

/* Tags are of whole frames; tracks lie between the shapes that they have, which is not painted. */
static bool skip_others(const struct canvas *canvas, const json_t *job)
{
    static const char *const others[][2] = {{"tags", "tag"}, {"tracks", "track"}};

    for (size_t i = 0; i < 2; i++) {
        for (size_t n = json_array_size(json_object_get(job, others[i][0])); n > 0; n--) {
            if (!annotation_skip(canvas, others[i][1]))
                return false;
        }
    }
    return true;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static const json_t *job_at(const json_t *json, size_t i)
{
    return json_is_array(json) ? json_array_get(json, i) : json;
}

static bool paint_jobs(struct canvas *canvas, const json_t *json, size_t n_jobs, int64_t frame)
{
    for (size_t i = 0; i < n_jobs; i++) {
        const json_t *job = job_at(json, i);

        if (!paint_shapes(canvas, json_object_get(job, "shapes"), frame) ||
            !skip_others(canvas, job))
            return false;
    }
    return true;
}

static bool paint(struct canvas *canvas, const json_t *json)
{
    const json_t *option = json_object_get(canvas->options, "frame");
    size_t n_jobs = json_is_array(json) ? json_array_size(json) : 1;
    int64_t frame = -1;

    if (option != NULL && (!annotation_integer(option, &frame) || frame < 0))
        return problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER,
                           reader__source(canvas->reader)->pointer,
                           "frame must be a natural number.");
    for (size_t i = 0; i < n_jobs; i++) {
        if (!is_job(job_at(json, i)))
            return canvas_bad(canvas, "it has no list of shapes");
        if (option == NULL &&
            !choose_frame(canvas, json_object_get(job_at(json, i), "shapes"), &frame))
            return false;
    }
    return canvas_begin(canvas) && paint_jobs(canvas, json, n_jobs, frame);
}

static bool cvat_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_C, paint, reterr);
}

const struct format format_cvat = {.kind = FORMAT_CVAT,
                                   .only_names = true,
                                   .extensions = annotation_extensions,
                                   .open = annotation_open,
                                   .open_json = cvat_open,
                                   .is_json = cvat_is};
