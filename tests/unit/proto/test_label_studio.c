/* test_label_studio.c - tasks, annotations and results; brush, polygons and the rest. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

#define SIZE "'original_width': 4, 'original_height': 3"
/* 3 x 4, 0110/0100/0000; written by label-studio-converter */
#define RLE "[0, 0, 0, 48, 57, 27, 252, 96, 19, 255, 206, 1, 31, 254, 23, 0]"
#define BRUSH(labels)                                                                     \
    "{'id': 'a', 'type': 'brushlabels', " SIZE ", 'value': {'format': 'rle', 'rle': " RLE \
    ", 'brushlabels': [" labels "]}}"
/* the right half: 2,0 to 4,3 */
#define POLYGON(labels)                                                                  \
    "{'id': 'b', 'type': 'polygonlabels', 'image_rotation': 0, " SIZE                    \
    ", 'value': {'points': [[50, 0], [100, 0], [100, 100], [50, 100]], 'closed': true, " \
    "'polygonlabels': [" labels "]}}"
#define BOX "{'id': 'c', 'type': 'rectanglelabels', 'value': {'x': 1, 'rectanglelabels': ['a']}}"
#define X62                           \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define RESULT BRUSH("'tumour'") ", " POLYGON("'vessel'") ", " BOX

static void assert_result(const char *source)
{
    assert_layer(source, 1, "0110/0100/0000");
    assert_layer(source, 2, "0011/0011/0011");
}

static void every_envelope_holds_the_result(void **state)
{
    (void)state;
    assert_result("{'label_studio': [" RESULT "]}");
    assert_result("{'label_studio': {'id': 7, 'completed_by': 1, 'result': [" RESULT "]}}");
    assert_result("{'label_studio': {'id': 1, 'data': {'image': 'a.png'}, 'annotations': "
                  "[{'id': 7, 'result': [" RESULT "]}], 'predictions': []}}");
    assert_result("{'label_studio': [{'id': 1, 'annotations': [{'id': 7, 'result': [" RESULT
                  "]}]}]}");
    assert_result("{'label_studio': {'action': 'ANNOTATION_CREATED', 'annotation': {'id': 7, "
                  "'result': [" RESULT "]}}}");
    assert_result("{'label_studio': {'id': 1, 'annotations': [], 'predictions': [{'model_version': "
                  "'a', 'score': 0.5, 'result': [" RESULT "]}]}}");
}

static void names_get_numbers_from_one_on(void **state)
{
    struct inline_mask mask = read_inline("{'label_studio': [" RESULT "]}");

    (void)state;
    assert_string_equal(names_of(mask.names, 1), "tumour");
    assert_string_equal(names_of(mask.names, 2), "vessel");
    assert_null(names_of(mask.names, 3));
    assert_int_equal(times_skipped(&mask, "rectanglelabels"), 1);
    inline_done(&mask);
}

static void of_several_annotations_one_is_chosen(void **state)
{
    static const char several[] = "{'label_studio': {'annotations': [{'id': 7, 'result': [" BRUSH(
        "'a'") "]}, {'id': 8, 'result': [" POLYGON("'a'") "]}]}";
    char source[4096];

    (void)state;
    snprintf(source, sizeof(source), "%s, 'annotation': 8}", several);
    assert_layer(source, 1, "0011/0011/0011");
    snprintf(source, sizeof(source), "%s, 'annotation': 7}", several);
    assert_layer(source, 1, "0110/0100/0000");
    snprintf(source, sizeof(source), "%s, 'annotation': 9}", several);
    assert_refused(source, PROBLEM_BAD_PARAMETER, "not one of its annotations");
    snprintf(source, sizeof(source), "%s}", several);
    assert_refused(source, PROBLEM_BAD_PARAMETER, "choose one by \"annotation\"");
    assert_layer(
        "{'label_studio': {'annotations': [{'id': 7, 'was_cancelled': true, 'result': []}, "
        "{'id': 8, 'was_cancelled': false, 'result': [" POLYGON("'a'") "]}]}}",
        1, "0011/0011/0011");
}

static void of_several_tasks_one_is_chosen(void **state)
{
    static const char several[] = "{'label_studio': [{'id': 1, 'annotations': [{'result': [" BRUSH(
        "'a'") "]}]}, {'id': 2, "
               "'annotations': [{'result': [" POLYGON("'a'") "]}]}]";
    char source[4096];

    (void)state;
    snprintf(source, sizeof(source), "%s, 'task': 2}", several);
    assert_layer(source, 1, "0011/0011/0011");
    snprintf(source, sizeof(source), "%s}", several);
    assert_refused(source, PROBLEM_BAD_PARAMETER, "choose one by \"task\"");
}

static void labels_stand_under_the_type_or_under_labels(void **state)
{
    (void)state;
    assert_layer("{'label_studio': [" BRUSH("'a', 'b'") "]}", 2, "0110/0100/0000");
    assert_layer("{'label_studio': [{'type': 'labels', " SIZE ", 'value': {'rle': " RLE
                 ", 'labels': ['a']}}]}",
                 1, "0110/0100/0000");
    assert_layer("{'label_studio': [{'type': 'brushlabels', " SIZE ", 'rle': " RLE
                 ", 'brushlabels': ['a']}]}",
                 1, "0110/0100/0000");
}

static void what_is_no_mask_or_has_no_label_is_passed_over_and_counted(void **state)
{
    struct inline_mask mask = read_inline(
        "{'label_studio': [" BOX ", " BOX ", {'type': 'relation'}, {'type': 'choices', 'value': "
        "{'choices': ['a']}}, {'type': 'brush', " SIZE ", 'value': {'rle': " RLE "}}, " BRUSH(
            "") ", {'type': 'keypointlabels', 'value': {'points': [[1, 1]], 'keypointlabels': "
                "['a']}}, {'type': '" X62 "\\u00f6re'}]}");

    (void)state;
    assert_int_equal(times_skipped(&mask, "rectanglelabels"), 2);
    assert_int_equal(times_skipped(&mask, "relation"), 1);
    assert_int_equal(times_skipped(&mask, "choices"), 1);
    assert_int_equal(times_skipped(&mask, "brush"), 1);
    assert_int_equal(times_skipped(&mask, "brushlabels"), 1);
    assert_int_equal(times_skipped(&mask, "keypointlabels"), 1);
    /* cut before the character that does not fit whole */
    assert_int_equal(times_skipped(&mask, X62), 1);
    inline_done(&mask);
}

static void all_regions_are_of_one_size(void **state)
{
    (void)state;
    assert_layer("{'label_studio': [], 'shape': [1, 2]}", 1, "00");
    assert_refused("{'label_studio': []}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
    assert_refused("{'label_studio': [" BOX "]}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
    assert_refused("{'label_studio': [" BRUSH("'a'") ", {'type': 'choices', 'original_width': 4, "
                                                     "'original_height': 4}]}",
                   PROBLEM_BAD_MASK, "result[1]: it is of an image of 4 x 4");
    assert_refused("{'label_studio': [{'type': 'choices', 'original_width': 4}]}", PROBLEM_BAD_MASK,
                   "not integers");
    assert_refused("{'label_studio': [{'type': 'choices', 'original_width': 0, 'original_height': "
                   "1}]}",
                   PROBLEM_BAD_MASK, "1 x 0");
}

static void rotated_images_are_refused(void **state)
{
    (void)state;
    assert_refused("{'label_studio': [{'type': 'brushlabels', 'image_rotation': 90, " SIZE
                   ", 'value': {'rle': " RLE ", 'brushlabels': ['a']}}]}",
                   PROBLEM_UNSUPPORTED_MASK, "rotated");
}

static void what_is_not_of_the_form_is_refused(void **state)
{
    (void)state;
    assert_refused("{'label_studio': 3}", PROBLEM_BAD_MASK, "no result");
    assert_refused("{'label_studio': {}}", PROBLEM_BAD_MASK, "no result");
    assert_refused("{'label_studio': {'annotations': [{'result': 3}]}}", PROBLEM_BAD_MASK,
                   "no result");
    assert_refused("{'label_studio': {'result': [3]}, 'shape': [1, 1]}", PROBLEM_BAD_MASK,
                   "result[0]: it has no type");
    assert_refused("{'label_studio': [" BRUSH("3") "]}", PROBLEM_BAD_MASK, "not a string");
    assert_refused("{'label_studio': [{'type': 'brushlabels', " SIZE
                   ", 'value': {'rle': [1], 'brushlabels': ['a']}}]}",
                   PROBLEM_BAD_MASK, "result[0]: rle ends");
    assert_refused("{'label_studio': [{'type': 'polygonlabels', " SIZE
                   ", 'value': {'points': [[1, 1], [2, 2], [3]], 'polygonlabels': ['a']}}]}",
                   PROBLEM_BAD_MASK, "point 2");
    assert_refused("{'label_studio': [{'type': 'polygonlabels', " SIZE
                   ", 'value': {'points': [[1, 1], [2, 2], [3, '4']], 'polygonlabels': ['a']}}]}",
                   PROBLEM_BAD_MASK, "point 2");
    assert_refused("{'label_studio': [{'type': 'polygonlabels', " SIZE
                   ", 'value': {'points': [[1, 1], [2, 1e308], [3, 4]], 'polygonlabels': ['a']}}]}",
                   PROBLEM_BAD_MASK, "point 1");
    assert_refused("{'label_studio': [{'type': 'polygonlabels', " SIZE
                   ", 'value': {'points': [[1, 1], [2, 2]], 'polygonlabels': ['a']}}]}",
                   PROBLEM_BAD_MASK, "2 points");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_envelope_holds_the_result),
        cmocka_unit_test(names_get_numbers_from_one_on),
        cmocka_unit_test(of_several_annotations_one_is_chosen),
        cmocka_unit_test(of_several_tasks_one_is_chosen),
        cmocka_unit_test(labels_stand_under_the_type_or_under_labels),
        cmocka_unit_test(what_is_no_mask_or_has_no_label_is_passed_over_and_counted),
        cmocka_unit_test(all_regions_are_of_one_size),
        cmocka_unit_test(rotated_images_are_refused),
        cmocka_unit_test(what_is_not_of_the_form_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
