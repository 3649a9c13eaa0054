/* grid.c - whether two affines place voxels on one grid, and how far apart. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/grid.h"

#include <math.h>
#include <string.h>

/* Two grids are one when steps differ by no more than this part of them, and the first voxel of one
 * lies no farther than that part of a voxel from the other. */
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

bool grid_offset(const double from[3][4], const double to[3][4], int64_t ret_offset[3])
{
    int64_t offset[3];
    double mm[3];

    if (!is_one_grid(from, to))
        return false;
    for (int row = 0; row < 3; row++)
        mm[row] = from[row][3] - to[row][3];
    for (int axis = 0; axis < 3; axis++) {
        double steps = steps_to(to, axis, mm);

        if (!(fabs(steps) < 0x1p31) || fabs(steps - nearbyint(steps)) > OFFSET_TOLERANCE)
            return false;
        offset[axis] = (int64_t)nearbyint(steps);
    }
    memcpy(ret_offset, offset, sizeof(offset));
    return true;
}
