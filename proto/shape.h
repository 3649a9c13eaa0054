/* shape.h - extents of axes, or a place along them, as a person reads them. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_SHAPE_H
#define PROTO_SHAPE_H

#include "lib/overlap.h"

struct shape_text {
    char at[OV_MAX_NDIM * 21 + 2];
};

/* "[512,512,17]" */
struct shape_text shape_text(int ndim, const uint64_t *shape);

#endif
