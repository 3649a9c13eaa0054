/* test_nrrd_segments.c - .seg.nrrd files: layers, labels, names, extents; and what is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "segments_file.h"

/* Two layers of 4 x 3 x 1 voxels, side by side: overlapping segments as Slicer writes them. */
static const char header[] = "NRRD0004\n"
                             "# Complete NRRD file format specification at:\n"
                             "# http://teem.sourceforge.net/nrrd/format.html\n"
                             "type: unsigned char\n"
                             "dimension: 4\n"
                             "space: left-posterior-superior\n"
                             "sizes: 2 4 3 1\n"
                             "space directions: none (0.5,0,0) (0,0.75,0) (0,0,2)\n"
                             "kinds: list domain domain domain\n"
                             "encoding: raw\n"
                             "space origin: (10,-20,30)\n"
                             "Segment0_Color:=0.5 0.9 0.4\n"
                             "Segment0_Extent:=0 3 0 2 0 0\n"
                             "Segment0_ID:=Segment_1\n"
                             "Segment0_LabelValue:=1\n"
                             "Segment0_Layer:=0\n"
                             "Segment0_Name:=liver\n"
                             "Segment0_Tags:=Segmentation.Status:inprogress|\n"
                             "Segment1_ID:=Segment_2\n"
                             "Segment1_LabelValue:=1\n"
                             "Segment1_Layer:=1\n"
                             "Segment1_Name:=tumour\n"
                             "Segment2_ID:=Segment_3\n"
                             "Segment2_LabelValue:=2\n"
                             "Segment2_Layer:=0\n"
                             "Segment2_Name:=kidney\n"
                             "Segmentation_ContainedRepresentationNames:=Binary labelmap|\n"
                             "Segmentation_ConversionParameters:=\n"
                             "Segmentation_ReferenceImageExtentOffset:=0 0 0\n"
                             "Segmentation_SourceRepresentation:=Binary labelmap\n"
                             "\n";
static const uint8_t first[12] = {0, 1, 1, 0, 0, 1, 2, 0, 0, 0, 2, 0};
static const uint8_t second[12] = {0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1};

/* The header changed so, before both layers, side by side or one after the other. */
static struct file *layered(const char *from, const char *to, bool side_by_side)
{
    struct file *file = changed_file(header, from, to, "", 0);

    for (size_t i = 0; i < 12 && side_by_side; i++) {
        put(file, &first[i], 1);
        put(file, &second[i], 1);
    }
    if (!side_by_side) {
        put(file, first, 12);
        put(file, second, 12);
    }
    return file;
}

static void assert_refused(const char *from, const char *to, enum problem_code code,
                           const char *words)
{
    struct file *file = layered(from, to, true);

    assert_file_problem(file, code, words);
    free(file);
}

/* liver is 1, tumour 2, kidney 3, in the order of their numbers. */
static void assert_organs(const struct segmentation *found)
{
    assert_string_equal(found->problem.detail, "");
    assert_true(found->has_layers);
    assert_int_equal(found->header.ndim, 3);
    assert_int_equal(found->header.shape[0], 4);
    assert_int_equal(found->header.shape[1], 3);
    assert_int_equal(found->header.shape[2], 1);
    assert_int_equal(found->labels, 0xe);
    for (size_t i = 0; i < 12; i++) {
        uint32_t expected = (first[i] == 1) << 1 | (second[i] == 1) << 2 | (first[i] == 2) << 3;

        assert_int_equal(found->sets[i], expected);
    }
    assert_string_equal(found->skipped, "");
}

static void overlapping_segments_are_layers_with_names(void **state)
{
    struct file *file = layered("", "", true);
    struct names *names = names_new();
    struct segmentation found;

    (void)state;
    read_segmentation(file, names, &found);
    assert_organs(&found);
    assert_string_equal(names_of(names, 1), "liver");
    assert_string_equal(names_of(names, 2), "tumour");
    assert_string_equal(names_of(names, 3), "kidney");
    assert_true(found.header.has_affine);
    assert_true(fabs(found.header.affine[0][0] + 0.5) < 1e-12);
    assert_true(fabs(found.header.affine[1][3] - 20) < 1e-12);
    read_segmentation(file, NULL, &found);
    assert_organs(&found);
    names_free(names);
    free(file);
}

static void layers_may_lie_along_the_last_axis(void **state)
{
    static const char from[] = "sizes: 2 4 3 1\n"
                               "space directions: none (0.5,0,0) (0,0.75,0) (0,0,2)\n"
                               "kinds: list domain domain domain\n";
    static const char *const to[] = {
        "sizes: 4 3 1 2\nspace directions: (0.5,0,0) (0,0.75,0) (0,0,2) none\n"
        "kinds: domain domain domain list\n",
        "sizes: 4 3 1 2\nspace directions: (0.5,0,0) (0,0.75,0) (0,0,2) none\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct file *file = layered(from, to[i], false);
        struct segmentation found;

        read_segmentation(file, NULL, &found);
        assert_organs(&found);
        assert_true(found.header.has_affine);
        free(file);
    }
}

/* As the other mask, or the request, calls them; segments of one name are one label. */
static void shared_label_values_are_numbered_by_name(void **state)
{
    struct file *file = layered("Segment2_Name:=kidney", "Segment2_Name:=liver", true);
    struct names *names = names_new();
    struct problem problem = {0};
    struct segmentation found;

    (void)state;
    assert_true(names_set(names, 7, "tumour", 6, &problem));
    assert_true(names_set(names, 1, "spleen", 6, &problem));
    read_segmentation(file, names, &found);
    assert_string_equal(found.problem.detail, "");
    assert_int_equal(found.labels, 1 << 7 | 1 << 2);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(found.sets[i], (first[i] != 0) << 2 | (second[i] == 1) << 7);
    assert_string_equal(names_of(names, 2), "liver");
    names_free(names);
    free(file);
}

static void distinct_label_values_are_the_labels(void **state)
{
    struct file *file = layered("Segment1_LabelValue:=1", "Segment1_LabelValue:=9", true);
    struct names *names = names_new();
    struct problem problem = {0};
    struct segmentation found;

    (void)state;
    assert_true(names_set(names, 2, "left kidney", 11, &problem));
    for (size_t i = 0; i < 12; i++)
        file->bytes[file->n - 24 + 2 * i + 1] *= 9;
    read_segmentation(file, names, &found);
    assert_string_equal(found.problem.detail, "");
    assert_int_equal(found.labels, 1 << 1 | 1 << 2 | 1 << 9);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(found.sets[i],
                         (first[i] == 1) << 1 | (first[i] == 2) << 2 | (second[i] == 1) << 9);
    assert_string_equal(names_of(names, 9), "tumour");
    assert_string_equal(names_of(names, 2), "left kidney");
    assert_string_equal(found.skipped, "another name of label 2 (1);");
    names_free(names);
    free(file);
}

static void long_names_are_cut_between_characters(void **state)
{
    char name[400] = "Segment2_Name:=a";
    struct file *file;
    struct names *names = names_new();
    struct segmentation found;

    (void)state;
    for (size_t i = 0; i < 150; i++)
        memcpy(name + 16 + 2 * i, "\xc3\xa9", 2);
    file = layered("Segment2_Name:=kidney", name, true);
    read_segmentation(file, names, &found);
    assert_string_equal(found.problem.detail, "");
    assert_int_equal(strlen(names_of(names, 3)), NAMES_MAX_BYTES - 1);
    assert_memory_equal(names_of(names, 3), name + 15, NAMES_MAX_BYTES - 1);
    names_free(names);
    free(file);
}

static void one_layer_is_a_label_map(void **state)
{
    static const char *const to[] = {
        "dimension: 3\nspace: LPS\nsizes: 4 3 1\nspace directions: (1,0,0) (0,1,0) (0,0,1)\n",
        "dimension: 4\nspace: LPS\nsizes: 1 4 3 1\nspace directions: none (1,0,0) (0,1,0) (0,0,1)"
        "\nkinds: list domain domain domain\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct file *file = file_new();
        struct names *names = names_new();
        struct segmentation found;

        put_text(file, "NRRD0005\ntype: uint8\nencoding: raw\n");
        put_text(file, to[i]);
        put_text(file, "space origin: (0,0,0)\nSegment0_ID:=a\nSegment0_LabelValue:=1\n"
                       "Segment1_Name:=b\\n\\\\c\nSegment1_LabelValue:=2\nSegment1_Layer:=0\n\n");
        put(file, first, 12);
        assert_voxels(file, first, 12);
        read_segmentation(file, names, &found);
        assert_string_equal(found.problem.detail, "");
        assert_false(found.has_layers);
        assert_int_equal(found.header.ndim, 3);
        assert_int_equal(found.header.shape[0], 4);
        assert_true(found.header.has_affine);
        assert_string_equal(names_of(names, 1), "a");
        assert_string_equal(names_of(names, 2), "b?\\c");
        names_free(names);
        free(file);
    }
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static void values_of_no_segment_are_said(void **state)
{
    struct file *file = layered("Segment2_LabelValue:=2", "Segment2_LabelValue:=-3", true);
    struct segmentation found;

    (void)state;
    read_segmentation(file, NULL, &found);
    assert_string_equal(found.problem.detail, "");
    assert_string_equal(found.skipped, "voxels of no segment (2);");
    free(file);
}

static void segments_of_every_integer_type_are_read(void **state)
{
    static const char *const types[] = {"int8",  "uint8",  "int16", "uint16",
                                        "int32", "uint32", "int64", "uint64"};

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        size_t width = (size_t)1 << i / 4;
        bool is_big = i % 2 != 0;
        char type[64];
        struct file *file;
        struct segmentation found;

        snprintf(type, sizeof(type), "%s\nendian: %s", types[i / 2], is_big ? "big" : "little");
        file = changed_file(header, "unsigned char", type, "", 0);
        for (size_t k = 0; k < 24; k++) {
            uint8_t bytes[8] = {0};

            bytes[is_big ? width - 1 : 0] = k % 2 ? second[k / 2] : first[k / 2];
            put(file, bytes, width);
        }
        read_segmentation(file, NULL, &found);
        assert_organs(&found);
        free(file);
    }
}

static void segmentations_that_cannot_be_are_bad(void **state)
{
    (void)state;
    assert_refused("Segment1_Layer:=1", "Segment1_Layer:=2", PROBLEM_BAD_MASK,
                   "Segment 1 of the NRRD file is in a layer");
    assert_refused("Segment2_LabelValue:=2", "Segment2_LabelValue:=1", PROBLEM_BAD_MASK,
                   "Segment 2 of the NRRD file has layer and label value");
    assert_refused("Segment2_LabelValue:=2", "Segment2_LabelValue:=0", PROBLEM_BAD_MASK,
                   "label value 0");
    assert_refused("Segment2_LabelValue:=2", "Segment2_LabelValue:=x", PROBLEM_BAD_MASK,
                   "no label");
    assert_refused("Segment2_LabelValue:=2", "Segment2_LabelValue:=4294967296", PROBLEM_BAD_MASK,
                   "no label");
    assert_refused("Segment2_Layer:=0", "Segment2_Layer:=0\nSegment2_Layer:=0", PROBLEM_BAD_MASK,
                   "twice");
    assert_refused("Segment2_Layer:=0", "Segment2_Layer:=0\nSegment2_LabelValue:=2",
                   PROBLEM_BAD_MASK, "twice");
    assert_refused("Segment2_Layer:=0", "Segment4096_Layer:=0", PROBLEM_UNSUPPORTED_MASK, "4095");
    assert_refused(
        "Segment2_Layer:=0",
        "Segment2_Layer:=0\nSegment99999999999999999999_Layer:=0\nSegment_X:=1\nSegmentX:=1",
        PROBLEM_NONE, "");
}

static void what_is_no_binary_segmentation_is_unsupported(void **state)
{
    (void)state;
    assert_refused(":=Binary labelmap\n", ":=Fractional labelmap\n", PROBLEM_UNSUPPORTED_MASK,
                   "fractional");
    assert_refused("unsigned char", "float\nendian: little", PROBLEM_UNSUPPORTED_MASK, "floats");
    assert_refused("none (0.5,0,0) (0,0.75,0) (0,0,2)\nkinds: list",
                   "(1,0,0) (0.5,0,0) (0,0.75,0) (0,0,2)\nkinds: domain", PROBLEM_UNSUPPORTED_MASK,
                   "more axes than three and one of layers");
    assert_refused("sizes: 2 4 3 1\nspace directions: none (0.5,0,0) (0,0.75,0) (0,0,2)\n"
                   "kinds: list domain domain domain",
                   "sizes: 4 2 3 1\nkinds: domain list domain domain", PROBLEM_UNSUPPORTED_MASK,
                   "another axis than the first or the last");
}

static void damage_is_a_problem_or_harmless(void **state)
{
    struct file *file = layered("", "", true);

    (void)state;
    every_truncation_is_a_problem(file);
    every_flip_is_survived(file, file->n);
    put(file, "", 1);
    assert_file_problem(file, PROBLEM_TRAILING_BYTES, "");
    free(file);
}

/* Whatever memory there is, it is enough or the problem says so; and all of it is given back. */
static void every_budget_is_enough_or_said(void **state)
{
    struct file *file = layered("", "", true);
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct source source = source_of(file->bytes, file->n);
    bool enough = false;

    (void)state;
    assert_non_null(outcome);
    for (uint64_t n = 0; n < 1 << 20 && !enough; n += 64) {
        struct env env = test_env();

        budget_bytes = n;
        read_mask(&source, &env, 5, outcome);
        enough = outcome->problem.code == PROBLEM_NONE;
        assert_true(enough || outcome->problem.code == PROBLEM_OUT_OF_MEMORY);
    }
    assert_true(enough);
    free(outcome);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlapping_segments_are_layers_with_names),
        cmocka_unit_test(layers_may_lie_along_the_last_axis),
        cmocka_unit_test(shared_label_values_are_numbered_by_name),
        cmocka_unit_test(distinct_label_values_are_the_labels),
        cmocka_unit_test(long_names_are_cut_between_characters),
        cmocka_unit_test(one_layer_is_a_label_map),
        cmocka_unit_test(values_of_no_segment_are_said),
        cmocka_unit_test(segments_of_every_integer_type_are_read),
        cmocka_unit_test(segmentations_that_cannot_be_are_bad),
        cmocka_unit_test(what_is_no_binary_segmentation_is_unsupported),
        cmocka_unit_test(damage_is_a_problem_or_harmless),
        cmocka_unit_test(every_budget_is_enough_or_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
