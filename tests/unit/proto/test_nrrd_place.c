/* test_nrrd_place.c - cropped .seg.nrrd files: put back into the image that was segmented. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "segments_file.h"

/* 3 x 2 x 2 voxels of an image of `geometry`; the file's own directions are turned. */
static struct file *cropped(const char *geometry, const char *origin)
{
    static const uint8_t voxels[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct file *file = file_new();
    char text[1024];

    snprintf(text, sizeof(text),
             "NRRD0004\ntype: short\nendian: little\ndimension: 3\n"
             "space: left-posterior-superior\nsizes: 3 2 2\n"
             "space directions: (0,0.5,0) (-2,0,0) (0,0,3)\nencoding: raw\nspace origin: (%s)\n"
             "Segmentation_ConversionParameters:=Decimation factor|0.0|Reduction&"
             "Reference image geometry|%s|Of the image.&Smoothing factor|0.5|Range\n"
             "Segmentation_ReferenceImageExtentOffset:=1 2 3\n",
             origin, geometry);
    put_text(file, text);
    for (int i = 0; i < 12; i++) {
        snprintf(text, sizeof(text), "Segment%d_LabelValue:=%d\nSegment%d_Layer:=0\n", i, i + 1, i);
        put_text(file, text);
    }
    put_text(file, "\n");
    for (size_t i = 0; i < 12; i++) {
        put(file, &voxels[i], 1);
        put(file, "", 1);
    }
    return file;
}

/* RAS+: x of the matrix is -x of the file. Image voxel 0 lies at (4,-5,6). */
#define MATRIX "0;2;0;4;-0.5;0;0;-5;0;0;3;6;0;0;0;1;"

static void assert_at(const struct segmentation *found, const uint64_t shape[3], const int at[3])
{
    assert_string_equal(found->problem.detail, "");
    assert_true(found->has_layers);
    for (int axis = 0; axis < 3; axis++)
        assert_int_equal(found->header.shape[axis], shape[axis]);
    assert_int_equal(found->labels, 0x1ffe);
    for (int i = 0; i < (int)found->header.n_voxels; i++) {
        int x = i % (int)shape[0] - at[0], y = i / (int)shape[0] % (int)shape[1] - at[1];
        int z = i / (int)(shape[0] * shape[1]) - at[2];
        bool inside = x >= 0 && x < 3 && y >= 0 && y < 2 && z >= 0 && z < 2;
        int label = 1 + x + 3 * y + 6 * z;

        assert_int_equal(found->sets[i], inside ? (uint32_t)1 << label : 0);
    }
}

/* The file's first voxel is the image's (2,1,3): LPS (-4-1*2, 5+2*0.5, 6+3*3). */
static void cropped_files_are_put_back_into_the_image(void **state)
{
    static const uint64_t shape[3] = {7, 5, 6};
    static const int at[3] = {2, 1, 3};
    struct file *file = cropped(MATRIX "0;6;0;4;0;5;", "-6,6,15");
    struct segmentation found;
    size_t n = file->n - 24;

    (void)state;
    read_segmentation(file, NULL, &found);
    assert_at(&found, shape, at);
    assert_string_equal(found.skipped, "");
    assert_true(found.header.has_affine);
    assert_true(fabs(found.header.affine[0][3] - 4) < 1e-9);
    assert_true(fabs(found.header.affine[1][3] + 5) < 1e-9);
    assert_true(fabs(found.header.affine[2][3] - 6) < 1e-9);
    every_truncation_is_a_problem(file);
    every_flip_is_survived(file, n);
    free(file);
}

/* The matrix speaks of voxel (0,0,0), which need not be in the extent. */
static void extents_need_not_begin_at_0(void **state)
{
    static const uint64_t shape[3] = {6, 4, 4};
    static const int at[3] = {1, 2, 1};
    struct file *file = cropped(MATRIX "1;6;-1;2;2;5;", "-6,6,15");
    struct segmentation found;

    (void)state;
    read_segmentation(file, NULL, &found);
    assert_at(&found, shape, at);
    assert_true(fabs(found.header.affine[0][3] - 2) < 1e-9);
    assert_true(fabs(found.header.affine[1][3] + 5.5) < 1e-9);
    assert_true(fabs(found.header.affine[2][3] - 12) < 1e-9);
    free(file);
}

static void what_lies_outside_the_image_is_said(void **state)
{
    static const struct {
        const char *extent;
        uint64_t shape[3];
        int at[3];
        const char *skipped;
    } cases[] = {
        {"3;6;0;4;0;5;", {4, 5, 6}, {-1, 1, 3}, "voxels outside the reference image (4);"},
        {"0;3;0;4;0;5;", {4, 5, 6}, {2, 1, 3}, "voxels outside the reference image (4);"},
        {"0;6;2;4;0;5;", {7, 3, 6}, {2, -1, 3}, "voxels outside the reference image (6);"},
        {"0;6;0;1;0;3;", {7, 2, 4}, {2, 1, 3}, "voxels outside the reference image (9);"},
        {"0;6;0;4;9;9;", {7, 5, 1}, {2, 1, -6}, "voxels outside the reference image (12);"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct segmentation found;
        char geometry[128];
        struct file *file;

        snprintf(geometry, sizeof(geometry), MATRIX "%s", cases[i].extent);
        file = cropped(geometry, "-6,6,15");
        read_segmentation(file, NULL, &found);
        assert_at(&found, cases[i].shape, cases[i].at);
        assert_string_equal(found.skipped, cases[i].skipped);
        free(file);
    }
}

static void geometries_that_do_not_fit_are_said_and_left(void **state)
{
    static const char shifted[] = "extent offset, without a reference image geometry (1);";
    static const char elsewhere[] = "reference image geometry, of another grid (1);";
    static const struct {
        const char *geometry, *origin, *skipped;
    } cases[] = {
        {"", "-6,6,15", shifted},
        {"0;6;0;4;0;5;", "-6,6,15", shifted},
        {MATRIX "0;6;0;4;0;", "-6,6,15", shifted},
        {MATRIX "0;6;0;4;0;-1;", "-6,6,15", shifted},
        {MATRIX "0;6;0;4;0.5;5;", "-6,6,15", shifted},
        {MATRIX "0;6;0;4;0;1e99;", "-6,6,15", shifted},
        {"0;2;0;1e308;-0.5;1e308;0;-5;0;0;3;6;0;0;0;1;0;6;9;14;0;5;", "-6,6,15", shifted},
        {MATRIX "0;6;0;4;0;5;", "-6,6.2,15", elsewhere},
        {MATRIX "0;6;0;4;0;5;", "1e300,6,15", elsewhere},
        {"0;2;0;4;-0.6;0;0;-5;0;0;3;6;0;0;0;1;0;6;0;4;0;5;", "-6,6,15", elsewhere},
        {"0;0;0;4;0;0;0;-5;0;0;0;6;0;0;0;1;0;6;0;4;0;5;", "-6,6,15", elsewhere},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct file *file = cropped(cases[i].geometry, cases[i].origin);
        struct segmentation found;

        read_segmentation(file, NULL, &found);
        assert_string_equal(found.problem.detail, "");
        if (found.has_layers)
            fail_msg("%s is put back", cases[i].geometry);
        assert_int_equal(found.header.shape[0], 3);
        assert_string_equal(found.skipped, cases[i].skipped);
        free(file);
    }
}

/* A file has to have a voxel; Slicer's word for none is one. */
static void one_voxel_stands_for_an_empty_segmentation(void **state)
{
    struct file *file = file_new();
    struct segmentation found;

    (void)state;
    put_text(file, "NRRD0004\ntype: uchar\ndimension: 3\nspace: LPS\nsizes: 1 1 1\n"
                   "space directions: (1,0,0) (0,1,0) (0,0,1)\nencoding: raw\n"
                   "space origin: (0,0,0)\nSegment3_ID:=a\nSegment3_LabelValue:=5\n"
                   "Segmentation_ConversionParameters:=Reference image geometry|" MATRIX
                   "0;6;0;4;0;5;|&\n\n");
    put(file, "\7", 1);
    read_segmentation(file, NULL, &found);
    assert_string_equal(found.problem.detail, "");
    assert_int_equal(found.header.n_voxels, 210);
    assert_int_equal(found.labels, 1 << 5);
    for (size_t i = 0; i < 210; i++)
        assert_int_equal(found.sets[i], 0);
    assert_string_equal(found.skipped, "");
    free(file);
}

static void an_image_beyond_the_limits_is_refused(void **state)
{
    struct file *file = cropped(MATRIX "0;2147483647;0;2147483647;0;2147483647;", "-6,6,15");

    (void)state;
    assert_file_problem(file, PROBLEM_TOO_MANY_VOXELS, "2147483648 x 2147483648 x 2147483648");
    free(file);
    file = cropped(MATRIX "0;4096;0;4096;0;1;", "-6,6,15");
    assert_file_problem(file, PROBLEM_TOO_MANY_VOXELS, "limit");
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cropped_files_are_put_back_into_the_image),
        cmocka_unit_test(extents_need_not_begin_at_0),
        cmocka_unit_test(what_lies_outside_the_image_is_said),
        cmocka_unit_test(geometries_that_do_not_fit_are_said_and_left),
        cmocka_unit_test(one_voxel_stands_for_an_empty_segmentation),
        cmocka_unit_test(an_image_beyond_the_limits_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
