/* rle_brush.h - bits of run lengths over RGBA bytes, as Label Studio's brush writes masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_RLE_BRUSH_H
#define PROTO_FORMAT_RLE_BRUSH_H

#include "proto/format/canvas.h"

/* A list of bytes, on a canvas that has begun. */
bool rle_brush_paint(struct canvas *canvas, const json_t *rle, int64_t label);

#endif
