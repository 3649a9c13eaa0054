/* test_pair.c - shapes, axes and places of two masks brought together. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/pair.h"

/* 4 x 3 x 2 voxels of 0.5 x 1 x 2 mm at (10, -20, 30), x fastest. */
static struct mask_header header(void)
{
    return (struct mask_header){
        .ndim = 3,
        .shape = {4, 3, 2},
        .order = OV_ORDER_F,
        .n_voxels = 24,
        .has_affine = true,
        .affine = {{0.5, 0, 0, 10}, {0, 1, 0, -20}, {0, 0, 2, 30}},
    };
}

static enum problem_code make(const struct mask_header *prediction,
                              const struct mask_header *reference, const struct request *request,
                              struct pair *pair, struct problem *problem)
{
    static const struct request plain;

    *problem = (struct problem){0};
    memset(pair, 0, sizeof(*pair));
    pair_make(prediction, reference, request != NULL ? request : &plain, pair, problem);
    return problem->code;
}

static void equal_headers_match(void **state)
{
    struct mask_header mask = header();
    struct pair pair;
    struct problem problem;

    (void)state;
    assert_int_equal(make(&mask, &mask, NULL, &pair, &problem), PROBLEM_NONE);
    assert_int_equal(pair.geometry, GEOMETRY_MATCH);
    assert_true(pair.same_order);
    assert_int_equal(pair.n_voxels, 24);
    assert_int_equal(pair.shape[0], 4);
}

static void different_shapes_are_refused_with_both_of_them(void **state)
{
    struct mask_header mask = header();
    struct mask_header other = header();
    struct pair pair;
    struct problem problem;

    (void)state;
    other.shape[2] = 5;
    assert_int_equal(make(&mask, &other, NULL, &pair, &problem), PROBLEM_SHAPE_MISMATCH);
    assert_non_null(strstr(problem.detail, "[4,3,2]"));
    assert_non_null(strstr(problem.detail, "[4,3,5]"));
    assert_null(strstr(problem.detail, "axes"));
    other.shape[2] = 2;
    other.ndim = 2;
    assert_int_equal(make(&mask, &other, NULL, &pair, &problem), PROBLEM_SHAPE_MISMATCH);
}

static void cropped_masks_are_told_where_they_begin(void **state)
{
    static const double origin[3] = {10 - 2 * 0.5, -20 + 3,
                                     30}; /* two voxels before, three behind */
    struct mask_header reference = header(), other = header();
    struct pair pair;
    struct problem problem;

    (void)state;
    other.shape[1] = 9;
    for (int row = 0; row < 3; row++)
        other.affine[row][3] = origin[row];
    assert_int_equal(make(&other, &reference, NULL, &pair, &problem), PROBLEM_SHAPE_MISMATCH);
    assert_non_null(strstr(problem.detail, "begins at the reference's voxel [-2,3,0]:"));
    other.affine[0][3] += 0.2;
    assert_int_equal(make(&other, &reference, NULL, &pair, &problem), PROBLEM_SHAPE_MISMATCH);
    assert_null(strstr(problem.detail, "grid"));
}

static void reversed_shapes_name_the_way_out(void **state)
{
    struct mask_header mask = header();
    struct mask_header array = {.ndim = 3, .shape = {2, 3, 4}, .n_voxels = 24};
    struct request reverse = {.reverse_axes = true};
    struct pair pair;
    struct problem problem;

    (void)state;
    assert_int_equal(make(&array, &mask, NULL, &pair, &problem), PROBLEM_SHAPE_MISMATCH);
    assert_non_null(strstr(problem.detail, "\"axes\":\"reverse\""));
    assert_int_equal(make(&array, &mask, &reverse, &pair, &problem), PROBLEM_NONE);
    assert_true(pair.same_order);
    assert_int_equal(pair.geometry, GEOMETRY_UNCHECKED);
    assert_int_equal(make(&mask, &mask, &reverse, &pair, &problem), PROBLEM_SHAPE_MISMATCH);
    assert_non_null(strstr(problem.detail, "without"));
}

static void a_reversed_mask_brings_its_place_along(void **state)
{
    struct mask_header mask = header();
    struct mask_header turned = {.ndim = 3,
                                 .shape = {2, 3, 4},
                                 .n_voxels = 24,
                                 .has_affine = true,
                                 .affine = {{0, 0, 0.5, 10}, {0, 1, 0, -20}, {2, 0, 0, 30}}};
    struct request reverse = {.reverse_axes = true};
    struct pair pair;
    struct problem problem;

    (void)state;
    assert_int_equal(make(&turned, &mask, &reverse, &pair, &problem), PROBLEM_NONE);
    assert_int_equal(pair.geometry, GEOMETRY_MATCH);
}

static void reversal_of_leading_singletons_drops_them(void **state)
{
    struct mask_header mask = {.ndim = 2, .shape = {4, 3}, .order = OV_ORDER_F, .n_voxels = 12};
    struct mask_header array = {.ndim = 3, .shape = {1, 3, 4}, .n_voxels = 12};
    struct request reverse = {.reverse_axes = true};
    struct pair pair;
    struct problem problem;

    (void)state;
    assert_int_equal(make(&array, &mask, &reverse, &pair, &problem), PROBLEM_NONE);
    assert_int_equal(pair.ndim, 2);
    assert_true(pair.same_order);
}

/* A slice as NIfTI writes it, (x, y, 1), and as an array of slices has it, (1, y, x). */
static void a_single_slice_is_reversed_either_way(void **state)
{
    struct mask_header file = {.ndim = 3, .shape = {3, 2, 1}, .order = OV_ORDER_F, .n_voxels = 6};
    struct mask_header array = {.ndim = 3, .shape = {1, 2, 3}, .n_voxels = 6};
    struct request reverse = {.reverse_axes = true};
    struct pair pair;
    struct problem problem;

    (void)state;
    assert_int_equal(make(&file, &array, &reverse, &pair, &problem), PROBLEM_NONE);
    assert_int_equal(pair.ndim, 3);
    assert_true(pair.same_order);
    assert_int_equal(make(&array, &file, &reverse, &pair, &problem), PROBLEM_NONE);
    assert_int_equal(pair.ndim, 2);
    assert_int_equal(make(&array, &file, NULL, &pair, &problem), PROBLEM_SHAPE_MISMATCH);
    assert_non_null(strstr(problem.detail, "\"axes\":\"reverse\""));
}

static void trailing_axes_of_one_are_dropped(void **state)
{
    struct mask_header volume = {.ndim = 4, .shape = {3, 2, 1, 1}, .n_voxels = 6};
    struct mask_header image = {.ndim = 2, .shape = {3, 2}, .n_voxels = 6};
    struct pair pair;
    struct problem problem;

    (void)state;
    assert_int_equal(make(&image, &volume, NULL, &pair, &problem), PROBLEM_NONE);
    assert_int_equal(pair.ndim, 2);
    volume.shape[3] = 2;
    assert_int_equal(make(&image, &volume, NULL, &pair, &problem), PROBLEM_SHAPE_MISMATCH);
}

static void orders_differ_only_where_more_than_one_axis_is_long(void **state)
{
    struct mask_header f = {.ndim = 3, .shape = {1, 7, 1}, .order = OV_ORDER_F, .n_voxels = 7};
    struct mask_header c = {.ndim = 3, .shape = {1, 7, 1}, .order = OV_ORDER_C, .n_voxels = 7};
    struct pair pair;
    struct problem problem;

    (void)state;
    assert_int_equal(make(&f, &c, NULL, &pair, &problem), PROBLEM_NONE);
    assert_true(pair.same_order);
    f.shape[0] = c.shape[0] = 2;
    assert_int_equal(make(&f, &c, NULL, &pair, &problem), PROBLEM_NONE);
    assert_false(pair.same_order);
}

/* A thousandth of the axis's own spacing for a step; a hundredth of the smallest one for the
 * origin. */
static void places_may_differ_by_a_little_of_the_spacing(void **state)
{
    static const struct {
        int row, column;
        double inside, outside;
    } cases[] = {
        {0, 0, 0.00049, 0.00051}, {1, 1, 0.0009, 0.0011}, {2, 2, 0.0019, 0.0021},
        {1, 0, 0.00049, 0.00051}, {0, 3, 0.0049, 0.0051}, {2, 3, -0.0049, -0.0051},
    };
    struct mask_header reference = header();
    struct request lenient = {.ignore_geometry = true};
    struct pair pair;
    struct problem problem;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mask_header moved = header();
        double *element = &moved.affine[cases[i].row][cases[i].column];

        *element += cases[i].inside;
        assert_int_equal(make(&moved, &reference, NULL, &pair, &problem), PROBLEM_NONE);
        assert_int_equal(pair.geometry, GEOMETRY_MATCH);
        *element += cases[i].outside - cases[i].inside;
        assert_int_equal(make(&moved, &reference, NULL, &pair, &problem),
                         PROBLEM_GEOMETRY_MISMATCH);
        assert_non_null(strstr(problem.detail, "geometry"));
        assert_int_equal(make(&moved, &reference, &lenient, &pair, &problem), PROBLEM_NONE);
        assert_int_equal(pair.geometry, GEOMETRY_IGNORED);
    }
}

static void a_place_that_is_not_a_number_matches_nothing(void **state)
{
    struct mask_header reference = header();
    struct mask_header moved = header();
    struct pair pair;
    struct problem problem;

    (void)state;
    moved.affine[0][3] = (double)NAN;
    assert_int_equal(make(&moved, &reference, NULL, &pair, &problem), PROBLEM_GEOMETRY_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_headers_match),
        cmocka_unit_test(different_shapes_are_refused_with_both_of_them),
        cmocka_unit_test(cropped_masks_are_told_where_they_begin),
        cmocka_unit_test(reversed_shapes_name_the_way_out),
        cmocka_unit_test(a_reversed_mask_brings_its_place_along),
        cmocka_unit_test(reversal_of_leading_singletons_drops_them),
        cmocka_unit_test(a_single_slice_is_reversed_either_way),
        cmocka_unit_test(trailing_axes_of_one_are_dropped),
        cmocka_unit_test(orders_differ_only_where_more_than_one_axis_is_long),
        cmocka_unit_test(places_may_differ_by_a_little_of_the_spacing),
        cmocka_unit_test(a_place_that_is_not_a_number_matches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
