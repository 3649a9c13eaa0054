/* dicom_seg.h - what a DICOM segmentation object says; for proto/format/dicom_*.c alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_DICOM_SEG_H
#define PROTO_FORMAT_DICOM_SEG_H

#include "proto/format/dicom.h"
#include "proto/growth.h"
#include "proto/reader.h"

/* Symbol, value of SegmentationType. */
#define SEG_TYPE_MAP(X)         \
    X(BINARY, "BINARY")         \
    X(FRACTIONAL, "FRACTIONAL") \
    X(LABELMAP, "LABELMAP")

#define SEG_TYPE_ENUM(symbol, name) SEG_##symbol,
enum seg_type { SEG_TYPE_MAP(SEG_TYPE_ENUM) SEG_N_TYPES };
#undef SEG_TYPE_ENUM

#define SEG_N_SEGMENTS 65536 /* SegmentNumber has 16 bits */

/* One frame: a plane of one segment, or of all of them in a LABELMAP. */
struct seg_frame {
    bool has_position;
    bool has_segment;
    uint16_t segment;
    uint32_t i_pixels;  /* the how manieth of PixelData it is */
    uint32_t slice;     /* along z, once placed */
    double position[3]; /* of its first pixel: LPS, in mm */
    double distance_mm; /* of that along the slices' normal */
};

/* What is said of all frames: once for all, or by each of them the same. */
struct seg_planes {
    bool has_orientation;
    bool has_spacing;
    double orientation[6]; /* directions of a row's pixels, of a column's */
    double spacing_mm[2];  /* between rows, between columns */
    double thickness_mm;   /* 0 where it is not said, also below */
    double between_mm;     /* from slice to slice */
};

struct seg {
    struct reader *reader;
    struct dicom file;
    struct growth growth; /* what is taken for the file's bytes and the frames */
    uint8_t *bytes;       /* of a compressed file; NULL where the stream has them in place */
    uint8_t *unpacked;    /* compressed frames' pixels, once unpacked */
    uint32_t seen;        /* bits of the fields read, so that none is read twice */
    enum seg_type type;
    uint16_t rows;
    uint16_t columns;
    uint16_t samples;
    uint16_t bits_allocated;
    uint16_t maximum; /* of fractional values */
    uint16_t padding; /* in a LABELMAP: no segment */
    bool has_threshold;
    uint16_t cutoff; /* fractional values from this on are in the segment */
    uint32_t n_frames;
    struct dicom_element pixels;
    struct seg_planes planes;
    struct seg_frame shared; /* what the shared functional groups say of each frame */
    struct seg_frame *frames;
    size_t n_read; /* frames of which functional groups were read */
    size_t cap_frames;
    bool is_latin_1; /* SegmentLabels are ISO 8859-1 */
    bool has_number; /* of the segment being read */
    uint16_t number;
    struct dicom_text label;
    uint8_t segments[SEG_N_SEGMENTS / 8]; /* bits of the numbers in SegmentSequence */
};

/* Read one element of the data set; what is not a field of ours is passed over. */
bool seg_take(struct seg *seg, const struct dicom_walk *walk, const struct dicom_element *element,
              struct problem *reterr);

/* After the last one: the fields that must be there are, and agree with one another. */
bool seg_check(const struct seg *seg, struct problem *reterr);

/* A field has been read. */
bool seg_has(const struct seg *seg, enum dicom_tag tag);
bool seg_has_segment(const struct seg *seg, uint16_t number);

/* Unpack frames in RLE, after seg_check: `pixels` are as if they had not been compressed. */
bool seg_unpack(struct seg *seg, struct problem *reterr);

/* Place the frames on slices and fill in the header's shape and affine; sorts the frames by z. */
bool seg_place(struct seg *seg, struct mask_header *header, struct problem *reterr);

/* Add every frame's voxels to the layers. */
bool seg_add_frames(const struct seg *seg, struct layers *layers, struct problem *reterr);

#endif
