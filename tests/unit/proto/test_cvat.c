/* test_cvat.c - jobs of CVAT: frames, labels, masks, polygons and the rest. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

#define MASK(label, frame)                         \
    "{'type': 'mask', " label ", 'frame': " #frame \
    ", 'points': [0.0, 3.0, 1.0, 1.0, 0.0, 2.0, 1.0]}"
#define POLYGON(label, frame) \
    "{'type': 'polygon', " label ", 'frame': " #frame ", 'points': [2, 0, 4, 0, 4, 3, 2, 3]}"
#define JOB(shapes) "{'version': 0, 'tags': [], 'tracks': [], 'shapes': [" shapes "]}"

static void masks_and_polygons_are_layers(void **state)
{
    static const char source[] = "{'cvat': " JOB(MASK("'label': 'car'", 0) ", " POLYGON(
        "'label': 'road'", 0) ", " POLYGON("'label': 'car'", 0)) ", 'shape': [3, 4]}";
    struct inline_mask mask = read_inline(source);

    (void)state;
    assert_string_equal(names_of(mask.names, 1), "car");
    assert_string_equal(names_of(mask.names, 2), "road");
    inline_done(&mask);
    assert_layer(source, 1, "0111/0111/0011");
    assert_layer(source, 2, "0011/0011/0011");
}

static void a_label_may_be_a_number_of_the_server(void **state)
{
    (void)state;
    assert_layer("{'cvat': " JOB(MASK("'label_id': 77", 0)) ", 'shape': [3, 4]}", 77,
                 "0110/0100/0000");
    assert_refused("{'cvat': " JOB(MASK("'label': 7", 0)) ", 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "shapes[0]: it has neither label");
}

static void a_list_of_jobs_is_one(void **state)
{
    static const char source[] = "{'cvat': [" JOB(MASK("'label': 'a'", 0)) ", " JOB(
        POLYGON("'label': 'b'", 0)) "], 'shape': "
                                    "[3, 4]}";

    (void)state;
    assert_layer(source, 1, "0110/0100/0000");
    assert_layer(source, 2, "0011/0011/0011");
    assert_layer("{'cvat': [], 'shape': [1, 2]}", 1, "00");
}

static void of_several_frames_one_is_chosen(void **state)
{
    static const char several[] =
        "{'cvat': " JOB(MASK("'label': 'a'", 0) ", " POLYGON("'label': 'a'", 4));
    char source[1024];

    (void)state;
    snprintf(source, sizeof(source), "%s, 'shape': [3, 4], 'frame': 4}", several);
    assert_layer(source, 1, "0011/0011/0011");
    snprintf(source, sizeof(source), "%s, 'shape': [3, 4], 'frame': 0}", several);
    assert_layer(source, 1, "0110/0100/0000");
    snprintf(source, sizeof(source), "%s, 'shape': [3, 4], 'frame': 1}", several);
    assert_layer(source, 1, "0000/0000/0000");
    snprintf(source, sizeof(source), "%s, 'shape': [3, 4]}", several);
    assert_refused(source, PROBLEM_BAD_PARAMETER, "choose one by \"frame\"");
    snprintf(source, sizeof(source), "%s, 'shape': [3, 4], 'frame': -1}", several);
    assert_refused(source, PROBLEM_BAD_PARAMETER, "natural number");
    snprintf(source, sizeof(source), "%s, 'shape': [3, 4], 'frame': 'a'}", several);
    assert_refused(source, PROBLEM_BAD_PARAMETER, "natural number");
}

static void what_is_no_mask_is_passed_over_and_counted(void **state)
{
    struct inline_mask mask = read_inline(
        "{'cvat': {'tags': [{}, {}], 'tracks': [{}], 'shapes': [{'type': 'rectangle'}, "
        "{'type': 'rectangle', 'frame': 0}, {'type': 'cuboid', 'frame': 0}]}, 'shape': [3, 4]}");

    (void)state;
    assert_int_equal(times_skipped(&mask, "rectangle"), 2);
    assert_int_equal(times_skipped(&mask, "cuboid"), 1);
    assert_int_equal(times_skipped(&mask, "tag"), 2);
    assert_int_equal(times_skipped(&mask, "track"), 1);
    inline_done(&mask);
}

static void what_is_not_of_the_form_is_refused(void **state)
{
    (void)state;
    assert_refused("{'cvat': 3, 'shape': [3, 4]}", PROBLEM_BAD_MASK, "no list of shapes");
    assert_refused("{'cvat': [{'shapes': []}, 3], 'shape': [3, 4]}", PROBLEM_BAD_MASK,
                   "no list of shapes");
    assert_refused("{'cvat': " JOB("3") ", 'shape': [3, 4]}", PROBLEM_BAD_MASK, "has no type");
    assert_refused(
        "{'cvat': " JOB("{'type': 'polygon', 'label': 'a', 'points': [1, 2]}") ", 'shape': [3, 4]}",
        PROBLEM_BAD_MASK, "shapes[0]: a polygon has 1 points");
    assert_refused(
        "{'cvat': " JOB(
            "{'type': 'mask', 'label': 'a', 'points': [0, 0, 4, 0]}") ", 'shape': [3, 4]}",
        PROBLEM_BAD_MASK, "shapes[0]: its box");
    assert_refused("{'cvat': " JOB(MASK("'label': 'a'", 0)) "}", PROBLEM_BAD_PARAMETER,
                   "give \"shape\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_and_polygons_are_layers),
        cmocka_unit_test(a_label_may_be_a_number_of_the_server),
        cmocka_unit_test(a_list_of_jobs_is_one),
        cmocka_unit_test(of_several_frames_one_is_chosen),
        cmocka_unit_test(what_is_no_mask_is_passed_over_and_counted),
        cmocka_unit_test(what_is_not_of_the_form_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
