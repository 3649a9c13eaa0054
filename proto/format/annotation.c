/* annotation.c - masks that are JSON: what the formats of annotation tools share. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/annotation.h"

#include <math.h>
#include <string.h>

/* Up to here every integer is a double. */
#define EXACT_MAX 9007199254740992.0

/* shape is of use to all of them, order to Kaggle's alone, which has no order of its own. */
static bool check_declared(struct reader *reader, struct problem *reterr)
{
    const struct source *source = reader__source(reader);
    bool has_order = json_object_get(source->options, "order") != NULL;

    if (source->dtype == OV_N_DTYPES &&
        (!has_order || reader__header(reader)->format == FORMAT_KAGGLE))
        return true;
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                       "A source of format %s has no dtype or order; shape it may have.",
                       format_name(reader__header(reader)->format));
}

bool annotation_read(struct reader *reader, enum ov_order order,
                     bool (*paint)(struct canvas *canvas, const json_t *json),
                     struct problem *reterr)
{
    struct canvas canvas = canvas_of(reader, order, reterr);
    bool ok = check_declared(reader, reterr) && paint(&canvas, reader__source(reader)->json) &&
              canvas_end(&canvas);

    canvas_done(&canvas);
    return ok;
}

bool annotation_integer(const json_t *json, int64_t *ret_value)
{
    double value = json_real_value(json);

    if (json_is_integer(json)) {
        *ret_value = json_integer_value(json);
        return true;
    }
    if (!json_is_real(json) || fabs(value) > EXACT_MAX || floor(value) != value)
        return false;
    *ret_value = (int64_t)value;
    return true;
}

bool annotation_label(const struct canvas *canvas, int64_t *ret_label)
{
    const json_t *json = json_object_get(canvas->options, "label");

    *ret_label = 1;
    return json == NULL || annotation_integer(json, ret_label) ||
           problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER,
                       reader__source(canvas->reader)->pointer, "label must be an integer.");
}

bool annotation_alternating(struct stroke *stroke, const json_t *counts, size_t n_runs)
{
    for (size_t i = 0; i < n_runs; i++) {
        int64_t length;

        if (!annotation_integer(json_array_get(counts, i), &length))
            return canvas_bad(stroke->canvas, "run %zu is not an integer", i);
        if (!stroke_run(stroke, length, i % 2 == 1))
            return false;
    }
    return stroke_end(stroke);
}

bool annotation_size(struct canvas *canvas, const json_t *size)
{
    int64_t height, width;

    if (size == NULL)
        return true;
    if (json_array_size(size) != 2 || !annotation_integer(json_array_get(size, 0), &height) ||
        !annotation_integer(json_array_get(size, 1), &width))
        return canvas_bad(canvas, "size is not [height, width]");
    return canvas_size(canvas, height, width);
}

bool annotation_skip(const struct canvas *canvas, const char *what)
{
    return reader__skip(canvas->reader, what, strlen(what), canvas->reterr);
}
