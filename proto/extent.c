/* extent.c - masks that leave out their empty slices, made as long as the other one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/extent.h"

#include <math.h>
#include <string.h>

#include "proto/pair.h"

#define SLICES_MAX 0x1p31 /* a bound on arithmetic, not the limit on voxels */

/* Slices of the grid, counted from the reference's first one. */
struct extent {
    int64_t first;
    int64_t end;
};

/* How many steps along the last axis b's first voxel lies behind a's, to the nearest one. */
static double steps_between(const struct mask_header *a, const struct mask_header *b)
{
    double along = 0;
    double square = 0;

    for (int row = 0; row < 3; row++) {
        along += a->affine[row][2] * (b->affine[row][3] - a->affine[row][3]);
        square += a->affine[row][2] * a->affine[row][2];
    }
    return round(along / square);
}

static bool headers_match(const struct mask_header *a, const struct mask_header *b)
{
    return pair_affines_match(a->affine, b->affine, 3);
}

/* Whether both are on one grid, and where the prediction begins on it. */
static bool find_first(const struct mask_header *prediction, const struct mask_header *reference,
                       int64_t *ret_first)
{
    struct mask_header moved = *reference;
    double first;

    if (prediction->ndim != 3 || reference->ndim != 3 || !prediction->has_affine ||
        !reference->has_affine || prediction->affine_axis != reference->affine_axis ||
        memcmp(prediction->shape, reference->shape, 2 * sizeof(prediction->shape[0])) != 0)
        return false;
    first = steps_between(reference, prediction);
    if (!(fabs(first) < SLICES_MAX))
        return false;
    for (int row = 0; row < 3; row++)
        moved.affine[row][3] += first * moved.affine[row][2];
    if (!headers_match(prediction, &moved))
        return false;
    *ret_first = (int64_t)first;
    return true;
}

static struct extent extent_of(const struct mask_header *header, int64_t first)
{
    return (struct extent){first, first + (int64_t)header->shape[2]};
}

static bool is_within(struct extent inner, struct extent outer)
{
    return inner.first >= outer.first && inner.end <= outer.end;
}

static bool extend(struct reader *reader, struct extent own, struct extent all,
                   struct problem *reterr)
{
    if (own.first == all.first && own.end == all.end)
        return true;
    return reader_extend(reader, (uint64_t)(own.first - all.first), (uint64_t)(all.end - own.end),
                         reterr);
}

bool extent_match(struct reader *prediction, struct reader *reference,
                  const struct request *request, struct problem *reterr)
{
    const struct mask_header *headers[2] = {reader_header(prediction), reader_header(reference)};
    struct extent own[2];
    struct extent all;
    int64_t first;

    if ((!headers[0]->is_open_ended && !headers[1]->is_open_ended) || request->reverse_axes ||
        request->ignore_geometry || !find_first(headers[0], headers[1], &first))
        return true;
    own[0] = extent_of(headers[0], first);
    own[1] = extent_of(headers[1], 0);
    all.first = own[0].first < own[1].first ? own[0].first : own[1].first;
    all.end = own[0].end > own[1].end ? own[0].end : own[1].end;
    if ((!headers[0]->is_open_ended && !is_within(own[1], own[0])) ||
        (!headers[1]->is_open_ended && !is_within(own[0], own[1])))
        return true;
    return extend(prediction, own[0], all, reterr) && extend(reference, own[1], all, reterr);
}
