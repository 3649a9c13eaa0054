/* rle_crop.h - runs of a mask's bounding box and the box itself, as CVAT writes masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_RLE_CROP_H
#define PROTO_FORMAT_RLE_CROP_H

#include "proto/format/canvas.h"

/* The points of a shape of type mask, on a canvas that has begun. */
bool rle_crop_paint(struct canvas *canvas, const json_t *points, int64_t label);

#endif
