/* canvas.c - an image that annotations are painted on, into the layers of the mask being read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct canvas canvas_of(struct reader *reader, enum ov_order order, struct problem *reterr)
{
    const struct source *source = reader__source(reader);
    struct canvas canvas = {.reader = reader,
                            .reterr = reterr,
                            .options = source->options,
                            .order = order,
                            .growth = {reader__env(reader), source->pointer, 0}};

    if (source->ndim == 2) {
        canvas.height = source->shape[0];
        canvas.width = source->shape[1];
    }
    return canvas;
}

void canvas_done(struct canvas *canvas)
{
    free(canvas->crossings);
    free(canvas->begun);
    growth_done(&canvas->growth);
}

bool canvas_bad(const struct canvas *canvas, const char *format, ...)
{
    const char *pointer = reader__source(canvas->reader)->pointer;
    char what[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    if (canvas->item == NULL)
        return problem_set(canvas->reterr, PROBLEM_BAD_MASK, pointer,
                           "The %s mask is malformed: %s.",
                           format_name(reader__header(canvas->reader)->format), what);
    return problem_set(
        canvas->reterr, PROBLEM_BAD_MASK, pointer, "The %s mask is malformed at %s[%zu]: %s.",
        format_name(reader__header(canvas->reader)->format), canvas->item, canvas->i_item, what);
}

bool canvas_size(struct canvas *canvas, int64_t height, int64_t width)
{
    if (height < 1 || width < 1)
        return canvas_bad(canvas, "the image's size is %lld x %lld (height x width)",
                          (long long)height, (long long)width);
    if (canvas->height == 0) {
        canvas->height = (uint64_t)height;
        canvas->width = (uint64_t)width;
    }
    return (canvas->height == (uint64_t)height && canvas->width == (uint64_t)width) ||
           canvas_bad(canvas,
                      "it is of an image of %lld x %lld (height x width), but elsewhere the image "
                      "is said to be %llu x %llu",
                      (long long)height, (long long)width, (unsigned long long)canvas->height,
                      (unsigned long long)canvas->width);
}

bool canvas_begin(struct canvas *canvas)
{
    struct mask_header *header = reader__header(canvas->reader);
    const struct source *source = reader__source(canvas->reader);

    if (source->ndim != 0 && source->ndim != 2)
        return problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "Annotations are of images: shape must be [height, width].");
    if (canvas->height == 0)
        return problem_set(canvas->reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "Nothing in the %s mask says how large its image is: give \"shape\": "
                           "[height, width] beside it.",
                           format_name(header->format));
    header->ndim = 2;
    header->shape[0] = canvas->height;
    header->shape[1] = canvas->width;
    header->order = canvas->order;
    if (!reader__measure_layers(canvas->reader, canvas->reterr))
        return false;
    canvas->layers = reader__layers(canvas->reader, canvas->reterr);
    return canvas->layers != NULL;
}

bool canvas_end(struct canvas *canvas)
{
    return layers_merge(canvas->layers, canvas->reterr);
}

/* ---- masks that come as runs ----------------------------------------------------------------- */

struct stroke stroke_of(struct canvas *canvas)
{
    return (struct stroke){.canvas = canvas,
                           .box = {0, 0, canvas->width, canvas->height},
                           .n_pixels = canvas->height * canvas->width,
                           .is_whole = true};
}

bool stroke_begin(struct stroke *stroke, struct canvas *canvas, int64_t label)
{
    *stroke = stroke_of(canvas);
    stroke->label = label;
    return layers_declare(canvas->layers, label, canvas->reterr);
}

bool stroke_begin_box(struct stroke *stroke, struct canvas *canvas, int64_t label,
                      const struct box *box)
{
    if (box->width < 1 || box->height < 1 || box->x >= canvas->width || box->y >= canvas->height ||
        box->width > canvas->width - box->x || box->height > canvas->height - box->y)
        return canvas_bad(canvas,
                          "its box, %llu x %llu (width x height) from %llu,%llu on, is not within "
                          "the image, %llu x %llu",
                          (unsigned long long)box->width, (unsigned long long)box->height,
                          (unsigned long long)box->x, (unsigned long long)box->y,
                          (unsigned long long)canvas->width, (unsigned long long)canvas->height);
    *stroke = (struct stroke){
        .canvas = canvas, .box = *box, .label = label, .n_pixels = box->width * box->height};
    return layers_declare(canvas->layers, label, canvas->reterr);
}

/* A run of the box is one of the image only as far as its row goes. */
static bool add_in_box(const struct stroke *stroke, uint64_t length)
{
    const struct box *box = &stroke->box;
    uint64_t position = stroke->position;

    while (length > 0) {
        uint64_t x = position % box->width;
        uint64_t y = position / box->width;
        uint64_t n = box->width - x < length ? box->width - x : length;

        if (!layers_add(stroke->canvas->layers, stroke->label,
                        (box->y + y) * stroke->canvas->width + box->x + x, n,
                        stroke->canvas->reterr))
            return false;
        position += n;
        length -= n;
    }
    return true;
}

bool stroke_run_of_box(struct stroke *stroke, int64_t length, bool is_set)
{
    if (length < 0)
        return canvas_bad(stroke->canvas, "a run has the length %lld", (long long)length);
    if ((uint64_t)length > stroke->n_pixels - stroke->position)
        return canvas_bad(stroke->canvas, "its runs are longer than the %llu pixels that there are",
                          (unsigned long long)stroke->n_pixels);
    if (is_set && !add_in_box(stroke, (uint64_t)length))
        return false;
    stroke->position += (uint64_t)length;
    return true;
}

bool stroke_end(const struct stroke *stroke)
{
    return stroke->position == stroke->n_pixels ||
           canvas_bad(stroke->canvas, "its runs are %llu pixels, but there are %llu",
                      (unsigned long long)stroke->position, (unsigned long long)stroke->n_pixels);
}
