/* test_dicom_frames.c - the pixels of DICOM segmentations: bits, fractions, label maps. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dicom_file.h"

/* ---- one bit a pixel ------------------------------------------------------------------------- */

static void segments_may_overlap(void **state)
{
    struct seg_spec spec = binary_spec();

    (void)state;
    assert_spec_labels(&spec, seg_expected, 45);
}

/* Against one pixel at a time: every place in a byte that a frame can begin at, every length. */
static void frames_are_read_from_any_bit_on(void **state)
{
    static uint8_t bits[512];
    uint8_t expected[4096];
    uint32_t random = 7;

    (void)state;
    for (unsigned columns = 1; columns <= 200; columns += columns < 20 ? 1 : 37) {
        struct seg_spec spec = binary_spec();

        spec.rows = 1;
        spec.columns = columns;
        spec.frames[2] = (struct frame_spec){1, "-10\\20\\32"};
        spec.pixels = bits;
        spec.n_pixels = (3 * columns + 7) / 8;
        for (size_t i = 0; i < sizeof(bits); i++) {
            random = random * 1664525 + 1013904223;
            bits[i] = (uint8_t)(columns % 3 == 0 ? random >> 24 : random >> 30 == 0 ? 0xff : 0);
        }
        for (size_t i = 0; i < 3 * (size_t)columns; i++) {
            static const size_t slices[3] = {0, 2, 1};
            size_t at = slices[i / columns] * columns + i % columns;

            expected[at] = (bits[i / 8] >> i % 8 & 1) != 0 ? 2 : 0;
        }
        assert_spec_labels(&spec, expected, 3 * (size_t)columns);
    }
}

/* ---- fractions ------------------------------------------------------------------------------- */

static struct seg_spec fractional_spec(const uint8_t *values, unsigned maximum)
{
    struct seg_spec spec = binary_spec();

    spec.type = "FRACTIONAL";
    spec.bits = 8;
    spec.rows = 1;
    spec.columns = 9;
    spec.maximum = maximum;
    spec.n = 2;
    spec.n_frames = "2";
    spec.pixels = values;
    spec.n_pixels = 18;
    return spec;
}

static void fractions_of_0_and_1_are_a_mask(void **state)
{
    static const uint8_t values[18] = {0, 7, 7, 0, 0, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0};
    static const uint8_t expected[27] = {0, 2, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0,
                                         0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 0};
    struct seg_spec spec = fractional_spec(values, 7);

    (void)state;
    assert_spec_labels(&spec, expected, 27);
}

static void other_fractions_need_a_threshold(void **state)
{
    static const uint8_t values[18] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 254};
    struct seg_spec spec = fractional_spec(values, 255);

    (void)state;
    assert_spec_problem(&spec, PROBLEM_NON_INTEGRAL,
                        "frame 2 has a pixel of 254 of 255: in this source, \"threshold\": 0.5");
    spec.maximum = 200;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK,
                        "Frame 2 of the DICOM segmentation has a pixel of 255");
}

/* json is the whole source; `least` the smallest value of 0..200 inside, 0 for a refusal. */
static void assert_threshold(const char *json, unsigned least)
{
    uint8_t values[202];
    struct seg_spec spec = fractional_spec(values, 200);
    struct seg_voxels *voxels = malloc(sizeof(*voxels));
    struct source source;
    struct file *file;

    assert_non_null(voxels);
    for (unsigned i = 0; i < 202; i++)
        values[i] = (uint8_t)(i <= 200 ? i : 0);
    spec.n = 1;
    spec.n_frames = "1";
    spec.columns = 201;
    spec.n_pixels = 201;
    file = seg_file(&spec);
    source = source_of(file->bytes, file->n);
    source.options = json_loads(json, 0, NULL);
    assert_non_null(source.options);
    read_source(&source, voxels);
    assert_int_equal(voxels->problem.code, least > 0 ? PROBLEM_NONE : PROBLEM_BAD_PARAMETER);
    for (unsigned i = 0; i <= 200 && least > 0; i++)
        assert_int_equal(voxels->labels[i], i >= least ? 2 : 0);
    json_decref((json_t *)(uintptr_t)source.options);
    free(voxels);
    free(file);
}

static void a_threshold_is_a_part_of_the_maximum(void **state)
{
    (void)state;
    assert_threshold("{\"threshold\": 0}", 1);
    assert_threshold("{\"threshold\": 0.5}", 101);
    assert_threshold("{\"threshold\": 0.4999}", 100);
    assert_threshold("{\"threshold\": 0.6}", 121);
    assert_threshold("{\"threshold\": 0.994}", 199);
    assert_threshold("{\"threshold\": 0.9999}", 200);
    assert_threshold("{\"threshold\": 1}", 0);
    assert_threshold("{\"threshold\": -0.1}", 0);
    assert_threshold("{\"threshold\": \"0.5\"}", 0);
    assert_threshold("{\"threshold\": null}", 0);
}

/* ---- RLE ------------------------------------------------------------------------------------- */

/* The example of Apple's technical note 1023, and what it unpacks to. */
static const uint8_t packed[] = {0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa,
                                 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa};
static const uint8_t unpacked[24] = {0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa,
                                     0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22, 0xaa, 0xaa,
                                     0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa};

/* One frame of 3 rows of 8, whose one segment of bytes is the example. */
static struct file *rle_pixels(void)
{
    static const uint8_t zeros[64];
    struct file *pixels = file_new();

    put_tag(pixels, 0xfffee000);
    put_little(pixels, 0, 4);
    put_tag(pixels, 0xfffee000);
    put_little(pixels, 64 + sizeof(packed) + 1, 4);
    put_little(pixels, 1, 4);
    put_little(pixels, 64, 4);
    put(pixels, zeros, 64 - 8);
    put(pixels, packed, sizeof(packed));
    put(pixels, zeros, 1);
    return pixels;
}

/* Read with a threshold of a half, n bytes of the pixels. */
static void read_rle(const struct file *pixels, size_t n, struct seg_voxels *ret)
{
    static const double half = 0.5;
    struct seg_spec spec = fractional_spec(pixels->bytes, 255);
    struct source source;
    struct file *file;

    spec.syntax = "1.2.840.10008.1.2.5";
    spec.rows = 3;
    spec.columns = 8;
    spec.n = 1;
    spec.n_frames = "1";
    spec.n_pixels = n;
    file = seg_file(&spec);
    source = source_of(file->bytes, file->n);
    source.threshold = &half;
    read_source(&source, ret);
    free(file);
}

static void frames_in_rle_are_unpacked(void **state)
{
    struct file *pixels = rle_pixels();
    struct seg_voxels *voxels = malloc(sizeof(*voxels));

    (void)state;
    assert_non_null(voxels);
    read_rle(pixels, pixels->n, voxels);
    assert_string_equal(voxels->problem.detail, "");
    for (size_t i = 0; i < sizeof(unpacked); i++)
        assert_int_equal(voxels->labels[i], unpacked[i] > 127 ? 2 : 0);
    free(voxels);
    free(pixels);
}

static void damaged_rle_is_a_problem_or_harmless(void **state)
{
    struct file *pixels = rle_pixels();
    struct seg_voxels *voxels = malloc(sizeof(*voxels));

    (void)state;
    assert_non_null(voxels);
    for (size_t n = 0; n + 1 < pixels->n; n++) { /* the last byte makes it even */
        read_rle(pixels, n, voxels);
        assert_int_equal(voxels->problem.code, PROBLEM_BAD_MASK);
        assert_non_null(strstr(voxels->problem.detail, "no RLE fragment of 8 x 3 pixels"));
    }
    for (size_t i = 0; i < pixels->n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            pixels->bytes[i] ^= (uint8_t)(1 << bit);
            read_rle(pixels, pixels->n, voxels);
            assert_true(voxels->problem.code == PROBLEM_NONE ||
                        voxels->problem.code == PROBLEM_BAD_MASK);
            pixels->bytes[i] ^= (uint8_t)(1 << bit);
        }
    }
    free(voxels);
    free(pixels);
}

static void bits_are_not_compressed(void **state)
{
    struct seg_spec spec = binary_spec();

    (void)state;
    spec.syntax = "1.2.840.10008.1.2.5";
    assert_spec_problem(&spec, PROBLEM_UNSUPPORTED_MASK, "BINARY and compressed");
}

/* ---- label maps ------------------------------------------------------------------------------ */

static struct seg_spec label_map_spec(const void *pixels, size_t n_bytes, unsigned columns)
{
    struct seg_spec spec = binary_spec();

    spec.class = "1.2.840.10008.5.1.4.1.1.66.7";
    spec.type = "LABELMAP";
    spec.bits = (unsigned)(8 * n_bytes / columns / 2);
    spec.rows = 1;
    spec.columns = columns;
    spec.n = 2;
    spec.n_frames = "2";
    spec.frames[0].segment = spec.frames[1].segment = 0;
    spec.pixels = pixels;
    spec.n_pixels = n_bytes;
    return spec;
}

static void label_maps_of_both_widths_are_read(void **state)
{
    uint8_t narrow[2 * 97];
    uint8_t wide[4 * 97] = {0};
    uint8_t expected[3 * 97] = {0};
    struct seg_spec spec;

    (void)state;
    for (size_t i = 0; i < sizeof(narrow); i++) {
        narrow[i] = (uint8_t)(i / 11 % 4 == 3 ? i % 3 : i / 11 % 3);
        wide[2 * i] = narrow[i];
        expected[i < 97 ? i : i + 97] = (uint8_t)(1 << narrow[i]) & 6;
    }
    spec = label_map_spec(narrow, sizeof(narrow), 97);
    assert_spec_labels(&spec, expected, sizeof(expected));
    spec = label_map_spec(wide, sizeof(wide), 97);
    assert_spec_labels(&spec, expected, sizeof(expected));
}

static void pixels_of_no_segment_are_refused_unless_padding(void **state)
{
    static const uint8_t values[18] = {0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 0, 0};
    static const uint8_t expected[27] = {[1] = 2, [2] = 4, [21] = 2};
    struct seg_spec spec = label_map_spec(values, 18, 9);
    struct file *file, *padded = file_new();
    size_t at;

    (void)state;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK,
                        "Frame 2 of the DICOM segmentation has a pixel "
                        "of segment 9, but SegmentSequence has no");
    spec.frames[0].segment = 2; /* which a label map need not say, and which means nothing */
    file = seg_file(&spec);
    at = find_tag(file, 0x00620001, 0);
    put(padded, file->bytes, at);
    put_u16(padded, 0x00280120, 9);
    put(padded, file->bytes + at, file->n - at);
    free(file);
    {
        struct seg_voxels *voxels = malloc(sizeof(*voxels));

        assert_non_null(voxels);
        read_labels(padded, voxels);
        assert_memory_equal(voxels->labels, expected, 27);
        free(voxels);
    }
    free(padded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_may_overlap),
        cmocka_unit_test(frames_are_read_from_any_bit_on),
        cmocka_unit_test(fractions_of_0_and_1_are_a_mask),
        cmocka_unit_test(frames_in_rle_are_unpacked),
        cmocka_unit_test(damaged_rle_is_a_problem_or_harmless),
        cmocka_unit_test(bits_are_not_compressed),
        cmocka_unit_test(other_fractions_need_a_threshold),
        cmocka_unit_test(a_threshold_is_a_part_of_the_maximum),
        cmocka_unit_test(label_maps_of_both_widths_are_read),
        cmocka_unit_test(pixels_of_no_segment_are_refused_unless_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
