/* dicom_file.h - DICOM segmentations written for the tests, and read back voxel by voxel. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DICOM_FILE_H
#define TESTS_DICOM_FILE_H

#include "mask_files.h"

#define SEGMENTATION "1.2.840.10008.5.1.4.1.1.66.4"
#define EXPLICIT     "1.2.840.10008.1.2.1"

/* ---- elements -------------------------------------------------------------------------------- */

static inline void put_tag(struct file *file, uint32_t tag)
{
    put_little(file, tag >> 16, 2);
    put_little(file, tag & 0xffff, 2);
}

/* A tag, a VR and a length, in the form that the VR has. */
static inline void put_head(struct file *file, uint32_t tag, const char *vr, uint32_t n)
{
    bool is_long = strstr("OB OW SQ UN UT", vr) != NULL;

    put_tag(file, tag);
    put(file, vr, 2);
    put_little(file, is_long ? 0 : n, 2);
    if (is_long)
        put_little(file, n, 4);
}

static inline void put_element(struct file *file, uint32_t tag, const char *vr, const void *value,
                               size_t n)
{
    bool is_text = strstr("OB OW UI UN US", vr) == NULL;

    put_head(file, tag, vr, (uint32_t)(n + n % 2));
    put(file, value, n);
    put(file, is_text ? " " : "", n % 2);
}

static inline void put_text(struct file *file, uint32_t tag, const char *vr, const char *text)
{
    if (text != NULL)
        put_element(file, tag, vr, text, strlen(text));
}

static inline void put_u16(struct file *file, uint32_t tag, unsigned value)
{
    put_head(file, tag, "US", 2);
    put_little(file, value, 2);
}

/* Sequences and items whose length is written once it is known, or which end with a delimiter. */
static inline size_t open_part(struct file *file, uint32_t tag)
{
    if (tag == 0xfffee000) {
        put_tag(file, tag);
        put_little(file, 0xffffffff, 4);
    } else {
        put_head(file, tag, "SQ", 0xffffffff);
    }
    return file->n;
}

static inline void close_part(struct file *file, size_t start, uint32_t delimiter, bool is_open)
{
    size_t end = file->n;

    if (is_open) {
        put_tag(file, delimiter);
        put_little(file, 0, 4);
        return;
    }
    file->n = start - 4;
    put_little(file, end - start, 4);
    file->n = end;
}

/* A sequence of one item which holds one text, or nothing where there is none. */
static inline void put_group(struct file *file, uint32_t sequence, uint32_t tag, const char *text,
                             bool is_open)
{
    size_t outer, inner;

    if (text == NULL)
        return;
    outer = open_part(file, sequence);
    inner = open_part(file, 0xfffee000);
    put_text(file, tag, "DS", text);
    close_part(file, inner, 0xfffee00d, is_open);
    close_part(file, outer, 0xfffee0dd, is_open);
}

/* ---- segmentations --------------------------------------------------------------------------- */

struct frame_spec {
    unsigned segment; /* 0: not said */
    const char *position;
};

/* What a file says; members that are NULL or 0 are left out. */
struct seg_spec {
    const char *class;
    const char *syntax;
    const char *character_set;
    const char *type;
    unsigned samples, rows, columns, bits, maximum;
    const char *n_frames;
    const char *labels[4]; /* of segments 1, 2, ... */
    const char *orientation, *spacing, *between, *thickness;
    struct frame_spec frames[8];
    unsigned n;
    const void *pixels;
    size_t n_pixels;
    bool is_open; /* sequences and items are of undefined length */
};

static inline void put_meta(struct file *file, const struct seg_spec *spec)
{
    file->n = 128;
    put(file, "DICM", 4);
    put_element(file, 0x00020001, "OB", "\0\1", 2);
    put_text(file, 0x00020002, "UI", spec->class);
    put_text(file, 0x00020010, "UI", spec->syntax);
}

static inline void put_image(struct file *file, const struct seg_spec *spec)
{
    put_text(file, 0x00080005, "CS", spec->character_set);
    put_text(file, 0x00080016, "UI", spec->class);
    if (spec->samples > 0)
        put_u16(file, 0x00280002, spec->samples);
    put_text(file, 0x00280008, "IS", spec->n_frames);
    put_u16(file, 0x00280010, spec->rows);
    put_u16(file, 0x00280011, spec->columns);
    put_u16(file, 0x00280100, spec->bits);
    put_text(file, 0x00620001, "CS", spec->type);
}

static inline void put_segments(struct file *file, const struct seg_spec *spec)
{
    size_t outer = open_part(file, 0x00620002);

    for (unsigned i = 0; i < 4 && spec->labels[i] != NULL; i++) {
        size_t item = open_part(file, 0xfffee000);

        put_group(file, 0x00620003, 0x00080100, "123", spec->is_open);
        put_u16(file, 0x00620004, i + 1);
        put_text(file, 0x00620005, "LO", spec->labels[i]);
        close_part(file, item, 0xfffee00d, spec->is_open);
    }
    close_part(file, outer, 0xfffee0dd, spec->is_open);
    if (spec->maximum > 0)
        put_u16(file, 0x0062000e, spec->maximum);
}

static inline void put_shared(struct file *file, const struct seg_spec *spec)
{
    size_t outer = open_part(file, 0x52009229);
    size_t item = open_part(file, 0xfffee000);
    size_t measures, inner;

    put_group(file, 0x00209116, 0x00200037, spec->orientation, spec->is_open);
    measures = open_part(file, 0x00289110);
    inner = open_part(file, 0xfffee000);
    put_text(file, 0x00180050, "DS", spec->thickness);
    put_text(file, 0x00180088, "DS", spec->between);
    put_text(file, 0x00280030, "DS", spec->spacing);
    close_part(file, inner, 0xfffee00d, spec->is_open);
    close_part(file, measures, 0xfffee0dd, spec->is_open);
    close_part(file, item, 0xfffee00d, spec->is_open);
    close_part(file, outer, 0xfffee0dd, spec->is_open);
}

static inline void put_frame(struct file *file, const struct frame_spec *frame, bool is_open)
{
    size_t item = open_part(file, 0xfffee000);

    put_group(file, 0x00209113, 0x00200032, frame->position, is_open);
    if (frame->segment > 0) {
        size_t outer = open_part(file, 0x0062000a);
        size_t inner = open_part(file, 0xfffee000);

        put_u16(file, 0x0062000b, frame->segment);
        close_part(file, inner, 0xfffee00d, is_open);
        close_part(file, outer, 0xfffee0dd, is_open);
    }
    close_part(file, item, 0xfffee00d, is_open);
}

static inline struct file *seg_file(const struct seg_spec *spec)
{
    struct file *file = file_new();
    size_t outer;

    put_meta(file, spec);
    put_image(file, spec);
    put_segments(file, spec);
    put_shared(file, spec);
    outer = open_part(file, 0x52009230);
    for (unsigned i = 0; i < spec->n; i++)
        put_frame(file, &spec->frames[i], spec->is_open);
    close_part(file, outer, 0xfffee0dd, spec->is_open);
    if (spec->pixels != NULL)
        put_element(file, 0x7fe00010, spec->bits == 16 ? "OW" : "OB", spec->pixels, spec->n_pixels);
    return file;
}

/*
 * Two segments, 3 rows of 5, three slices of which the middle one has no frame: 15 bits a frame, so
 * that two of them begin within a byte. Segment 2 overlaps segment 1 in the last row of slice 2.
 *
 *   frame 0 (segment 1, slice 0)  #....  .##..  .....
 *   frame 1 (segment 1, slice 2)  .....  .....  ####.
 *   frame 2 (segment 2, slice 2)  .....  ....#  ...##
 */
static const uint8_t seg_bits[] = {0xc1, 0x00, 0x00, 0x1e, 0x80, 0x18};

/* Its voxels: bit 1 for segment 1, bit 2 for segment 2. */
static const uint8_t seg_expected[45] = {
    2, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, /* slice 0 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* slice 1 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2, 2, 2, 6, 4, /* slice 2 */
};

static inline struct seg_spec binary_spec(void)
{
    return (struct seg_spec){.class = SEGMENTATION,
                             .syntax = EXPLICIT,
                             .type = "BINARY",
                             .samples = 1,
                             .rows = 3,
                             .columns = 5,
                             .bits = 1,
                             .n_frames = "3",
                             .labels = {"liver", "tumour"},
                             .orientation = "1\\0\\0\\0\\1\\0",
                             .spacing = "0.5\\0.75",
                             .between = "2",
                             .frames = {{1, "-10\\20\\30"}, {1, "-10\\20\\34"}, {2, "-10\\20\\34"}},
                             .n = 3,
                             .pixels = seg_bits,
                             .n_pixels = sizeof(seg_bits)};
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The voxels as bits of the labels that they carry. */
struct seg_voxels {
    struct problem problem;
    struct mask_header header;
    uint8_t labels[4096];
};

static inline void collect(struct reader *reader, struct seg_voxels *ret)
{
    struct layers *layers = ret->header.layers;
    struct ov_run run;
    size_t n, at = 0;

    for (layers_next(layers, &run, 1, &n); n > 0; layers_next(layers, &run, 1, &n)) {
        size_t n_set;
        const int64_t *set = layers_set(layers, (size_t)run.label, &n_set);
        uint8_t bits = 0;

        for (size_t i = 0; i < n_set; i++)
            bits |= (uint8_t)(1 << set[i]);
        assert_true(at + run.length <= sizeof(ret->labels));
        memset(ret->labels + at, bits, (size_t)run.length);
        at += (size_t)run.length;
    }
    assert_int_equal(at, ret->header.n_voxels);
    assert_true(reader_finish(reader, &ret->problem));
}

static inline void read_source(const struct source *source, struct seg_voxels *ret)
{
    struct env env = test_env();
    struct reader *reader;

    memset(ret, 0, sizeof(*ret));
    reader = reader_new(source, &env, &ret->problem);
    if (reader != NULL) {
        ret->header = *reader_header(reader);
        collect(reader, ret);
    }
    reader_free(reader);
    assert_int_equal(budget_used, 0);
}

static inline void read_labels(const struct file *file, struct seg_voxels *ret)
{
    struct source source = source_of(file->bytes, file->n);

    read_source(&source, ret);
    assert_string_equal(ret->problem.detail, "");
}

/* A file of these segmentation is refused in these words. */
static inline void assert_spec_problem(const struct seg_spec *spec, enum problem_code code,
                                       const char *words)
{
    struct file *file = seg_file(spec);

    assert_file_problem(file, code, words);
    free(file);
}

/* The file of these words is this mask of bits. */
static inline void assert_spec_labels(const struct seg_spec *spec, const uint8_t *expected,
                                      size_t n)
{
    struct seg_voxels *voxels = malloc(sizeof(*voxels));
    struct file *file = seg_file(spec);

    assert_non_null(voxels);
    read_labels(file, voxels);
    assert_int_equal(voxels->header.n_voxels, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(voxels->labels[i], expected[i]);
    free(voxels);
    free(file);
}

/* Where the n-th element of a tag begins. */
static inline size_t find_tag(const struct file *file, uint32_t tag, int n)
{
    uint8_t bytes[4] = {(uint8_t)(tag >> 16), (uint8_t)(tag >> 24), (uint8_t)tag,
                        (uint8_t)(tag >> 8)};

    for (size_t at = 132; at + 4 <= file->n; at++) {
        if (memcmp(file->bytes + at, bytes, 4) == 0 && n-- == 0)
            return at;
    }
    fail_msg("no tag %08x", tag);
    return 0;
}

#endif
