/* canvas.h - an image that annotations are painted on, into the layers of the mask being read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_CANVAS_H
#define PROTO_FORMAT_CANVAS_H

#include "proto/growth.h"
#include "proto/reader.h"

struct canvas {
    struct reader *reader;
    struct problem *reterr; /* of everything that is painted */
    const json_t *options;  /* the source's own members; NULL for none */
    uint64_t height;        /* 0 while the size is not known */
    uint64_t width;
    enum ov_order order; /* in which the layers number the pixels */
    struct layers *layers;
    /* Which of several masks is meant in problems: "annotations", 3; NULL: there is one. */
    const char *item;
    size_t i_item;
    /* polygon.c's: */
    struct growth growth;
    uint32_t *crossings;
    size_t n_crossings;
    size_t cap_crossings;
    uint64_t n_crossings_ever;
    uint32_t *begun; /* by row; NULL before it is needed */
};

/* Nothing is known yet but the size that the source declares, if it does. */
struct canvas canvas_of(struct reader *reader, enum ov_order order, struct problem *reterr);
void canvas_done(struct canvas *canvas);

/* Malformed, in the item that is meant; printf's. Returns false. */
bool canvas_bad(const struct canvas *canvas, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The image is this large. Asked again, which every mask that knows its image's size does, it must
 * be what it was.
 */
bool canvas_size(struct canvas *canvas, int64_t height, int64_t width);

/* Check the size, which must be known by now, against the limits and make the layers. */
bool canvas_begin(struct canvas *canvas);

/* Merge the layers: nothing is painted after this. */
bool canvas_end(struct canvas *canvas);

/* ---- masks that come as runs ----------------------------------------------------------------- */

/* A rectangle of the image. */
struct box {
    uint64_t x, y, width, height;
};

/* A mask being painted, run after run, in the canvas's order; in C order, where box is less. */
struct stroke {
    struct canvas *canvas;
    struct box box;
    int64_t label;
    uint64_t position; /* pixels of the box that are behind */
    uint64_t n_pixels; /* in the box */
    bool is_whole;     /* the box is the image */
};

/* Over the whole image, of no label yet. */
struct stroke stroke_of(struct canvas *canvas);

/* The whole image, or a box, which must lie in it. Declares the label. */
bool stroke_begin(struct stroke *stroke, struct canvas *canvas, int64_t label);
bool stroke_begin_box(struct stroke *stroke, struct canvas *canvas, int64_t label,
                      const struct box *box);

/* As stroke_run, of a box, or where the run cannot be. */
bool stroke_run_of_box(struct stroke *stroke, int64_t length, bool is_set);

/* The next pixels carry the label, or are passed over. */
static inline bool stroke_run(struct stroke *stroke, int64_t length, bool is_set)
{
    uint64_t start = stroke->position;

    if (!stroke->is_whole || length < 0 || (uint64_t)length > stroke->n_pixels - start)
        return stroke_run_of_box(stroke, length, is_set);
    stroke->position = start + (uint64_t)length;
    return !is_set || layers_add(stroke->canvas->layers, stroke->label, start, (uint64_t)length,
                                 stroke->canvas->reterr);
}

/* The runs were as many pixels as there are. */
bool stroke_end(const struct stroke *stroke);

#endif
