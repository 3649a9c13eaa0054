/* test_coco.c - COCO files and results: which image, which masks, what is passed over. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

#define IMAGES     "'images': [{'id': 3, 'height': 3, 'width': 4}, {'id': 5, 'height': 1, 'width': 2}]"
#define CATEGORIES "'categories': [{'id': 1, 'name': 'cat'}, {'id': 18, 'name': 'dog'}, {'id': 2}]"
#define RLE(image, category, counts)                     \
    "{'image_id': " #image ", 'category_id': " #category \
    ", 'segmentation': {'size': [3, 4], 'counts': '" counts "'}}"
#define FILE(annotations) "{'coco': {" IMAGES ", " CATEGORIES ", 'annotations': [" annotations "]}"

static void the_annotations_of_one_image_are_layers(void **state)
{
    static const char source[] = FILE(RLE(
        3, 1, "321O4") ", {'image_id': 5, 'category_id': 1, 'segmentation': [[0, 0, 1, 0, "
                       "1, 1, 0, 1]]}, " RLE(
                           3, 18,
                           "723") ", "
                                  "{'image_id': 3, 'category_id': 18, 'segmentation': "
                                  "[[0, 0, 1, 0, 1, 1, 0, 1], [2, 2, 4, 2, 4, 3, 2, 3]]}, "
                                  "{'image_id': 3, 'category_id': 1, 'iscrowd': 1, 'segmentation': "
                                  "{'size': [3, 4], 'counts': [2, 1, 9]}}") ", 'image_id': 3}";

    (void)state;
    assert_layer(source, 1, "0110/0100/1000");
    assert_layer(source, 18, "1000/0010/0011");
}

static void categories_are_the_labels_names(void **state)
{
    struct inline_mask mask = read_inline(FILE(RLE(3, 18, "723")) ", 'image_id': 3}");

    (void)state;
    assert_string_equal(names_of(mask.names, 18), "dog");
    assert_string_equal(names_of(mask.names, 1), "cat");
    assert_null(names_of(mask.names, 2));
    assert_int_equal(layers_n_labels(reader_header(mask.reader)->layers), 1);
    inline_done(&mask);
}

static void the_size_is_that_of_images_then_of_masks_then_of_the_source(void **state)
{
    (void)state;
    assert_layer("{'coco': {'images': [{'id': 'a', 'height': 1, 'width': 3}], 'annotations': []}}",
                 1, "000");
    assert_layer("{'coco': [{'category_id': 1, 'segmentation': [[0, 0, 1, 0, 1, 1, 0, 1]]}, " RLE(
                     7, 2, "<") "]}",
                 1, "1000/0000/0000");
    assert_layer("{'coco': {'annotations': [{'category_id': 1, 'segmentation': [[0, 0, 1, 0, 1, 1, "
                 "0, 1]]}], 'images': []}, 'shape': [1, 2]}",
                 1, "10");
    assert_refused("{'coco': []}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
    assert_refused(FILE("") ", 'image_id': 3, 'shape': [4, 3]}", PROBLEM_BAD_MASK, "images[0]");
    assert_refused(FILE(RLE(5, 1, "<")) ", 'image_id': 5}", PROBLEM_BAD_MASK,
                   "annotations[0]: it is of an image of 3 x 4");
}

static void one_image_need_not_be_named_and_of_several_one_must(void **state)
{
    (void)state;
    assert_layer("{'coco': [" RLE(7, 1, "321O4") ", " RLE(7, 1, "723") "]}", 1, "0110/0110/0010");
    assert_layer("{'coco': [" RLE(7, 1, "321O4") ", " RLE(8, 1, "723") "], 'image_id': 8}", 1,
                 "0000/0010/0010");
    assert_layer("{'coco': [" RLE('a', 1, "321O4") "], 'image_id': 'a'}", 1, "0110/0100/0000");
    assert_refused("{'coco': [" RLE(7, 1, "<") ", " RLE(8, 1, "<") "]}", PROBLEM_BAD_PARAMETER,
                   "choose one by \"image_id\"");
    assert_refused(FILE("") "}", PROBLEM_BAD_PARAMETER, "choose one by \"image_id\"");
    assert_refused(FILE("") ", 'image_id': 4}", PROBLEM_BAD_PARAMETER, "no image of this image_id");
    assert_refused(FILE("") ", 'image_id': '3'}", PROBLEM_BAD_PARAMETER,
                   "no image of this image_id");
}

static void what_is_no_mask_is_passed_over_and_counted(void **state)
{
    struct inline_mask mask = read_inline(
        FILE("{'image_id': 3, 'category_id': 1, 'bbox': [0, 0, 1, 1]}, "
             "{'image_id': 3, 'category_id': 1, 'bbox': [0, 0, 1, 1], 'segmentation': []}, "
             "{'image_id': 3, 'category_id': 1, 'bbox': [0, 0, 1, 1], 'keypoints': [1, 1, 2]}, "
             "{'image_id': 3, 'caption': 'a cat', 'segmentation': null}, {'image_id': 3}, "
             "{'image_id': 5, 'bbox': [0, 0, 1, 1]}") ", 'image_id': 3}");

    (void)state;
    assert_int_equal(times_skipped(&mask, "bbox"), 2);
    assert_int_equal(times_skipped(&mask, "keypoints"), 1);
    assert_int_equal(times_skipped(&mask, "caption"), 1);
    assert_int_equal(times_skipped(&mask, "annotation"), 1);
    assert_int_equal(layers_n_labels(reader_header(mask.reader)->layers), 0);
    inline_done(&mask);
}

static void what_is_not_of_the_form_is_refused(void **state)
{
    (void)state;
    assert_refused("{'coco': 3}", PROBLEM_BAD_MASK, "no list of annotations");
    assert_refused("{'coco': {'images': []}}", PROBLEM_BAD_MASK, "no list of annotations");
    assert_refused("{'coco': {'annotations': {}}}", PROBLEM_BAD_MASK, "no list of annotations");
    assert_refused("{'coco': [3], 'shape': [1, 1]}", PROBLEM_BAD_MASK, "annotations[0]");
    assert_refused("{'coco': {'images': [{'id': 1, 'height': 3}], 'annotations': []}}",
                   PROBLEM_BAD_MASK, "images[0]: it has no height and width");
    assert_refused("{'coco': {'images': [{'id': 1, 'height': 0, 'width': 4}], 'annotations': []}}",
                   PROBLEM_BAD_MASK, "0 x 4");
    assert_refused("{'coco': {'categories': [{'name': 'a'}], 'annotations': []}, 'shape': [1, 1]}",
                   PROBLEM_BAD_MASK, "categories[0]");
    assert_refused(FILE(RLE(3, "1", "<")) ", 'image_id': 3}", PROBLEM_BAD_MASK,
                   "annotations[0]: it has no integer category_id");
    assert_refused(FILE(RLE(3, 1, "=")) ", 'image_id': 3}", PROBLEM_BAD_MASK,
                   "annotations[0]: its runs are longer");
    assert_refused(
        FILE("{'image_id': 3, 'category_id': 1, 'segmentation': [1, 2, 3]}") ", 'image_id': 3}",
        PROBLEM_BAD_MASK, "annotations[0]: a polygon is not a list");
    assert_refused(
        FILE("{'image_id': 3, 'category_id': 1, 'segmentation': 'a'}") ", 'image_id': 3}",
        PROBLEM_BAD_MASK, "annotations[0]: it is not a list of polygons");
    assert_refused("{'coco': [{'category_id': 1, 'segmentation': {'size': 3, 'counts': '<'}}]}",
                   PROBLEM_BAD_MASK, "annotations[0]: size is not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_annotations_of_one_image_are_layers),
        cmocka_unit_test(categories_are_the_labels_names),
        cmocka_unit_test(the_size_is_that_of_images_then_of_masks_then_of_the_source),
        cmocka_unit_test(one_image_need_not_be_named_and_of_several_one_must),
        cmocka_unit_test(what_is_no_mask_is_passed_over_and_counted),
        cmocka_unit_test(what_is_not_of_the_form_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
