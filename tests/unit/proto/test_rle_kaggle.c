/* test_rle_kaggle.c - starts and lengths, along columns and rows, and what is none. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

static void starts_count_from_one_down_the_columns(void **state)
{
    (void)state;
    assert_layer("{'kaggle': '4 2 7 1', 'shape': [3, 4]}", 1, "0110/0100/0000");
    assert_layer("{'kaggle': '  4  2  7  1 ', 'shape': [3, 4], 'label': 9}", 9, "0110/0100/0000");
    assert_layer("{'kaggle': '1 12', 'shape': [3, 4]}", 1, "1111/1111/1111");
}

static void an_order_makes_it_rows(void **state)
{
    (void)state;
    assert_layer("{'kaggle': '2 2 6 1', 'shape': [3, 4], 'order': 'C'}", 1, "0110/0100/0000");
    assert_layer("{'kaggle': '4 2 7 1', 'shape': [3, 4], 'order': 'F'}", 1, "0110/0100/0000");
}

static void an_empty_string_is_an_empty_mask(void **state)
{
    struct inline_mask mask = read_inline("{'kaggle': '', 'shape': [1, 2]}");

    (void)state;
    assert_int_equal(layers_n_labels(reader_header(mask.reader)->layers), 1);
    inline_done(&mask);
    assert_layer("{'kaggle': ' ', 'shape': [1, 2]}", 1, "00");
}

static void a_list_is_the_union_of_its_instances(void **state)
{
    (void)state;
    assert_layer("{'kaggle': ['4 2', '', '5 3'], 'shape': [3, 4]}", 1, "0110/0100/0100");
    assert_layer("{'kaggle': [], 'shape': [1, 2]}", 1, "00");
}

static void what_is_no_list_of_runs_is_refused(void **state)
{
    static const char *const texts[] = {
        "4",     "4 2 7",  "a b", "4,2", "4 -2", "-1", "+4 2", "4.0 2", "4 99999999999999999999",
        "4\\t2", "1 2 x 1"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char source[128];

        snprintf(source, sizeof(source), "{'kaggle': '%s', 'shape': [3, 4]}", texts[i]);
        assert_refused(source, PROBLEM_BAD_MASK, "pairs of natural numbers");
    }
    assert_refused("{'kaggle': {}, 'shape': [3, 4]}", PROBLEM_BAD_MASK, "not a string");
    assert_refused("{'kaggle': ['4 2', 7], 'shape': [3, 4]}", PROBLEM_BAD_MASK, "masks[1]");
}

/* Relative starts, as one competition had them, and runs in any order do not pass for others. */
static void starts_must_ascend_and_runs_end_in_the_image(void **state)
{
    (void)state;
    assert_refused("{'kaggle': '0 2', 'shape': [3, 4]}", PROBLEM_BAD_MASK, "which is none");
    assert_refused("{'kaggle': '7 1 4 2', 'shape': [3, 4]}", PROBLEM_BAD_MASK, "behind");
    assert_refused("{'kaggle': '4 2 5 1', 'shape': [3, 4]}", PROBLEM_BAD_MASK, "behind");
    assert_refused("{'kaggle': '12 2', 'shape': [3, 4]}", PROBLEM_BAD_MASK, "longer than");
    assert_refused("{'kaggle': '13 1', 'shape': [3, 4]}", PROBLEM_BAD_MASK, "longer than");
    assert_refused("{'kaggle': '14 0', 'shape': [3, 4]}", PROBLEM_BAD_MASK, "longer than");
    assert_refused("{'kaggle': '4 2'}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_count_from_one_down_the_columns),
        cmocka_unit_test(an_order_makes_it_rows),
        cmocka_unit_test(an_empty_string_is_an_empty_mask),
        cmocka_unit_test(a_list_is_the_union_of_its_instances),
        cmocka_unit_test(what_is_no_list_of_runs_is_refused),
        cmocka_unit_test(starts_must_ascend_and_runs_end_in_the_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
