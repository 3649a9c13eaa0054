/* dicom_fields.c - the data elements of a DICOM segmentation, read into struct seg. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/dicom_seg.h"

#include <math.h>
#include <string.h>

/* Orientations and spacings that frames repeat differ by what rounding leaves, and no more. */
#define SAME_TOLERANCE 1e-4

typedef bool reading(struct seg *seg, const struct dicom_element *element, struct problem *reterr);

/* ---- the image ------------------------------------------------------------------------------- */

static bool read_class(struct seg *seg, const struct dicom_element *element, struct problem *reterr)
{
    return dicom_check_class(&seg->file, element, reterr);
}

static bool read_character_set(struct seg *seg, const struct dicom_element *element,
                               struct problem *reterr)
{
    (void)reterr;
    seg->is_latin_1 = dicom_text_is(dicom_text(element), "ISO_IR 100");
    return true;
}

static bool read_samples(struct seg *seg, const struct dicom_element *element,
                         struct problem *reterr)
{
    return dicom_unsigned(&seg->file, element, &seg->samples, reterr);
}

static bool read_n_frames(struct seg *seg, const struct dicom_element *element,
                          struct problem *reterr)
{
    return dicom_natural(&seg->file, element, &seg->n_frames, reterr);
}

static bool read_rows(struct seg *seg, const struct dicom_element *element, struct problem *reterr)
{
    return dicom_unsigned(&seg->file, element, &seg->rows, reterr);
}

static bool read_columns(struct seg *seg, const struct dicom_element *element,
                         struct problem *reterr)
{
    return dicom_unsigned(&seg->file, element, &seg->columns, reterr);
}

static bool read_bits_allocated(struct seg *seg, const struct dicom_element *element,
                                struct problem *reterr)
{
    return dicom_unsigned(&seg->file, element, &seg->bits_allocated, reterr);
}

static bool read_padding(struct seg *seg, const struct dicom_element *element,
                         struct problem *reterr)
{
    return dicom_unsigned(&seg->file, element, &seg->padding, reterr);
}

static bool read_maximum(struct seg *seg, const struct dicom_element *element,
                         struct problem *reterr)
{
    return dicom_unsigned(&seg->file, element, &seg->maximum, reterr);
}

/* A whole slide's size; a segmentation of one tile is a plane like any other. */
static bool read_total(const struct seg *seg, const struct dicom_element *element, uint16_t tile,
                       struct problem *reterr)
{
    uint32_t total = 0;

    for (size_t i = 0; i < 4 && i < element->n_value; i++)
        total |= (uint32_t)element->value[i] << 8 * i;
    return total == tile ||
           problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, seg->file.pointer,
                       "The DICOM segmentation is tiled, as of a whole slide: the element "
                       "(%04x,%04x) at byte %zu is %lu, a frame has %u. Tiles are not put together "
                       "here; send the mask as TIFF or PNG.",
                       element->tag >> 16, element->tag & 0xffff, element->at, (unsigned long)total,
                       tile);
}

static bool read_total_rows(struct seg *seg, const struct dicom_element *element,
                            struct problem *reterr)
{
    return read_total(seg, element, seg->rows, reterr);
}

static bool read_total_columns(struct seg *seg, const struct dicom_element *element,
                               struct problem *reterr)
{
    return read_total(seg, element, seg->columns, reterr);
}

static bool read_type(struct seg *seg, const struct dicom_element *element, struct problem *reterr)
{
#define SEG_TYPE_NAME(symbol, name) name,
    static const char *const names[] = {SEG_TYPE_MAP(SEG_TYPE_NAME)};
#undef SEG_TYPE_NAME
    struct dicom_text text = dicom_text(element);

    for (enum seg_type type = 0; type < SEG_N_TYPES; type++) {
        if (dicom_text_is(text, names[type])) {
            seg->type = type;
            return true;
        }
    }
    return dicom_bad(&seg->file, element, "is none of BINARY, FRACTIONAL and LABELMAP", reterr);
}

static bool read_pixels(struct seg *seg, const struct dicom_element *element,
                        struct problem *reterr)
{
    (void)reterr;
    seg->pixels = *element;
    return true;
}

/* ---- segments -------------------------------------------------------------------------------- */

/* ISO 8859-1 is the first 256 characters of Unicode. Returns the bytes written, at most 2 * n. */
static size_t to_utf_8(const char *text, size_t n, char *ret_text)
{
    size_t n_out = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x80)
            ret_text[n_out++] = (char)(0xc0 | c >> 6);
        ret_text[n_out++] = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    return n_out;
}

/* Once a segment's number and its label have been read, in either order. */
static bool name_segment(const struct seg *seg, struct problem *reterr)
{
    struct names *names = reader__source(seg->reader)->names;
    size_t n = seg->label.n < NAMES_MAX_BYTES ? seg->label.n : NAMES_MAX_BYTES;
    char text[2 * NAMES_MAX_BYTES];

    if (!seg->has_number || n == 0 || names == NULL)
        return true;
    if (!seg->is_latin_1)
        return names_set(names, seg->number, seg->label.at, n, reterr);
    return names_set(names, seg->number, text, to_utf_8(seg->label.at, n, text), reterr);
}

static bool begin_segment(struct seg *seg, const struct dicom_element *element,
                          struct problem *reterr)
{
    (void)element;
    (void)reterr;
    seg->has_number = false;
    seg->label.n = 0;
    return true;
}

static bool read_number(struct seg *seg, const struct dicom_element *element,
                        struct problem *reterr)
{
    uint16_t number;

    if (!dicom_unsigned(&seg->file, element, &number, reterr))
        return false;
    if (seg_has_segment(seg, number))
        return dicom_bad(&seg->file, element, "is the number of a segment before it", reterr);
    seg->segments[number / 8] |= (uint8_t)(1 << number % 8);
    seg->has_number = true;
    seg->number = number;
    return name_segment(seg, reterr);
}

static bool read_label(struct seg *seg, const struct dicom_element *element, struct problem *reterr)
{
    seg->label = dicom_text(element);
    return name_segment(seg, reterr);
}

/* ---- functional groups ----------------------------------------------------------------------- */

/* What the element speaks of: one frame, or all. */
static struct seg_frame *frame_of(struct seg *seg)
{
    return seg->n_read > 0 ? &seg->frames[seg->n_read - 1] : &seg->shared;
}

static bool begin_shared(struct seg *seg, const struct dicom_element *element,
                         struct problem *reterr)
{
    return seg->n_read == 0 ||
           dicom_bad(&seg->file, element, "says what holds for all frames only after them", reterr);
}

static bool begin_frame(struct seg *seg, const struct dicom_element *element,
                        struct problem *reterr)
{
    struct seg_frame *frames;

    if (seg->n_read == UINT32_MAX)
        return dicom_bad(&seg->file, element, "begins more frames than there can be", reterr);
    frames = growth_room(&seg->growth, seg->frames, seg->n_read, &seg->cap_frames, sizeof(*frames),
                         reterr);
    if (frames == NULL)
        return false;
    seg->frames = frames;
    frames[seg->n_read] = seg->shared;
    frames[seg->n_read].i_pixels = (uint32_t)seg->n_read;
    seg->n_read++;
    return true;
}

static bool read_position(struct seg *seg, const struct dicom_element *element,
                          struct problem *reterr)
{
    struct seg_frame *frame = frame_of(seg);

    frame->has_position = true;
    return dicom_reals(&seg->file, element, frame->position, 3, reterr);
}

static bool read_segment(struct seg *seg, const struct dicom_element *element,
                         struct problem *reterr)
{
    struct seg_frame *frame = frame_of(seg);

    if (!dicom_unsigned(&seg->file, element, &frame->segment, reterr))
        return false;
    if (!seg_has_segment(seg, frame->segment))
        return problem_set(reterr, PROBLEM_BAD_MASK, seg->file.pointer,
                           "A frame is of segment %u, says ReferencedSegmentNumber (0062,000b) at "
                           "byte %zu, but SegmentSequence has no segment of that number.",
                           frame->segment, element->at);
    frame->has_segment = true;
    return true;
}

/* Keep n numbers that all frames share, or hold them against those kept before. */
static bool read_common(struct seg *seg, const struct dicom_element *element, double *values,
                        size_t n, bool *has_values, struct problem *reterr)
{
    double found[6];

    if (!dicom_reals(&seg->file, element, found, n, reterr))
        return false;
    for (size_t i = 0; i < n && *has_values; i++) {
        if (fabs(found[i] - values[i]) > SAME_TOLERANCE)
            return dicom_bad(&seg->file, element,
                             "differs from that of a frame before it; frames of several "
                             "orientations or spacings are no one grid",
                             reterr);
    }
    memcpy(values, found, n * sizeof(*values));
    *has_values = true;
    return true;
}

static bool read_orientation(struct seg *seg, const struct dicom_element *element,
                             struct problem *reterr)
{
    return read_common(seg, element, seg->planes.orientation, 6, &seg->planes.has_orientation,
                       reterr);
}

static bool read_spacing(struct seg *seg, const struct dicom_element *element,
                         struct problem *reterr)
{
    if (!read_common(seg, element, seg->planes.spacing_mm, 2, &seg->planes.has_spacing, reterr))
        return false;
    return (seg->planes.spacing_mm[0] > 0 && seg->planes.spacing_mm[1] > 0) ||
           dicom_bad(&seg->file, element, "is not above 0", reterr);
}

/* Some writers leave these empty; nuclear medicine has negative ones. */
static bool read_length(const struct seg *seg, const struct dicom_element *element,
                        double *ret_length_mm, struct problem *reterr)
{
    double value;

    if (dicom_text(element).n == 0)
        return true;
    if (!dicom_reals(&seg->file, element, &value, 1, reterr))
        return false;
    *ret_length_mm = fabs(value);
    return true;
}

static bool read_thickness(struct seg *seg, const struct dicom_element *element,
                           struct problem *reterr)
{
    return read_length(seg, element, &seg->planes.thickness_mm, reterr);
}

static bool read_between(struct seg *seg, const struct dicom_element *element,
                         struct problem *reterr)
{
    return read_length(seg, element, &seg->planes.between_mm, reterr);
}

/* ---- which is where -------------------------------------------------------------------------- */

/* Stands for both sequences of functional groups. */
#define ANY_GROUPS 0xffffffffu

/* A field: the sequences that it lies in, its tag, and what reads it. */
static const struct field {
    uint32_t sequence[2];
    uint32_t tag;
    reading *read;
} fields[] = {
    {{0, 0}, DICOM_SOP_CLASS, read_class},
    {{0, 0}, DICOM_CHARACTER_SET, read_character_set},
    {{0, 0}, DICOM_SAMPLES, read_samples},
    {{0, 0}, DICOM_N_FRAMES, read_n_frames},
    {{0, 0}, DICOM_ROWS, read_rows},
    {{0, 0}, DICOM_COLUMNS, read_columns},
    {{0, 0}, DICOM_BITS_ALLOCATED, read_bits_allocated},
    {{0, 0}, DICOM_PADDING, read_padding},
    {{0, 0}, DICOM_TOTAL_ROWS, read_total_rows},
    {{0, 0}, DICOM_TOTAL_COLUMNS, read_total_columns},
    {{0, 0}, DICOM_SEGMENTATION_TYPE, read_type},
    {{0, 0}, DICOM_MAXIMUM_FRACTIONAL, read_maximum},
    {{0, 0}, DICOM_PIXEL_DATA, read_pixels},
    {{DICOM_SEGMENTS, 0}, DICOM_ITEM, begin_segment},
    {{DICOM_SEGMENTS, 0}, DICOM_SEGMENT_NUMBER, read_number},
    {{DICOM_SEGMENTS, 0}, DICOM_SEGMENT_LABEL, read_label},
    {{DICOM_SHARED_GROUPS, 0}, DICOM_ITEM, begin_shared},
    {{DICOM_FRAME_GROUPS, 0}, DICOM_ITEM, begin_frame},
    {{ANY_GROUPS, DICOM_PLANE_POSITION}, DICOM_POSITION, read_position},
    {{ANY_GROUPS, DICOM_PLANE_ORIENTATION}, DICOM_ORIENTATION, read_orientation},
    {{ANY_GROUPS, DICOM_PIXEL_MEASURES}, DICOM_PIXEL_SPACING, read_spacing},
    {{ANY_GROUPS, DICOM_PIXEL_MEASURES}, DICOM_SLICE_THICKNESS, read_thickness},
    {{ANY_GROUPS, DICOM_PIXEL_MEASURES}, DICOM_SPACING_BETWEEN_SLICES, read_between},
    {{ANY_GROUPS, DICOM_SEGMENT_IDENTIFICATION}, DICOM_REFERENCED_SEGMENT, read_segment},
};

static bool is_in(const struct field *field, const struct dicom_walk *walk)
{
    uint32_t outer = walk->levels[walk->depth > 0].tag;
    int depth = (field->sequence[0] != 0) + (field->sequence[1] != 0);

    if (depth != walk->depth || (depth == 2 && field->sequence[1] != walk->levels[2].tag))
        return false;
    return depth == 0 || field->sequence[0] == outer ||
           (field->sequence[0] == ANY_GROUPS &&
            (outer == DICOM_SHARED_GROUPS || outer == DICOM_FRAME_GROUPS));
}

bool seg_take(struct seg *seg, const struct dicom_walk *walk, const struct dicom_element *element,
              struct problem *reterr)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].tag != element->tag || !is_in(&fields[i], walk))
            continue;
        if (walk->depth == 0 && (seg->seen & 1u << i) != 0)
            return dicom_bad(&seg->file, element, "is there twice", reterr);
        seg->seen |= 1u << i;
        return fields[i].read(seg, element, reterr);
    }
    return true;
}

bool seg_has(const struct seg *seg, enum dicom_tag tag)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].tag == (uint32_t)tag)
            return (seg->seen & 1u << i) != 0;
    }
    return false;
}

bool seg_has_segment(const struct seg *seg, uint16_t number)
{
    return (seg->segments[number / 8] >> number % 8 & 1) != 0;
}
