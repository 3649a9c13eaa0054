/* test_dicom_grid.c - the frames of DICOM segmentations, placed by their positions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dicom_file.h"

#include <math.h>

/* One segment, one pixel a frame, all of them set: the voxels show which slices have a frame. */
static struct seg_spec column_spec(const char *const *positions, unsigned n)
{
    static const char *const counts[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8"};
    static const uint8_t ones[2] = {0xff, 0};
    struct seg_spec spec = binary_spec();

    spec.rows = spec.columns = 1;
    spec.between = NULL;
    spec.n = n;
    spec.n_frames = counts[n];
    spec.pixels = ones;
    spec.n_pixels = 2;
    for (unsigned i = 0; i < n; i++)
        spec.frames[i] = (struct frame_spec){1, positions[i]};
    return spec;
}

/* "#..#": which slices have a frame. affine may be NULL, row by row else. */
static void assert_slices(const struct seg_spec *spec, const char *slices, const double *affine)
{
    struct seg_voxels *voxels = malloc(sizeof(*voxels));
    struct file *file = seg_file(spec);
    double worst = 0;

    assert_non_null(voxels);
    read_labels(file, voxels);
    assert_int_equal(voxels->header.n_voxels, strlen(slices));
    assert_int_equal(voxels->header.shape[2], strlen(slices));
    for (size_t i = 0; slices[i] != '\0'; i++)
        assert_int_equal(voxels->labels[i] != 0, slices[i] == '#');
    for (int i = 0; i < 12 && affine != NULL; i++)
        worst = fmax(worst, fabs(voxels->header.affine[i / 4][i % 4] - affine[i]));
    assert_true(affine == NULL || (voxels->header.has_affine && worst < 1e-9));
    free(voxels);
    free(file);
}

static void positions_become_slices_and_an_affine(void **state)
{
    static const char *const positions[] = {"1\\2\\3", "1\\2\\5", "1\\2\\7"};
    /* LPS to RAS: x and y change their sign. Columns are 0.75 apart, rows 0.5. */
    static const double affine[12] = {-0.75, 0, 0, -1, 0, -0.5, 0, -2, 0, 0, 2, 3};
    struct seg_spec spec = column_spec(positions, 3);

    (void)state;
    assert_slices(&spec, "###", affine);
}

static void frames_in_any_order_come_out_ascending(void **state)
{
    static const char *const positions[] = {"1\\2\\7", "1\\2\\3", "1\\2\\13", "1\\2\\5"};
    static const double affine[12] = {-0.75, 0, 0, -1, 0, -0.5, 0, -2, 0, 0, 2, 3};
    struct seg_spec spec = column_spec(positions, 4);

    (void)state;
    assert_slices(&spec, "###..#", affine);
}

/* Ascending along the normal, rows times columns, which here points to lower x: sagittal slices. */
static void slices_ascend_along_their_normal(void **state)
{
    static const char *const positions[] = {"10\\0\\0", "7\\0\\0", "4\\0\\0"};
    static const double affine[12] = {0, 0, 3, -10, -0.75, 0, 0, 0, 0, -0.5, 0, 0};
    struct seg_spec spec = column_spec(positions, 3);

    (void)state;
    spec.orientation = "0\\1\\0\\0\\0\\-1";
    assert_slices(&spec, "###", affine);
}

static void oblique_slices_are_placed(void **state)
{
    /* Turned about x by the angle of 3-4-5. */
    static const char *const positions[] = {"0\\0\\0", "0\\-3\\4", "0\\-9\\12"};
    static const double affine[12] = {-0.75, 0, 0, 0, 0, -0.4, 3, 0, 0, 0.3, 4, 0};
    struct seg_spec spec = column_spec(positions, 3);

    (void)state;
    spec.orientation = "1\\0\\0\\0\\0.8\\0.6";
    assert_slices(&spec, "##.#", affine);
}

static void tilted_gantries_shear(void **state)
{
    static const char *const positions[] = {"0\\0\\0", "0\\0.1\\4", "0\\0.2\\8"};
    static const double affine[12] = {-0.75, 0, 0, 0, 0, -0.5, -0.1, 0, 0, 0, 4, 0};
    struct seg_spec spec = column_spec(positions, 3);

    (void)state;
    assert_slices(&spec, "###", affine);
}

/* Only SpacingBetweenSlices knows of the slices in between. */
static void the_spacing_counts_slices_that_no_frame_is_next_to(void **state)
{
    static const char *const positions[] = {"0\\0\\0", "0\\0\\5", "0\\0\\10"};
    struct seg_spec spec = column_spec(positions, 3);

    (void)state;
    assert_slices(&spec, "###", NULL);
    spec.between = "2.5";
    assert_slices(&spec, "#.#.#", NULL);
    spec.between = "-2.5"; /* as nuclear medicine has it */
    assert_slices(&spec, "#.#.#", NULL);
    spec.between = "5";
    assert_slices(&spec, "###", NULL);
    /* One that does not fit the positions is as good as none. */
    spec.between = "20";
    assert_slices(&spec, "###", NULL);
    spec.between = "3";
    assert_slices(&spec, "###", NULL);
    spec.between = "0";
    assert_slices(&spec, "###", NULL);
    spec.between = "";
    assert_slices(&spec, "###", NULL);
}

static void rounded_positions_do_not_add_up(void **state)
{
    /* 0.8333 apart, written with two digits. */
    static const char *const positions[] = {"0\\0\\0",    "0\\0\\0.83", "0\\0\\1.67", "0\\0\\2.5",
                                            "0\\0\\3.33", "0\\0\\12.5", "0\\0\\20.83"};
    struct seg_spec spec = column_spec(positions, 7);

    (void)state;
    assert_slices(&spec, "#####..........#.........#", NULL);
}

static void a_single_slice_is_as_thick_as_it_says(void **state)
{
    static const char *const positions[] = {"1\\2\\3"};
    double affine[12] = {-0.75, 0, 0, -1, 0, -0.5, 0, -2, 0, 0, 1, 3};
    struct seg_spec spec = column_spec(positions, 1);

    (void)state;
    assert_slices(&spec, "#", affine);
    spec.thickness = "2.5";
    affine[10] = 2.5;
    assert_slices(&spec, "#", affine);
    spec.between = "3";
    affine[10] = 3;
    assert_slices(&spec, "#", affine);
}

static void frames_that_share_a_position_need_not_repeat_it_to_the_digit(void **state)
{
    static const char *const positions[] = {"0\\0\\0", "0\\0\\2", "0\\0\\0.000001", "0\\0\\1.9999"};
    struct seg_spec spec = column_spec(positions, 4);

    (void)state;
    spec.frames[2].segment = spec.frames[3].segment = 2;
    assert_slices(&spec, "##", NULL);
}

static void what_is_no_grid_is_refused(void **state)
{
    static const char *const uneven[] = {"0\\0\\0", "0\\0\\2", "0\\0\\5"};
    static const char *const sideways[] = {"0\\0\\0", "0\\3\\2", "0\\0\\4"};
    struct seg_spec spec = column_spec(uneven, 3);

    (void)state;
    assert_spec_problem(&spec, PROBLEM_UNSUPPORTED_MASK,
                        "lie on no one grid: the distances between slices are no multiples of one "
                        "(SpacingBetweenSlices is 0 mm, the smallest distance 2 mm)");
    spec = column_spec(sideways, 3);
    assert_spec_problem(&spec, PROBLEM_UNSUPPORTED_MASK, "or frames are shifted sideways");
    spec.frames[1].position = "0\\0\\1e-6";
    spec.frames[2].position = "0\\0\\999999999";
    spec.spacing = "1e-9\\1e-9";
    assert_spec_problem(&spec, PROBLEM_UNSUPPORTED_MASK, "lie on no one grid");
}

static void two_frames_at_one_place_are_refused(void **state)
{
    static const char *const positions[] = {"0\\0\\0", "0\\0\\2", "0\\0\\0"};
    struct seg_spec spec = column_spec(positions, 3);

    (void)state;
    assert_spec_problem(
        &spec, PROBLEM_BAD_MASK,
        "Frames 1 and 3 of the DICOM segmentation are of one segment (1) and lie at one "
        "place.");
}

static void without_positions_there_is_one_plane(void **state)
{
    static const char *const positions[2] = {NULL, NULL};
    struct seg_spec spec = column_spec(positions, 2);
    struct seg_voxels *voxels = malloc(sizeof(*voxels));
    struct file *file;

    (void)state;
    assert_non_null(voxels);
    assert_spec_problem(&spec, PROBLEM_BAD_MASK,
                        "(1) and have no ImagePositionPatient (0020,0032)");
    spec.frames[1].segment = 2;
    file = seg_file(&spec);
    read_labels(file, voxels);
    assert_int_equal(voxels->header.n_voxels, 1);
    assert_int_equal(voxels->labels[0], 6);
    assert_false(voxels->header.has_affine);
    free(voxels);
    free(file);
}

static void positions_are_said_of_all_frames_or_of_none(void **state)
{
    static const char *const positions[] = {"0\\0\\0", NULL, "0\\0\\4"};
    struct seg_spec spec = column_spec(positions, 3);

    (void)state;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK,
                        "some have an ImagePositionPatient (0020,0032), others");
}

/* Without pixel spacing the order of slices is known, but not where the voxels lie. */
static void without_a_spacing_there_is_no_affine(void **state)
{
    static const char *const positions[] = {"0\\0\\4", "0\\0\\0", "0\\0\\6"};
    struct seg_spec spec = column_spec(positions, 3);
    struct seg_voxels *voxels = malloc(sizeof(*voxels));
    struct file *file;

    (void)state;
    assert_non_null(voxels);
    spec.spacing = NULL;
    assert_slices(&spec, "#.##", NULL);
    file = seg_file(&spec);
    read_labels(file, voxels);
    assert_false(voxels->header.has_affine);
    free(voxels);
    free(file);
}

static void orientations_are_two_directions_at_right_angles(void **state)
{
    static const char *const bad[] = {"1\\0\\0\\1\\0\\0", "2\\0\\0\\0\\1\\0", "1\\0\\0\\0\\0\\0",
                                      "1\\0\\0\\0\\1\\0.1"};
    static const char *const positions[] = {"0\\0\\0", "0\\0\\2"};
    struct seg_spec spec = column_spec(positions, 2);

    (void)state;
    spec.orientation = NULL;
    assert_spec_problem(&spec, PROBLEM_BAD_MASK, "but no ImageOrientationPatient (0020,0037)");
    for (size_t i = 0; i < 4; i++) {
        spec.orientation = bad[i];
        assert_spec_problem(&spec, PROBLEM_BAD_MASK, "not of length 1 and at right angles");
    }
}

static void numbers_are_decimal_and_as_many_as_they_should_be(void **state)
{
    static const char *const bad[] = {"",
                                      "1\\2",
                                      "1\\2\\3\\4",
                                      "1\\2\\",
                                      "nan\\2\\3",
                                      "inf\\2\\3",
                                      "0x10\\2\\3",
                                      "1\\2\\1e10",
                                      "1\\2\\3 4",
                                      "1\\2\\1e",
                                      "1\\2\\00000000000000001",
                                      "1,5\\2\\3"};
    static const char *const positions[] = {NULL, "0\\0\\2"};
    struct seg_spec spec = column_spec(positions, 2);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        spec.frames[0].position = bad[i];
        assert_spec_problem(&spec, PROBLEM_BAD_MASK, "ImagePositionPatient (0020,0032) at byte ");
        assert_spec_problem(&spec, PROBLEM_BAD_MASK, "is not 3 decimal numbers up to 1e9.");
    }
    spec.frames[0].position = " +0 \\ -0.0\\0E+1 ";
    assert_slices(&spec, "##", NULL);
    spec.between = "two";
    assert_spec_problem(&spec, PROBLEM_BAD_MASK, "SpacingBetweenSlices (0018,0088) at byte ");
    spec = column_spec(positions + 1, 1);
    spec.spacing = "0.5\\-1";
    assert_spec_problem(&spec, PROBLEM_BAD_MASK, "PixelSpacing (0028,0030) at byte ");
}

/* The groups of every frame may say what the shared ones did, and nothing else. */
static void frames_of_two_orientations_are_refused(void **state)
{
    static const char *const positions[] = {"0\\0\\0", "0\\0\\2"};
    struct seg_spec spec = column_spec(positions, 2);

    (void)state;
    for (int same = 0; same < 2; same++) {
        struct file *file = seg_file(&spec), *more = file_new();
        size_t at = find_tag(file, 0x00209113, 1); /* in the last item, whose length must grow */
        size_t item = at - 8, outer = find_tag(file, 0x52009230, 0) + 8;
        size_t n;

        put(more, file->bytes, at);
        put_group(more, 0x00209116, 0x00200037, same ? "1\\0\\0\\0\\1\\0" : "0\\1\\0\\1\\0\\0",
                  false);
        n = more->n - at;
        put(more, file->bytes + at, file->n - at);
        more->bytes[item + 4] = (uint8_t)(more->bytes[item + 4] + n);
        more->bytes[outer] = (uint8_t)(more->bytes[outer] + n);
        assert_file_problem(more, same ? PROBLEM_NONE : PROBLEM_BAD_MASK,
                            same ? "" : "differs from that of a frame before it");
        free(more);
        free(file);
    }
}

/* Else what is said of all frames would be taken for the last one's. */
static void shared_groups_stand_before_the_frames(void **state)
{
    static const char *const positions[] = {"0\\0\\0", "0\\0\\2"};
    struct seg_spec spec = column_spec(positions, 2);
    struct file *file = seg_file(&spec), *more = file_new();
    size_t at = find_tag(file, 0x7fe00010, 0);

    (void)state;
    put(more, file->bytes, at);
    put_group(more, 0x52009229, 0x00090001, "1", false);
    put(more, file->bytes + at, file->n - at);
    assert_file_problem(more, PROBLEM_BAD_MASK, "says what holds for all frames only after them");
    free(more);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_become_slices_and_an_affine),
        cmocka_unit_test(frames_in_any_order_come_out_ascending),
        cmocka_unit_test(slices_ascend_along_their_normal),
        cmocka_unit_test(oblique_slices_are_placed),
        cmocka_unit_test(tilted_gantries_shear),
        cmocka_unit_test(the_spacing_counts_slices_that_no_frame_is_next_to),
        cmocka_unit_test(rounded_positions_do_not_add_up),
        cmocka_unit_test(a_single_slice_is_as_thick_as_it_says),
        cmocka_unit_test(frames_that_share_a_position_need_not_repeat_it_to_the_digit),
        cmocka_unit_test(what_is_no_grid_is_refused),
        cmocka_unit_test(two_frames_at_one_place_are_refused),
        cmocka_unit_test(without_positions_there_is_one_plane),
        cmocka_unit_test(positions_are_said_of_all_frames_or_of_none),
        cmocka_unit_test(without_a_spacing_there_is_no_affine),
        cmocka_unit_test(orientations_are_two_directions_at_right_angles),
        cmocka_unit_test(numbers_are_decimal_and_as_many_as_they_should_be),
        cmocka_unit_test(frames_of_two_orientations_are_refused),
        cmocka_unit_test(shared_groups_stand_before_the_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
