/* grid.h - whether two affines place voxels on one grid, and how far apart. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_GRID_H
#define PROTO_GRID_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Where voxel [0, 0, 0] of the affine `from` lies, in voxels of `to`; false, with ret_offset
 * untouched, where the steps of the two differ, or that is between voxels.
 */
bool grid_offset(const double from[3][4], const double to[3][4], int64_t ret_offset[3]);

#endif
