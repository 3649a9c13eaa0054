/* nrrd_place.c - where a .seg.nrrd's voxels lie in the image that was segmented. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/nrrd.h"

#include <math.h>
#include <string.h>

/* The grids of a file and of its reference are one when steps differ by no more than this part of
 * them, and the file's first voxel lies no farther than that part of a voxel from the grid. */
#define STEP_TOLERANCE   1e-3
#define OFFSET_TOLERANCE 1e-2

static double determinant(const double a[3][4], const double b[3])
{
    return b[0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
           b[1] * (a[0][1] * a[2][2] - a[0][2] * a[2][1]) +
           b[2] * (a[0][1] * a[1][2] - a[0][2] * a[1][1]);
}

/* How many voxels along an axis of the affine a place is away from its voxel 0: Cramer's rule. */
static double steps_to(const double affine[3][4], int axis, const double mm[3])
{
    double turned[3][4], first[3];

    for (int row = 0; row < 3; row++) {
        for (int i = 0; i < 3; i++)
            turned[row][i] = affine[row][(axis + i) % 3];
        first[row] = turned[row][0];
    }
    return determinant((const double(*)[4])turned, mm) /
           determinant((const double(*)[4])turned, first);
}

static bool is_one_grid(const double a[3][4], const double b[3][4])
{
    for (int axis = 0; axis < 3; axis++) {
        double length =
            sqrt(a[0][axis] * a[0][axis] + a[1][axis] * a[1][axis] + a[2][axis] * a[2][axis]);

        for (int row = 0; row < 3; row++) {
            if (!(fabs(a[row][axis] - b[row][axis]) <= STEP_TOLERANCE * length))
                return false;
        }
    }
    return true;
}

static bool find_offset(const struct nrrd_reference *reference, const double affine[3][4],
                        int64_t ret_offset[3])
{
    const double(*to)[4] = (const double(*)[4])reference->affine;
    int64_t offset[3];
    double mm[3];

    if (!is_one_grid(affine, to))
        return false;
    for (int row = 0; row < 3; row++)
        mm[row] = affine[row][3] - to[row][3];
    for (int axis = 0; axis < 3; axis++) {
        double steps = steps_to(to, axis, mm);

        if (!(fabs(steps) < 0x1p31) || fabs(steps - nearbyint(steps)) > OFFSET_TOLERANCE)
            return false;
        offset[axis] = (int64_t)nearbyint(steps);
    }
    memcpy(ret_offset, offset, sizeof(offset));
    return true;
}

/*
 * A file holds the part of the image that segments lie in. The image's extent and place stand in
 * the conversion parameters; how far the part lies from it is told by the places of both, because
 * the extent offset is numbered from wherever Slicer happened to begin.
 */
bool nrrd_place_find(const struct nrrd *nrrd, struct reader *reader, struct nrrd_place *place)
{
    struct mask_header *header = nrrd->header;
    static const char elsewhere[] = "reference image geometry, of another grid";
    static const char shifted[] = "extent offset, without a reference image geometry";
    const struct nrrd_reference *reference = &nrrd->segments.reference;
    const uint64_t *shape = place->file_shape;
    struct problem *reterr = nrrd->lines->reterr;

    memcpy(place->shape, place->file_shape, sizeof(place->shape));
    if (!reference->exists)
        return !nrrd->segments.is_shifted ||
               reader__skip(reader, shifted, sizeof(shifted) - 1, reterr);
    place->is_empty = shape[0] * shape[1] * shape[2] == 1;
    if (!place->is_empty &&
        (!header->has_affine ||
         !find_offset(reference, (const double(*)[4])header->affine, place->offset)))
        return reader__skip(reader, elsewhere, sizeof(elsewhere) - 1, reterr);
    memcpy(place->shape, reference->shape, sizeof(place->shape));
    memcpy(header->affine, reference->affine, sizeof(header->affine));
    header->has_affine = true;
    return true;
}

bool nrrd_place_is_moved(const struct nrrd_place *place)
{
    return place->is_empty || place->offset[0] != 0 || place->offset[1] != 0 ||
           place->offset[2] != 0 ||
           memcmp(place->shape, place->file_shape, sizeof(place->shape)) != 0;
}
