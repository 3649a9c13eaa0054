/* test_dicom_seg.c - what a DICOM segmentation says, and what it must say. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dicom_file.h"

static void the_header_is_that_of_a_volume(void **state)
{
    struct seg_voxels *voxels = malloc(sizeof(*voxels));
    struct seg_spec spec = binary_spec();
    struct file *file = seg_file(&spec);

    (void)state;
    assert_non_null(voxels);
    read_labels(file, voxels);
    assert_int_equal(voxels->header.format, FORMAT_DICOM);
    assert_int_equal(voxels->header.ndim, 3);
    assert_int_equal(voxels->header.order, OV_ORDER_F);
    assert_int_equal(voxels->header.shape[0], 5);
    assert_int_equal(voxels->header.shape[1], 3);
    assert_int_equal(voxels->header.shape[2], 3);
    free(voxels);
    free(file);
}

/* ---- segments -------------------------------------------------------------------------------- */

static void assert_name(const char *character_set, const char *label, const char *name)
{
    struct seg_voxels *voxels = malloc(sizeof(*voxels));
    struct seg_spec spec = binary_spec();
    struct source source;
    struct file *file;

    assert_non_null(voxels);
    spec.character_set = character_set;
    spec.labels[1] = label;
    file = seg_file(&spec);
    source = source_of(file->bytes, file->n);
    source.names = names_new();
    assert_non_null(source.names);
    read_source(&source, voxels);
    assert_string_equal(voxels->problem.detail, "");
    assert_string_equal(names_of(source.names, 1), "liver");
    if (name != NULL)
        assert_string_equal(names_of(source.names, 2), name);
    else
        assert_null(names_of(source.names, 2));
    names_free(source.names);
    free(voxels);
    free(file);
}

static void segment_labels_are_names(void **state)
{
    (void)state;
    assert_name(NULL, "tumour", "tumour");
    assert_name(NULL, " left kidney  ", "left kidney");
    assert_name("ISO_IR 192", "Milz gro\xc3\x9f", "Milz gro\xc3\x9f");
    assert_name("ISO_IR 100", "Milz gro\xdf", "Milz gro\xc3\x9f");
    assert_name("ISO_IR 100", "c\xf4te", "c\xc3\xb4te");
    assert_name(NULL, "", NULL);
}

static void a_label_may_stand_before_its_number(void **state)
{
    struct seg_voxels *voxels = malloc(sizeof(*voxels));
    struct seg_spec spec = binary_spec();
    struct source source;
    struct file *file;
    uint8_t number[10], label[14];
    size_t at;

    (void)state;
    assert_non_null(voxels);
    file = seg_file(&spec);
    at = find_tag(file, 0x00620004, 0);
    memcpy(number, file->bytes + at, 10);
    memcpy(label, file->bytes + at + 10, 14);
    memcpy(file->bytes + at, label, 14);
    memcpy(file->bytes + at + 14, number, 10);
    source = source_of(file->bytes, file->n);
    source.names = names_new();
    read_source(&source, voxels);
    assert_string_equal(voxels->problem.detail, "");
    assert_string_equal(names_of(source.names, 1), "liver");
    assert_string_equal(names_of(source.names, 2), "tumour");
    names_free(source.names);
    free(voxels);
    free(file);
}

static void a_segment_without_frames_is_an_empty_layer(void **state)
{
    struct seg_spec spec = binary_spec();
    struct env env = test_env();
    struct problem problem = {0};
    struct reader *reader;
    struct source source;
    struct file *file;

    (void)state;
    spec.labels[2] = "cyst";
    file = seg_file(&spec);
    source = source_of(file->bytes, file->n);
    reader = reader_new(&source, &env, &problem);
    assert_non_null(reader);
    assert_int_equal(layers_n_labels(reader_header(reader)->layers), 3);
    assert_int_equal(layers_labels(reader_header(reader)->layers)[2], 3);
    reader_free(reader);
    free(file);
}

static void poke(struct file *file, uint32_t tag, int nth, uint8_t value)
{
    file->bytes[find_tag(file, tag, nth) + 8] = value;
}

static void segments_have_numbers_of_their_own_above_0(void **state)
{
    struct seg_spec spec = binary_spec();
    struct file *file = seg_file(&spec);

    (void)state;
    poke(file, 0x00620004, 1, 1);
    assert_file_problem(file, PROBLEM_BAD_MASK, "SegmentNumber (0062,0004) at byte ");
    assert_file_problem(file, PROBLEM_BAD_MASK, "is the number of a segment before it");
    poke(file, 0x00620004, 1, 0);
    poke(file, 0x0062000b, 2, 0);
    assert_file_problem(file, PROBLEM_BAD_MASK, "SegmentNumber (0062,0004) of 0; they begin at 1");
    free(file);
}

static void frames_are_of_segments_that_there_are(void **state)
{
    struct seg_spec spec = binary_spec();

    (void)state;
    spec.frames[1].segment = 3;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK,
                        "A frame is of segment 3, says "
                        "ReferencedSegmentNumber (0062,000b) at byte ");
    spec.frames[1].segment = 0;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK,
                        "Frame 2 of the DICOM segmentation has no "
                        "ReferencedSegmentNumber (0062,000b).");
}

/* ---- what must be there ---------------------------------------------------------------------- */

static void missing_fields_are_named(void **state)
{
    static const struct {
        uint32_t tag;
        const char *words;
    } cases[] = {
        {0x00280008, "has no NumberOfFrames (0028,0008)"},
        {0x00280010, "has no Rows (0028,0010)"},
        {0x00280011, "has no Columns (0028,0011)"},
        {0x00280100, "has no BitsAllocated (0028,0100)"},
        {0x00620001, "has no SegmentationType (0062,0001)"},
        {0x7fe00010, "has no PixelData (7fe0,0010)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seg_spec spec = binary_spec();
        struct file *file = seg_file(&spec);

        file->bytes[find_tag(file, cases[i].tag, 0)] ^= 1; /* a private tag */
        assert_file_problem(file, PROBLEM_BAD_MASK, cases[i].words);
        free(file);
    }
}

static void a_field_stands_once(void **state)
{
    struct seg_spec spec = binary_spec();
    struct file *file = seg_file(&spec);

    (void)state;
    file->bytes[find_tag(file, 0x00280010, 0) + 2] = 0x11;
    assert_file_problem(file, PROBLEM_BAD_MASK, "Columns (0028,0011) at byte ");
    assert_file_problem(file, PROBLEM_BAD_MASK, "is there twice");
    free(file);
}

static void frames_are_as_many_as_are_said(void **state)
{
    static const char *const bad[] = {"2", "4", "0", "2147483647"};
    static const char *const no_number[] = {"", "-3", "3.0", "1e1", "2147483648", "9999999999999"};
    struct seg_spec spec = binary_spec();

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        spec.n_frames = bad[i];
        assert_spec_problem(&spec, PROBLEM_BAD_MASK, "but has functional groups (5200,9230) of 3");
    }
    for (size_t i = 0; i < 6; i++) {
        spec.n_frames = no_number[i];
        assert_spec_problem(&spec, PROBLEM_BAD_MASK, "NumberOfFrames (0028,0008) at byte ");
    }
}

static void pixels_are_as_many_as_the_frames_have(void **state)
{
    static const uint8_t zeros[64];
    struct seg_spec spec = binary_spec();

    (void)state;
    spec.pixels = zeros;
    for (spec.n_pixels = 0; spec.n_pixels < 12; spec.n_pixels++) {
        if (spec.n_pixels != 5 && spec.n_pixels != 6) /* 5 is padded to 6 */
            assert_spec_problem(&spec, PROBLEM_BAD_MASK,
                                "bytes, but 3 frames of 5 x 3 pixels of "
                                "1 bits take 6");
    }
    spec = binary_spec();
    spec.rows = 0;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK, "frames of 5 x 0 pixels");
    spec = binary_spec();
    spec.rows = 65535;
    spec.columns = 65535;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK, "take 1610563585");
}

/* Frames far apart make a mask of many empty slices, however small the file. */
static void a_small_file_cannot_ask_for_a_large_mask(void **state)
{
    struct seg_spec spec = binary_spec();
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct file *file;

    (void)state;
    assert_non_null(outcome);
    spec.frames[1].position = spec.frames[2].position = "-10\\20\\9999999";
    spec.between = "1";
    file = seg_file(&spec);
    read_file(file, outcome);
    assert_problem(outcome, PROBLEM_TOO_MANY_VOXELS, "149999550 voxels (5 x 3 x 9999970)");
    assert_true(budget_most <= 4096); /* room for 64 frames */
    free(outcome);
    free(file);
}

static void kinds_of_pixels_are_those_of_the_standard(void **state)
{
    static const struct {
        const char *type;
        unsigned samples, bits, maximum;
        enum problem_code code;
        const char *words;
    } cases[] = {
        {"BINARY", 3, 1, 0, PROBLEM_UNSUPPORTED_MASK, "has 3 samples per pixel; labels are one"},
        {"BINARY", 1, 8, 0, PROBLEM_UNSUPPORTED_MASK, "has 8 bits per pixel; BINARY has 1"},
        {"FRACTIONAL", 1, 1, 255, PROBLEM_UNSUPPORTED_MASK, "1 bits per pixel; FRACTIONAL has 8"},
        {"FRACTIONAL", 1, 16, 255, PROBLEM_UNSUPPORTED_MASK, "16 bits per pixel"},
        {"FRACTIONAL", 1, 8, 0, PROBLEM_BAD_MASK, "MaximumFractionalValue (0062,000e) is 0 or"},
        {"FRACTIONAL", 1, 8, 256, PROBLEM_BAD_MASK, "MaximumFractionalValue (0062,000e) is 256"},
        {"LABELMAP", 1, 1, 0, PROBLEM_UNSUPPORTED_MASK, "LABELMAP has 8 or 16"},
        {"LABELMAP", 1, 32, 0, PROBLEM_UNSUPPORTED_MASK, "32 bits per pixel"},
        {"SURFACE", 1, 1, 0, PROBLEM_BAD_MASK, "none of BINARY, FRACTIONAL and LABELMAP"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seg_spec spec = binary_spec();

        spec.type = cases[i].type;
        spec.samples = cases[i].samples;
        spec.bits = cases[i].bits;
        spec.maximum = cases[i].maximum;
        assert_spec_problem(&spec, cases[i].code, cases[i].words);
    }
}

static void tiles_are_refused_and_a_single_one_is_read(void **state)
{
    struct seg_spec spec = binary_spec();

    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        struct file *file = seg_file(&spec), *tiled = file_new();
        size_t at = find_tag(file, 0x00620001, 0);

        put(tiled, file->bytes, at);
        put_head(tiled, 0x00480006, "UL", 4);
        put_little(tiled, 5, 4);
        put_head(tiled, 0x00480007, "UL", 4);
        put_little(tiled, 3 + extra * 0x10000, 4);
        put(tiled, file->bytes + at, file->n - at);
        assert_file_problem(tiled, extra ? PROBLEM_UNSUPPORTED_MASK : PROBLEM_NONE,
                            extra ? "is 65539, a frame has 3. Tiles are not" : "");
        free(tiled);
        free(file);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void a_budget_that_runs_out_is_a_problem(void **state)
{
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct seg_spec spec = binary_spec();
    struct file *file = seg_file(&spec);
    struct env env = test_env();
    struct source source = source_of(file->bytes, file->n);
    int n_refused = 0;

    (void)state;
    assert_non_null(outcome);
    for (budget_bytes = 0; budget_bytes < 1 << 20; budget_bytes += 256) {
        read_mask(&source, &env, 5, outcome);
        if (outcome->problem.code == PROBLEM_NONE)
            break;
        assert_problem(outcome, PROBLEM_OUT_OF_MEMORY, "memory");
        n_refused++;
    }
    assert_true(n_refused > 5 && budget_bytes < 1 << 20);
    free(outcome);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_is_that_of_a_volume),
        cmocka_unit_test(segment_labels_are_names),
        cmocka_unit_test(a_label_may_stand_before_its_number),
        cmocka_unit_test(a_segment_without_frames_is_an_empty_layer),
        cmocka_unit_test(segments_have_numbers_of_their_own_above_0),
        cmocka_unit_test(frames_are_of_segments_that_there_are),
        cmocka_unit_test(missing_fields_are_named),
        cmocka_unit_test(a_field_stands_once),
        cmocka_unit_test(frames_are_as_many_as_are_said),
        cmocka_unit_test(pixels_are_as_many_as_the_frames_have),
        cmocka_unit_test(a_small_file_cannot_ask_for_a_large_mask),
        cmocka_unit_test(kinds_of_pixels_are_those_of_the_standard),
        cmocka_unit_test(tiles_are_refused_and_a_single_one_is_read),
        cmocka_unit_test(a_budget_that_runs_out_is_a_problem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
