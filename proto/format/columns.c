/* columns.c - what a polygon covers, column by column, into a canvas of either order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/columns.h"

static bool add(struct canvas *canvas, int64_t label, uint64_t start, uint64_t length)
{
    return layers_add(canvas->layers, label, start, length, canvas->reterr);
}

static bool paint_in_order(struct canvas *canvas, int64_t label)
{
    const uint32_t *crossings = canvas->crossings;

    for (size_t i = 0; i + 1 < canvas->n_crossings; i += 2) {
        if (!add(canvas, label, crossings[i], crossings[i + 1] - crossings[i]))
            return false;
    }
    return true;
}

/* ---- columns to rows ------------------------------------------------------------------------- */

/* The rows of a column that are covered: n crossings, of pixels from `origin` on. */
struct column {
    uint64_t x;
    const uint32_t *crossings;
    size_t n;
    uint64_t origin;
};

/* Rows first .. end-1 change between a column and the one before it. */
static bool change_rows(struct canvas *canvas, int64_t label, uint64_t x, uint64_t first,
                        uint64_t end, bool begins)
{
    for (uint64_t y = first; y < end; y++) {
        if (begins)
            canvas->begun[y] = (uint32_t)x;
        else if (!add(canvas, label, y * canvas->width + canvas->begun[y], x - canvas->begun[y]))
            return false;
    }
    return true;
}

static uint64_t row_at(const struct column *column, size_t i, uint64_t height)
{
    return i < column->n ? column->crossings[i] - column->origin : height;
}

/*
 * Both columns' crossings, merged: between two of them, rows are in the one, in the other, in both
 * or in neither.
 */
static bool meet(struct canvas *canvas, int64_t label, const struct column *before,
                 const struct column *column)
{
    uint64_t row = 0;
    size_t i = 0, j = 0;

    while (row < canvas->height) {
        uint64_t a = row_at(before, i, canvas->height);
        uint64_t b = row_at(column, j, canvas->height);
        uint64_t next = a < b ? a : b;

        if (i % 2 != j % 2 && !change_rows(canvas, label, column->x, row, next, j % 2 == 1))
            return false;
        row = next;
        i += a == next && i < before->n;
        j += b == next && j < column->n;
    }
    return true;
}

/* The crossings of column x, of those from i on. A crossing below the last row ends its column. */
static struct column column_at(const struct canvas *canvas, size_t i, uint64_t x)
{
    struct column column = {x, canvas->crossings + i, 0, x * canvas->height};
    uint64_t end = column.origin + canvas->height;

    while (i + column.n < canvas->n_crossings &&
           (column.crossings[column.n] < end ||
            (column.crossings[column.n] == end && column.n % 2 == 1)))
        column.n++;
    return column;
}

static bool paint_across(struct canvas *canvas, int64_t label)
{
    struct column before = {0};
    size_t i = 0;

    while (i < canvas->n_crossings || before.n > 0) {
        uint64_t x = before.n > 0 ? before.x + 1 : canvas->crossings[i] / canvas->height;
        struct column column = column_at(canvas, i, x);

        if (!meet(canvas, label, &before, &column))
            return false;
        i += column.n;
        before = column;
    }
    return true;
}

bool columns_paint(struct canvas *canvas, int64_t label)
{
    if (canvas->order == OV_ORDER_F)
        return paint_in_order(canvas, label);
    if (canvas->begun == NULL)
        canvas->begun = growth_new(&canvas->growth, (size_t)canvas->height, sizeof(*canvas->begun),
                                   canvas->reterr);
    return canvas->begun != NULL && paint_across(canvas, label);
}
