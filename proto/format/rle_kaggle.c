/* rle_kaggle.c - "start length start length", as Kaggle's competitions write masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/annotation.h"

#include <string.h>

static const char blanks[] = " \r\n";

/* A decimal number and the blanks before it; false where there is none or it is beyond 2^62. */
static bool number(const char **at, uint64_t *ret_number)
{
    uint64_t value = 0;
    const char *start;

    *at += strspn(*at, blanks);
    for (start = *at; **at >= '0' && **at <= '9'; ++*at) {
        value = value * 10 + (uint64_t)(**at - '0');
        if (value > (uint64_t)1 << 58)
            return false;
    }
    *ret_number = value;
    return *at > start;
}

/* Up to the pixel that a run starts at, counted from 1, then the run. */
static bool paint_run(struct stroke *stroke, const char **at)
{
    uint64_t start, length;

    if (!number(at, &start) || !number(at, &length))
        return canvas_bad(stroke->canvas, "it is not pairs of natural numbers");
    if (start <= stroke->position)
        return canvas_bad(stroke->canvas,
                          "a run starts at pixel %llu, which is %s: starts count from 1 and ascend",
                          (unsigned long long)start, start == 0 ? "none" : "behind the run before");
    return stroke_run(stroke, (int64_t)(start - 1 - stroke->position), false) &&
           stroke_run(stroke, (int64_t)length, true);
}

static bool paint_text(struct canvas *canvas, const json_t *json, int64_t label)
{
    const char *at = json_string_value(json);
    struct stroke stroke;

    if (at == NULL)
        return canvas_bad(canvas, "it is not a string of starts and lengths");
    if (!stroke_begin(&stroke, canvas, label))
        return false;
    for (;;) {
        at += strspn(at, blanks);
        if (*at == '\0')
            return true;
        if (!paint_run(&stroke, &at))
            return false;
    }
}

/* Of several texts, the instances of an image, the mask is the union. */
static bool paint(struct canvas *canvas, const json_t *json)
{
    int64_t label;

    if (!canvas_begin(canvas) || !annotation_label(canvas, &label) ||
        !layers_declare(canvas->layers, label, canvas->reterr))
        return false;
    if (!json_is_array(json))
        return paint_text(canvas, json, label);
    canvas->item = "masks";
    for (canvas->i_item = 0; canvas->i_item < json_array_size(json); canvas->i_item++) {
        if (!paint_text(canvas, json_array_get(json, canvas->i_item), label))
            return false;
    }
    return true;
}

/* Most competitions number pixels down the columns; the source's order says which does not. */
static bool kaggle_open(struct reader *reader, struct problem *reterr)
{
    bool has_order = json_object_get(reader__source(reader)->options, "order") != NULL;

    return annotation_read(reader, has_order ? reader__source(reader)->order : OV_ORDER_F, paint,
                           reterr);
}

const struct format format_kaggle = {.kind = FORMAT_KAGGLE,
                                     .extensions = annotation_extensions,
                                     .open = annotation_open,
                                     .open_json = kaggle_open};
