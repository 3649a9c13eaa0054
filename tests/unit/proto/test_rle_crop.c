/* test_rle_crop.c - CVAT's masks: runs of a box, and where the box lies. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

static void runs_of_the_box_are_put_where_it_lies(void **state)
{
    (void)state;
    assert_layer("{'cvat_mask': {'points': [0, 3, 1, 1, 0, 2, 1]}, 'shape': [3, 4]}", 1,
                 "0110/0100/0000");
    assert_layer("{'cvat_mask': [0.0, 3.0, 1.0, 1.0, 0.0, 2.0, 1.0], 'shape': [3, 4]}", 1,
                 "0110/0100/0000");
    assert_layer("{'cvat_mask': {'points': [1, 2, 1, 2, 2, 3, 3]}, 'shape': [4, 4], 'label': 2}", 2,
                 "0000/0000/0001/0010");
}

static void boxes_as_wide_as_the_image_and_as_the_whole_image(void **state)
{
    (void)state;
    assert_layer("{'cvat_mask': [1, 6, 1, 0, 1, 3, 2], 'shape': [3, 4]}", 1, "0000/0111/1110");
    assert_layer("{'cvat_mask': [1, 10, 1, 0, 0, 3, 2], 'shape': [3, 4]}", 1, "0111/1111/1110");
    assert_layer("{'cvat_mask': [0, 1, 3, 2, 3, 2], 'shape': [3, 4]}", 1, "0000/0000/0001");
}

static void runs_that_are_not_the_box_are_refused(void **state)
{
    (void)state;
    assert_refused("{'cvat_mask': [0, 3, 1, 0, 2, 1], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "3 pixels, but there are 4");
    assert_refused("{'cvat_mask': [0, 3, 2, 1, 0, 2, 1], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "longer than");
    assert_refused("{'cvat_mask': [0, 3, -1, 1, 0, 2, 1], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "length -1");
    assert_refused("{'cvat_mask': [0.5, 4, 1, 0, 2, 1], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "run 0");
}

static void boxes_that_leave_the_image_are_refused(void **state)
{
    static const char *const boxes[] = {"3, 0, 4, 1", "1, 2, 2, 3", "4, 0, 4, 0", "0, 3, 0, 3",
                                        "0, 0, 4294967295, 4294967295"};

    (void)state;
    for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++) {
        char source[128];

        snprintf(source, sizeof(source), "{'cvat_mask': [4, %s], 'shape': [3, 4]}", boxes[i]);
        assert_refused(source, PROBLEM_BAD_MASK, "not within the image");
    }
    assert_refused("{'cvat_mask': [4, 2, 0, 1, 1], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "ends before it begins");
    assert_refused("{'cvat_mask': [4, 0, 2, 1, 1], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "ends before it begins");
    assert_refused("{'cvat_mask': [4, -1, 0, 0, 1], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "natural number");
    assert_refused("{'cvat_mask': [4, 0, 0, 0, 1e300], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "natural number");
    assert_refused("{'cvat_mask': [4, 0, 0, 0, 4294967296], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "natural number");
}

static void what_is_no_shape_is_refused(void **state)
{
    (void)state;
    assert_refused("{'cvat_mask': [0, 1, 2], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "points is not");
    assert_refused("{'cvat_mask': {}, 'shape': [3, 4]}", PROBLEM_BAD_MASK, "points is not");
    assert_refused("{'cvat_mask': [4, 0, 0, 1, 1]}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_the_box_are_put_where_it_lies),
        cmocka_unit_test(boxes_as_wide_as_the_image_and_as_the_whole_image),
        cmocka_unit_test(runs_that_are_not_the_box_are_refused),
        cmocka_unit_test(boxes_that_leave_the_image_are_refused),
        cmocka_unit_test(what_is_no_shape_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
