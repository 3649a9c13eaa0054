/* dicom.h - DICOM data elements in memory: a bounded walk over them, and their values. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_DICOM_H
#define PROTO_FORMAT_DICOM_H

#include "proto/problem.h"

/* Symbol, tag (group and element), name: the elements that are read here. */
#define DICOM_TAG_MAP(X)                                                   \
    X(MEDIA_STORAGE_SOP_CLASS, 0x00020002, "MediaStorageSOPClassUID")      \
    X(TRANSFER_SYNTAX, 0x00020010, "TransferSyntaxUID")                    \
    X(CHARACTER_SET, 0x00080005, "SpecificCharacterSet")                   \
    X(SOP_CLASS, 0x00080016, "SOPClassUID")                                \
    X(SLICE_THICKNESS, 0x00180050, "SliceThickness")                       \
    X(SPACING_BETWEEN_SLICES, 0x00180088, "SpacingBetweenSlices")          \
    X(POSITION, 0x00200032, "ImagePositionPatient")                        \
    X(ORIENTATION, 0x00200037, "ImageOrientationPatient")                  \
    X(PLANE_POSITION, 0x00209113, "PlanePositionSequence")                 \
    X(PLANE_ORIENTATION, 0x00209116, "PlaneOrientationSequence")           \
    X(SAMPLES, 0x00280002, "SamplesPerPixel")                              \
    X(N_FRAMES, 0x00280008, "NumberOfFrames")                              \
    X(ROWS, 0x00280010, "Rows")                                            \
    X(COLUMNS, 0x00280011, "Columns")                                      \
    X(PIXEL_SPACING, 0x00280030, "PixelSpacing")                           \
    X(BITS_ALLOCATED, 0x00280100, "BitsAllocated")                         \
    X(PADDING, 0x00280120, "PixelPaddingValue")                            \
    X(PIXEL_MEASURES, 0x00289110, "PixelMeasuresSequence")                 \
    X(TOTAL_COLUMNS, 0x00480006, "TotalPixelMatrixColumns")                \
    X(TOTAL_ROWS, 0x00480007, "TotalPixelMatrixRows")                      \
    X(SEGMENTATION_TYPE, 0x00620001, "SegmentationType")                   \
    X(SEGMENTS, 0x00620002, "SegmentSequence")                             \
    X(SEGMENT_NUMBER, 0x00620004, "SegmentNumber")                         \
    X(SEGMENT_LABEL, 0x00620005, "SegmentLabel")                           \
    X(SEGMENT_IDENTIFICATION, 0x0062000a, "SegmentIdentificationSequence") \
    X(REFERENCED_SEGMENT, 0x0062000b, "ReferencedSegmentNumber")           \
    X(MAXIMUM_FRACTIONAL, 0x0062000e, "MaximumFractionalValue")            \
    X(SHARED_GROUPS, 0x52009229, "SharedFunctionalGroupsSequence")         \
    X(FRAME_GROUPS, 0x52009230, "PerFrameFunctionalGroupsSequence")        \
    X(PIXEL_DATA, 0x7fe00010, "PixelData")

#define DICOM_TAG_ENUM(symbol, tag, name) DICOM_##symbol = (tag),
enum dicom_tag { DICOM_TAG_MAP(DICOM_TAG_ENUM) };
#undef DICOM_TAG_ENUM

/* Those of sequences and their items. */
#define DICOM_ITEM         0xfffee000u
#define DICOM_ITEM_END     0xfffee00du
#define DICOM_SEQUENCE_END 0xfffee0ddu

/* A file; borrowed. */
struct dicom {
    const uint8_t *bytes;
    size_t n_bytes;
    const char *pointer; /* names the source in problems */
    /* Set by dicom_meta: */
    bool is_implicit; /* the data set's elements have no VR */
    bool is_rle;      /* frames are compressed */
};

struct dicom_element {
    uint32_t tag;
    size_t at; /* where its tag lies in the file */
    const uint8_t *value;
    size_t n_value;
};

/* ---- walking --------------------------------------------------------------------------------- */

#define DICOM_MAX_DEPTH 16 /* sequences within sequences; segmentations have five */

/* A sequence that is open; the file itself is one of a single item. */
struct dicom_level {
    uint32_t tag;
    size_t n_items; /* begun */
    bool in_item;
    bool implicit;     /* elements have no VR: in a data set without, or within UN */
    bool is_open;      /* until its delimiter, at `end` at the latest */
    bool item_is_open; /* the same of the item */
    size_t end;
    size_t item_end;
};

/* Where a walk stands: levels[0] is the file, levels[depth] the innermost sequence. */
struct dicom_walk {
    struct dicom file;
    size_t at;
    int depth;
    struct dicom_level levels[DICOM_MAX_DEPTH + 1];
};

/* Walk the data set that begins at byte `at`, of little endian. */
void dicom_walk_init(struct dicom_walk *walk, const struct dicom *file, size_t at);

/*
 * The next element that is not a sequence, at any depth, in file order; DICOM_ITEM where an item
 * begins. Of compressed frames, the element is the file's rest, fragments and all. Each byte is
 * looked at once. *ret_found is false at the end.
 */
bool dicom_next(struct dicom_walk *walk, struct dicom_element *ret_element, bool *ret_found,
                struct problem *reterr);

/* ---- the file's own header ------------------------------------------------------------------- */

#define DICOM_PREAMBLE_BYTES 132 /* "DICM" is the last of them */

bool dicom_is(const uint8_t *bytes, size_t n);

/*
 * Check that the file holds a segmentation and is of little endian, as far as its meta information
 * tells, and note how it is written. *ret_at is where the data set begins.
 */
bool dicom_meta(struct dicom *file, size_t *ret_at, struct problem *reterr);

/* Refuses what is not a segmentation, and says what it is. */
bool dicom_check_class(const struct dicom *file, const struct dicom_element *uid,
                       struct problem *reterr);

/* Refuses all transfer syntaxes but three, and says what to convert with. */
bool dicom_check_syntax(struct dicom *file, const struct dicom_element *uid,
                        struct problem *reterr);

/* ---- values ---------------------------------------------------------------------------------- */

/* PROBLEM_BAD_MASK of one element: "Rows (0028,0010) at byte 310 <what>." */
bool dicom_bad(const struct dicom *file, const struct dicom_element *element, const char *what,
               struct problem *reterr);

/* Characters without the padding around them. */
struct dicom_text {
    const char *at;
    size_t n;
};

struct dicom_text dicom_text(const struct dicom_element *element);
bool dicom_text_is(struct dicom_text text, const char *other);

/* US, IS, and n numbers of DS; those are finite and within 1e9. */
bool dicom_unsigned(const struct dicom *file, const struct dicom_element *element,
                    uint16_t *ret_value, struct problem *reterr);
bool dicom_natural(const struct dicom *file, const struct dicom_element *element,
                   uint32_t *ret_value, struct problem *reterr);
bool dicom_reals(const struct dicom *file, const struct dicom_element *element, double *ret_values,
                 size_t n, struct problem *reterr);

#endif
