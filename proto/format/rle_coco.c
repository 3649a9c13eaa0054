/* rle_coco.c - {"size": [h, w], "counts": ...}, as COCO and Encord write masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/rle_coco.h"

#include "proto/format/annotation.h"
#include "proto/format/rle_string.h"

static bool paint_string(struct stroke *stroke, const json_t *counts)
{
    struct rle_string string = rle_string_of(json_string_value(counts), json_string_length(counts));

    for (bool is_set = false; string.at < string.end; is_set = !is_set) {
        int64_t length;
        const char *wrong = rle_string_next(&string, &length);

        if (wrong != NULL)
            return canvas_bad(stroke->canvas, "in counts, %s", wrong);
        if (!stroke_run(stroke, length, is_set))
            return false;
    }
    return stroke_end(stroke);
}

bool rle_coco_paint(struct canvas *canvas, const json_t *json, int64_t label)
{
    const json_t *counts = json_object_get(json, "counts");
    struct stroke stroke;

    if (!json_is_string(counts) && !json_is_array(counts))
        return canvas_bad(canvas, "counts is neither a string nor a list");
    if (!annotation_size(canvas, json_object_get(json, "size")) ||
        (canvas->layers == NULL && !canvas_begin(canvas)) || !stroke_begin(&stroke, canvas, label))
        return false;
    return json_is_string(counts)
               ? paint_string(&stroke, counts)
               : annotation_alternating(&stroke, counts, json_array_size(counts));
}

/* One of a list of masks; of a COCO result, which says what it is of beside the mask. */
static bool paint_item(struct canvas *canvas, const json_t *json)
{
    const json_t *segmentation = json_object_get(json, "segmentation");
    const json_t *category = json_object_get(json, "category_id");
    int64_t label;

    if (!annotation_label(canvas, &label))
        return false;
    if (category != NULL && !annotation_integer(category, &label))
        return canvas_bad(canvas, "category_id is not an integer");
    if (category != NULL && json_object_get(canvas->options, "label") != NULL)
        return problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER,
                           reader__source(canvas->reader)->pointer,
                           "The mask has a category_id and \"label\" beside it: one of these.");
    return rle_coco_paint(canvas, segmentation != NULL ? segmentation : json, label);
}

static bool paint(struct canvas *canvas, const json_t *json)
{
    if (!json_is_array(json))
        return paint_item(canvas, json);
    canvas->item = "masks";
    for (canvas->i_item = 0; canvas->i_item < json_array_size(json); canvas->i_item++) {
        if (!paint_item(canvas, json_array_get(json, canvas->i_item)))
            return false;
    }
    return canvas->layers != NULL || canvas_begin(canvas);
}

static bool rle_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_F, paint, reterr);
}

/* The same text means other pixels here, and both are of the right length: never guessed. */
static bool encord_open(struct reader *reader, struct problem *reterr)
{
    return annotation_read(reader, OV_ORDER_C, paint, reterr);
}

const struct format format_rle = {.kind = FORMAT_RLE,
                                  .extensions = annotation_extensions,
                                  .open = annotation_open,
                                  .open_json = rle_open};
const struct format format_encord = {.kind = FORMAT_ENCORD,
                                     .extensions = annotation_extensions,
                                     .open = annotation_open,
                                     .open_json = encord_open};
