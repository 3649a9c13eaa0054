/* pair.h - two mask headers brought to one index order, shape and place. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_PAIR_H
#define PROTO_PAIR_H

#include "proto/request.h"

enum geometry { GEOMETRY_MATCH, GEOMETRY_IGNORED, GEOMETRY_UNCHECKED };

struct pair {
    int ndim;
    uint64_t shape[OV_MAX_NDIM];
    uint64_t n_voxels;
    enum ov_order prediction_order; /* after "axes": "reverse" */
    enum ov_order reference_order;
    bool same_order; /* elements of both come in one order */
    enum geometry geometry;
};

const char *geometry_name(enum geometry geometry);

/* Whether two affines are one, as far as the first ndim axes go. */
bool pair_affines_match(const double a[3][4], const double b[3][4], int ndim);

/*
 * Compare two headers. Shapes must be equal; places must be, where both files tell theirs (steps
 * to 1e-3 of their axis's spacing, the origin to 1e-2 of the smallest), unless the request ignores
 * geometry.
 */
bool pair_make(const struct mask_header *prediction, const struct mask_header *reference,
               const struct request *request, struct pair *ret_pair, struct problem *reterr);

#endif
