/* test_rle_coco.c - COCO's run lengths down the columns, Encord's along the rows, broken ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

#define ONE "0110/0100/0000"
#define TWO "0000/0010/0010"

static void published_masks_are_read(void **state)
{
    (void)state;
    assert_layer("{'rle': {'size': [3, 4], 'counts': '321O4'}}", 1, ONE);
    assert_layer("{'rle': {'size': [3, 4], 'counts': [3, 2, 1, 1, 5]}}", 1, ONE);
    assert_layer("{'rle': {'size': [3, 4], 'counts': '723'}, 'label': 5}", 5, TWO);
    assert_layer("{'rle': {'size': [3, 4], 'counts': '<'}}", 1, "0000/0000/0000");
    assert_layer("{'rle': {'size': [3, 4], 'counts': '0<'}}", 1, "1111/1111/1111");
    assert_layer("{'encord': {'size': [3, 4], 'counts': '122O4'}}", 1, ONE);
    assert_layer("{'encord': {'size': [3, 4], 'counts': '6130N'}}", 1, TWO);
}

/* Both are of 12 pixels: nothing but the name tells which of two masks a string is. */
static void the_same_string_is_another_mask_in_encord(void **state)
{
    (void)state;
    assert_layer("{'encord': {'size': [3, 4], 'counts': '321O4'}}", 1, "0001/1010/0000");
}

static void an_empty_mask_has_its_layer(void **state)
{
    struct inline_mask mask = read_inline("{'rle': {'size': [3, 4], 'counts': '<'}}");

    (void)state;
    assert_int_equal(layers_n_labels(reader_header(mask.reader)->layers), 1);
    inline_done(&mask);
}

static void a_list_is_a_layer_per_category(void **state)
{
    static const char list[] = "{'rle': [{'size': [3, 4], 'counts': '321O4', 'category_id': 3},"
                               " {'image_id': 1, 'category_id': 4, 'score': 0.5,"
                               "  'segmentation': {'size': [3, 4], 'counts': '0<'}},"
                               " {'size': [3, 4], 'counts': '723', 'category_id': 3}]}";

    (void)state;
    assert_layer(list, 3, "0110/0110/0010");
    assert_layer(list, 4, "1111/1111/1111");
    assert_layer("{'rle': [], 'shape': [1, 2]}", 1, "00");
}

static void runs_of_no_length_are_nothing(void **state)
{
    (void)state;
    assert_layer("{'rle': {'size': [3, 4], 'counts': [3, 1, 0, 1, 0, 0, 1, 1, 5]}}", 1, ONE);
}

static void a_size_in_the_source_must_agree(void **state)
{
    (void)state;
    assert_layer("{'rle': {'counts': '321O4'}, 'shape': [3, 4]}", 1, ONE);
    assert_refused("{'rle': {'size': [3, 4], 'counts': '321O4'}, 'shape': [4, 3]}",
                   PROBLEM_BAD_MASK, "3 x 4 (height x width), but elsewhere");
    assert_refused("{'rle': {'counts': '321O4'}}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
    assert_refused("{'rle': {'counts': '321O4'}, 'shape': [12]}", PROBLEM_BAD_PARAMETER,
                   "[height, width]");
    assert_refused("{'rle': [{'size': [3, 4], 'counts': '<'}, {'size': [4, 3], 'counts': '<'}]}",
                   PROBLEM_BAD_MASK, "masks[1]");
}

static void runs_that_are_not_the_image_are_refused(void **state)
{
    (void)state;
    assert_refused("{'rle': {'size': [3, 4], 'counts': '721'}}", PROBLEM_BAD_MASK,
                   "10 pixels, but there are 12");
    assert_refused("{'rle': {'size': [3, 4], 'counts': '724'}}", PROBLEM_BAD_MASK, "longer than");
    assert_refused("{'rle': {'size': [3, 4], 'counts': []}}", PROBLEM_BAD_MASK, "0 pixels");
    assert_refused("{'rle': {'size': [3, 4], 'counts': ''}}", PROBLEM_BAD_MASK, "0 pixels");
    assert_refused("{'rle': {'size': [3, 4], 'counts': [13, -1]}}", PROBLEM_BAD_MASK,
                   "longer than");
    assert_refused("{'rle': {'size': [3, 4], 'counts': [7, -2, 7]}}", PROBLEM_BAD_MASK,
                   "the length -2");
    assert_refused("{'rle': {'size': [3, 4], 'counts': 'N'}}", PROBLEM_BAD_MASK, "the length -2");
    assert_refused("{'rle': {'size': [3, 4], 'counts': [9223372036854775807]}}", PROBLEM_BAD_MASK,
                   "longer than");
}

static void damaged_strings_are_refused(void **state)
{
    (void)state;
    assert_refused("{'rle': {'size': [3, 4], 'counts': '7P'}}", PROBLEM_BAD_MASK,
                   "ends within a count");
    assert_refused("{'rle': {'size': [3, 4], 'counts': 'oooooooooooo0'}}", PROBLEM_BAD_MASK,
                   "more than 7");
    assert_refused("{'rle': {'size': [3, 4], 'counts': '7 2'}}", PROBLEM_BAD_MASK, "a character");
    assert_refused("{'rle': {'size': [3, 4], 'counts': '7\\u00e92'}}", PROBLEM_BAD_MASK,
                   "a character");
}

static void what_is_not_of_the_form_is_refused(void **state)
{
    (void)state;
    assert_refused("{'rle': 3}", PROBLEM_BAD_MASK, "counts is neither");
    assert_refused("{'rle': {'size': [3, 4]}}", PROBLEM_BAD_MASK, "counts is neither");
    assert_refused("{'rle': {'size': [3, 4], 'counts': [3, '2', 7]}}", PROBLEM_BAD_MASK, "run 1");
    assert_refused("{'rle': {'size': [3, 4], 'counts': [3, 2.5, 7]}}", PROBLEM_BAD_MASK, "run 1");
    assert_refused("{'rle': {'size': [3, 4], 'counts': [1e300]}}", PROBLEM_BAD_MASK, "run 0");
    assert_refused("{'rle': [{'size': [3, 4], 'counts': '<', 'category_id': 'a'}]}",
                   PROBLEM_BAD_MASK, "category_id");
    assert_refused("{'rle': {'size': [3, 4], 'counts': '<'}, 'label': 'a'}", PROBLEM_BAD_PARAMETER,
                   "label");
    assert_refused("{'rle': {'size': [3, 4], 'counts': '<'}, 'label': 4294967296}",
                   PROBLEM_LABEL_OUT_OF_RANGE, "4294967296");
    assert_refused("{'rle': {'size': [3, 4], 'counts': '<'}, 'order': 'C'}", PROBLEM_BAD_PARAMETER,
                   "no dtype or order");
    assert_refused("{'rle': {'size': [3, 4], 'counts': '<'}, 'dtype': 'uint8'}",
                   PROBLEM_BAD_PARAMETER, "no dtype or order");
}

static void sizes_are_checked_before_anything_depends_on_them(void **state)
{
    (void)state;
    assert_refused("{'rle': {'size': [0, 4], 'counts': '0'}}", PROBLEM_BAD_MASK, "0 x 4");
    assert_refused("{'rle': {'size': [-3, -4], 'counts': '<'}}", PROBLEM_BAD_MASK, "-3 x -4");
    assert_refused("{'rle': {'size': [3], 'counts': '<'}}", PROBLEM_BAD_MASK, "size is not");
    assert_refused("{'rle': {'size': [3, 'a'], 'counts': '<'}}", PROBLEM_BAD_MASK, "size is not");
    assert_refused("{'rle': {'size': [9223372036854775807, 9223372036854775807], 'counts': '<'}}",
                   PROBLEM_TOO_MANY_VOXELS, "limit");
    assert_refused("{'rle': {'size': [65536, 65536], 'counts': '<'}}", PROBLEM_TOO_MANY_VOXELS,
                   "limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_masks_are_read),
        cmocka_unit_test(the_same_string_is_another_mask_in_encord),
        cmocka_unit_test(an_empty_mask_has_its_layer),
        cmocka_unit_test(a_list_is_a_layer_per_category),
        cmocka_unit_test(runs_of_no_length_are_nothing),
        cmocka_unit_test(a_size_in_the_source_must_agree),
        cmocka_unit_test(runs_that_are_not_the_image_are_refused),
        cmocka_unit_test(damaged_strings_are_refused),
        cmocka_unit_test(what_is_not_of_the_form_is_refused),
        cmocka_unit_test(sizes_are_checked_before_anything_depends_on_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
