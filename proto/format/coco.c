/* coco.c - the annotations of one image of a COCO file, or of a list of results. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/format/annotation.h"
#include "proto/format/polygon.h"
#include "proto/format/rle_coco.h"

/* A whole file, or the results of one: a list whose items say which image and category. */
static bool coco_is(const json_t *json)
{
    const json_t *result = json_array_get(json, 0);

    if (result != NULL)
        return json_object_get(result, "image_id") != NULL &&
               json_object_get(result, "category_id") != NULL;
    return json_is_array(json_object_get(json, "annotations")) &&
           (json_is_array(json_object_get(json, "images")) ||
            json_is_array(json_object_get(json, "categories")));
}

/* ---- which image ----------------------------------------------------------------------------- */

/* A file of one image need not name it; NULL: nothing names any. */
static bool choose_image(const struct canvas *canvas, const json_t *list, const char *member,
                         const json_t **ret_id)
{
    const json_t *id = json_object_get(canvas->options, "image_id");

    for (size_t i = 0;
         json_object_get(canvas->options, "image_id") == NULL && i < json_array_size(list); i++) {
        const json_t *other = json_object_get(json_array_get(list, i), member);

        if (id != NULL && other != NULL && !json_equal(id, other))
            return problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER,
                               reader__source(canvas->reader)->pointer,
                               "The COCO mask is of several images: choose one by \"image_id\".");
        id = id != NULL ? id : other;
    }
    *ret_id = id;
    return true;
}

static bool read_image(struct canvas *canvas, const json_t *image)
{
    int64_t height, width;

    if (!annotation_integer(json_object_get(image, "height"), &height) ||
        !annotation_integer(json_object_get(image, "width"), &width))
        return canvas_bad(canvas, "it has no height and width");
    return canvas_size(canvas, height, width);
}

static bool find_image(struct canvas *canvas, const json_t *images, const json_t *id)
{
    canvas->item = "images";
    for (size_t i = 0; i < json_array_size(images); i++) {
        const json_t *image = json_array_get(images, i);

        canvas->i_item = i;
        if (json_equal(json_object_get(image, "id"), id))
            return read_image(canvas, image);
    }
    return problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER,
                       reader__source(canvas->reader)->pointer,
                       "The COCO file has no image of this image_id.");
}

/* ---- what is in it --------------------------------------------------------------------------- */

static bool name_category(struct canvas *canvas, const json_t *category)
{
    const json_t *name = json_object_get(category, "name");
    int64_t id;

    if (!annotation_integer(json_object_get(category, "id"), &id))
        return canvas_bad(canvas, "it has no integer id");
    return !json_is_string(name) ||
           names_set(reader__source(canvas->reader)->names, id, json_string_value(name),
                     json_string_length(name), canvas->reterr);
}

static bool name_categories(struct canvas *canvas, const json_t *categories)
{
    canvas->item = "categories";
    for (size_t i = 0; i < json_array_size(categories); i++) {
        canvas->i_item = i;
        if (!name_category(canvas, json_array_get(categories, i)))
            return false;
    }
    return true;
}

/* An annotation without a mask is called by what it has instead. */
static bool skip(const struct canvas *canvas, const json_t *annotation)
{
    static const char *const others[] = {"keypoints", "bbox", "caption"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (json_object_get(annotation, others[i]) != NULL)
            return annotation_skip(canvas, others[i]);
    }
    return annotation_skip(canvas, "annotation");
}

static bool paint_annotation(struct canvas *canvas, const json_t *annotation)
{
    const json_t *segmentation = json_object_get(annotation, "segmentation");
    int64_t label;

    if (!json_is_object(annotation))
        return canvas_bad(canvas, "it is no annotation");
    if (segmentation == NULL || json_is_null(segmentation) ||
        (json_is_array(segmentation) && json_array_size(segmentation) == 0))
        return skip(canvas, annotation);
    if (!annotation_integer(json_object_get(annotation, "category_id"), &label))
        return canvas_bad(canvas, "it has no integer category_id");
    if (json_is_object(segmentation))
        return rle_coco_paint(canvas, segmentation, label);
    return (canvas->layers != NULL || canvas_begin(canvas)) &&
           polygon_paint_lists(canvas, segmentation, label);
}

/* Where annotations are of several images, one without an image_id is of each. */
static bool is_of_image(const json_t *annotation, const json_t *id)
{
    const json_t *own = json_object_get(annotation, "image_id");

    return id == NULL || own == NULL || json_equal(own, id);
}

/* Masks that know their image's size come first, where it is not known. */
static bool find_size(struct canvas *canvas, const json_t *annotations, const json_t *id)
{
    for (size_t i = 0; canvas->height == 0 && i < json_array_size(annotations); i++) {
        const json_t *annotation = json_array_get(annotations, i);
        const json_t *segmentation = json_object_get(annotation, "segmentation");

        canvas->i_item = i;
        if (is_of_image(annotation, id) &&
            !annotation_size(canvas, json_object_get(segmentation, "size")))
            return false;
    }
    return true;
}

static bool paint_annotations(struct canvas *canvas, const json_t *annotations, const json_t *id)
{
    canvas->item = "annotations";
    if (!find_size(canvas, annotations, id) || !canvas_begin(canvas))
        return false;
    for (size_t i = 0; i < json_array_size(annotations); i++) {
        const json_t *annotation = json_array_get(annotations, i);

        canvas->i_item = i;
        if (is_of_image(annotation, id) && !paint_annotation(canvas, annotation))
            return false;
    }
    return true;
}

static bool paint(struct canvas *canvas, const json_t *json)
{
    const json_t *annotations = json_is_array(json) ? json : json_object_get(json, "annotations");
    const json_t *images = json_object_get(json, "images");
    const json_t *id = NULL;

    if (!json_is_array(annotations))
        return canvas_bad(canvas, "it has no list of annotations");
    images = json_array_size(images) > 0 ? images : NULL;
    if (!choose_image(canvas, images != NULL ? images : annotations,
                      images != NULL ? "id" : "image_id", &id))
        return false;
    if (images != NULL && id != NULL && !find_image(canvas, images, id))
        return false;
    return name_categories(canvas, json_object_get(json, "categories")) &&
           paint_annotations(canvas, annotations, id);
}

static bool coco_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_F, paint, reterr);
}

const struct format format_coco = {.kind = FORMAT_COCO,
                                   .extensions = annotation_extensions,
                                   .open = annotation_open,
                                   .open_json = coco_open,
                                   .is_json = coco_is};
