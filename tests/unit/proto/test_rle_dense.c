/* test_rle_dense.c - V7's raster layers: a label map in runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

#define RUNS "[0, 1, 1, 2, 0, 2, 1, 1, 2, 1, 0, 3, 2, 1, 0, 1]"

static void values_are_labels_and_zero_is_none(void **state)
{
    struct inline_mask mask = read_inline("{'dense_rle': " RUNS ", 'shape': [3, 4]}");

    (void)state;
    assert_int_equal(layers_n_labels(reader_header(mask.reader)->layers), 2);
    inline_done(&mask);
    assert_layer("{'dense_rle': " RUNS ", 'shape': [3, 4]}", 1, "0110/0100/0000");
    assert_layer("{'dense_rle': {'dense_rle': " RUNS ", 'total_pixels': 12,"
                 " 'mask_annotation_ids_mapping': {'a-b': 2}}, 'shape': [3, 4]}",
                 2, "0000/0010/0010");
}

static void runs_that_are_not_the_image_are_refused(void **state)
{
    (void)state;
    assert_refused("{'dense_rle': [0, 11], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "11 pixels");
    assert_refused("{'dense_rle': [0, 13], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "longer than");
    assert_refused("{'dense_rle': [0, -1, 0, 13], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "length -1");
    assert_refused("{'dense_rle': [], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "0 pixels");
    assert_refused("{'dense_rle': {'dense_rle': " RUNS ", 'total_pixels': 13}, 'shape': [3, 4]}",
                   PROBLEM_BAD_MASK, "total_pixels");
    assert_refused("{'dense_rle': {'dense_rle': " RUNS ", 'total_pixels': -1}, 'shape': [3, 4]}",
                   PROBLEM_BAD_MASK, "total_pixels");
}

static void what_is_no_list_of_pairs_is_refused(void **state)
{
    (void)state;
    assert_refused("{'dense_rle': [0, 11, 1], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "not a list");
    assert_refused("{'dense_rle': {}, 'shape': [3, 4]}", PROBLEM_BAD_MASK, "not a list");
    assert_refused("{'dense_rle': '0 11', 'shape': [3, 4]}", PROBLEM_BAD_MASK, "not a list");
    assert_refused("{'dense_rle': [0, 'a'], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "element 0 or 1");
    assert_refused("{'dense_rle': [0.5, 12], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "element 0 or 1");
    assert_refused("{'dense_rle': [4294967296, 12], 'shape': [3, 4]}", PROBLEM_LABEL_OUT_OF_RANGE,
                   "4294967296");
    assert_refused("{'dense_rle': [0, 12]}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_labels_and_zero_is_none),
        cmocka_unit_test(runs_that_are_not_the_image_are_refused),
        cmocka_unit_test(what_is_no_list_of_pairs_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
