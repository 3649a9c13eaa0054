/* rle_coco.h - {"size": [h, w], "counts": ...}, as COCO and Encord write masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_RLE_COCO_H
#define PROTO_FORMAT_RLE_COCO_H

#include "proto/format/canvas.h"

/* The canvas's size is that of the mask; begins the canvas where that is not done. */
bool rle_coco_paint(struct canvas *canvas, const json_t *json, int64_t label);

#endif
