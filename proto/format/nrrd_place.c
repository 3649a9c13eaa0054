/* nrrd_place.c - where a .seg.nrrd's voxels lie in the image that was segmented. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/nrrd.h"

#include <string.h>

#include "proto/grid.h"

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
        (!header->has_affine || !grid_offset((const double(*)[4])header->affine,
                                             (const double(*)[4])reference->affine, place->offset)))
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
