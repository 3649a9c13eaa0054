/* nrrd.h - an NRRD header as it was read; for proto/format/nrrd*.c alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_NRRD_H
#define PROTO_FORMAT_NRRD_H

#include "proto/format/lines.h"
#include "proto/growth.h"
#include "proto/reader.h"

/* What Slicer keeps of one segment in keys such as Segment7_LabelValue. */
struct nrrd_segment {
    bool exists;
    bool has_name, has_label, has_layer;
    size_t n_name;
    uint64_t layer;
    int64_t value;                  /* of its voxels in its layer */
    int64_t label;                  /* what it is called in answers; set by nrrd_segments_resolve */
    char name[NAMES_MAX_BYTES + 1]; /* one more, so that a longer one is known as such */
};

#define NRRD_SEGMENTS_MAX 4096 /* their numbers are below */

/* The image that was segmented: [row][3] RAS+ of its voxel 0, steps, and its extent. */
struct nrrd_reference {
    bool exists;
    double affine[3][4];
    uint64_t shape[3];
};

struct nrrd_segments {
    struct nrrd_segment *at; /* by number; gaps do not exist */
    size_t n;
    size_t cap;
    struct growth growth;
    bool is_fractional;
    bool is_shifted; /* Segmentation_ReferenceImageExtentOffset is not 0 0 0 */
    struct nrrd_reference reference;
};

struct nrrd {
    struct lines *lines;
    struct mask_header *header;
    uint32_t seen; /* fields, by their place in the table */
    uint64_t ndim;
    size_t n_sizes, n_kinds, n_directions;
    bool is_big, is_little;
    bool is_gzip;
    bool is_list[OV_MAX_NDIM];
    uint64_t space_ndim;
    bool is_anatomical;
    double signs[3]; /* from the file's space to RAS+ */
    bool has_direction[OV_MAX_NDIM];
    double directions[OV_MAX_NDIM][3];
    bool has_origin;
    double origin[3];
    struct nrrd_segments segments;
};

/* The affine of these axes; false where the header does not say all of it. */
bool nrrd_affine(const struct nrrd *nrrd, const int *axes, int n_axes, double ret_affine[3][4]);

/* ---- nrrd_segments.c ------------------------------------------------------------------------- */

/* A line "key:=value"; what is not of a segmentation is ignored. */
bool nrrd_segments_key(struct nrrd *nrrd, const char *key, const char *value);
void nrrd_segments_done(struct nrrd_segments *segments);

/* Settle layers, labels and names of the segments of a mask of n_layers. */
bool nrrd_segments_resolve(struct nrrd *nrrd, struct reader *reader, uint64_t n_layers);

/* ---- nrrd_place.c --------------------------------------------------------------------------- */

/* Where the file's voxels go; axes that it does not have are 1 voxel long. */
struct nrrd_place {
    uint64_t file_shape[3];
    uint64_t shape[3];
    int64_t offset[3]; /* of the file's first voxel */
    bool is_empty;     /* the file's one voxel stands for none */
};

/* The rest of a place with file_shape, and the header's affine there. */
bool nrrd_place_find(const struct nrrd *nrrd, struct reader *reader, struct nrrd_place *place);
bool nrrd_place_is_moved(const struct nrrd_place *place);

/* ---- nrrd_layers.c --------------------------------------------------------------------------- */

/*
 * Open a segmentation, once its header is read and measured and what follows it is unpacked: as a
 * label map where it is one, else all of it is read into header.layers.
 */
bool nrrd_layers_open(struct nrrd *nrrd, struct reader *reader);

#endif
