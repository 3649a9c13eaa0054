/* columns.h - what a polygon covers, column by column, into a canvas of either order. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_COLUMNS_H
#define PROTO_FORMAT_COLUMNS_H

#include "proto/format/canvas.h"

/*
 * The canvas's crossings are ascending positions, pixels numbered down the columns, at which inside
 * and outside change; each column holds an even number of them.
 */
bool columns_paint(struct canvas *canvas, int64_t label);

#endif
