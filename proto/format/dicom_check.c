/* dicom_check.c - whether a DICOM segmentation says all that it must, without contradiction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/dicom_seg.h"

#define BITS_PER_BYTE 8

static const struct {
    enum dicom_tag tag;
    const char *name;
} needed[] = {
    {DICOM_SOP_CLASS, "SOPClassUID"},
    {DICOM_ROWS, "Rows"},
    {DICOM_COLUMNS, "Columns"},
    {DICOM_N_FRAMES, "NumberOfFrames"},
    {DICOM_BITS_ALLOCATED, "BitsAllocated"},
    {DICOM_SEGMENTATION_TYPE, "SegmentationType"},
    {DICOM_PIXEL_DATA, "PixelData"},
};

static bool check_presence(const struct seg *seg, struct problem *reterr)
{
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!seg_has(seg, needed[i].tag))
            return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                               "The DICOM segmentation has no %s (%04x,%04x).", needed[i].name,
                               (unsigned)needed[i].tag >> 16, (unsigned)needed[i].tag & 0xffff);
    }
    return true;
}

/* What a frame's pixels are: PS3.3, C.8.20.2 and C.8.31.2. */
static bool check_pixels(const struct seg *seg, struct problem *reterr)
{
    static const char *const words[SEG_N_TYPES] = {[SEG_BINARY] = "BINARY has 1",
                                                   [SEG_FRACTIONAL] = "FRACTIONAL has 8",
                                                   [SEG_LABELMAP] = "LABELMAP has 8 or 16"};
    static const uint16_t bits[SEG_N_TYPES] = {
        [SEG_BINARY] = 1, [SEG_FRACTIONAL] = 8, [SEG_LABELMAP] = 8};
    uint16_t found = seg->bits_allocated;

    if (seg_has(seg, DICOM_SAMPLES) && seg->samples != 1)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, seg->file.pointer,
                           "The DICOM segmentation has %u samples per pixel; labels are one.",
                           seg->samples);
    if (found != bits[seg->type] && (seg->type != SEG_LABELMAP || found != 16))
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, seg->file.pointer,
                           "The DICOM segmentation has %u bits per pixel; %s.", found,
                           words[seg->type]);
    if (seg->type == SEG_FRACTIONAL && (seg->maximum == 0 || seg->maximum > UINT8_MAX))
        return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                           "The DICOM segmentation is FRACTIONAL, and its MaximumFractionalValue "
                           "(0062,000e) is %u or missing; it is 1 to 255.",
                           seg->maximum);
    return true;
}

/* Label 0 would be the background. */
static bool check_segments(const struct seg *seg, struct problem *reterr)
{
    return seg->type == SEG_LABELMAP || !seg_has_segment(seg, 0) ||
           problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                       "The DICOM segmentation has a SegmentNumber (0062,0004) of 0; they begin "
                       "at 1.");
}

static bool check_frames(const struct seg *seg, struct problem *reterr)
{
    if (seg->n_frames == 0 || seg->n_frames != seg->n_read)
        return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                           "The DICOM segmentation says %lu in NumberOfFrames (0028,0008), but has "
                           "functional groups (5200,9230) of %zu frames.",
                           (unsigned long)seg->n_frames, seg->n_read);
    for (size_t i = 0; i < seg->n_read && seg->type != SEG_LABELMAP; i++) {
        if (!seg->frames[i].has_segment)
            return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                               "Frame %zu of the DICOM segmentation has no "
                               "ReferencedSegmentNumber (0062,000b).",
                               i + 1);
    }
    return true;
}

/* PixelData is as long as its frames, or a byte longer where that makes it even. Compressed ones
 * are held to it as they are unpacked. */
static bool check_length(const struct seg *seg, struct problem *reterr)
{
    uint64_t shape[3] = {seg->columns, seg->rows, seg->n_frames};
    uint64_t n_pixels = 0;
    uint64_t n_bytes = 0;

    if (ov_shape_size(3, shape, seg->bits_allocated == 16 ? OV_U16 : OV_U8, &n_pixels, &n_bytes) !=
        OV_OK)
        return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                           "The DICOM segmentation has frames of %u x %u pixels; an axis of 0 has "
                           "none.",
                           seg->columns, seg->rows);
    if (seg->type == SEG_BINARY)
        n_bytes = (n_pixels + BITS_PER_BYTE - 1) / BITS_PER_BYTE;
    if (seg->file.is_rle || seg->pixels.n_value == n_bytes ||
        seg->pixels.n_value == n_bytes + n_bytes % 2)
        return true;
    return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                       "PixelData (7fe0,0010) at byte %zu has %zu bytes, but %lu frames of %u x %u "
                       "pixels of %u bits take %llu.",
                       seg->pixels.at, seg->pixels.n_value, (unsigned long)seg->n_frames,
                       seg->columns, seg->rows, seg->bits_allocated, (unsigned long long)n_bytes);
}

bool seg_check(const struct seg *seg, struct problem *reterr)
{
    return check_presence(seg, reterr) && check_pixels(seg, reterr) &&
           check_segments(seg, reterr) && check_frames(seg, reterr) && check_length(seg, reterr);
}
