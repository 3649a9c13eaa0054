/* test_answer.c - what is in the answer to a request; values worked out by hand. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/score_fixture.h"

/* p: 1 1 2 2 0 0, r: 1 2 2 2 0 3. */
#define P "\1\1\2\2\0\0"
#define R "\1\2\2\2\0\3"

static void classes_are_the_labels_found_but_the_background(void **state)
{
    struct problem problem = {0};
    json_t *answer = fixture_pair(P, R, 6, "", &problem);

    (void)state;
    assert_non_null(answer);
    assert_int_equal(json_array_size(at(answer, "classes")), 3);
    expect_integer(class_at(answer, 0), "label", 1);
    expect_integer(class_at(answer, 0), "tp", 1);
    expect_integer(class_at(answer, 0), "fp", 1);
    expect_integer(class_at(answer, 0), "fn", 0);
    expect_real(class_at(answer, 0), "dice", 2.0 / 3);
    expect_real(class_at(answer, 0), "iou", 0.5);
    expect_integer(class_at(answer, 1), "tp", 2);
    expect_real(class_at(answer, 1), "dice", 0.8);
    expect_integer(class_at(answer, 2), "label", 3);
    assert_string_equal(json_string_value(at(class_at(answer, 2), "state")), "prediction_empty");
    expect_real(class_at(answer, 2), "dice", 0);
    expect_integer(at(answer, "background"), "tp", 1);
    expect_integer(at(answer, "background"), "prediction", 2);
    expect_integer(answer, "voxels", 6);
    expect_integer(answer, "ignored", 0);
    expect_integer(answer, "n_unlisted", 0);
    json_decref(answer);
}

static void means_and_micro_are_over_classes(void **state)
{
    struct problem problem = {0};
    json_t *answer = fixture_pair(P, R, 6, ",\"labels\":[1,2,3,9]", &problem);
    json_t *mean = at(answer, "mean");

    (void)state;
    expect_real(mean, "dice", (2.0 / 3 + 0.8 + 0) / 3);
    expect_integer(mean, "n", 4);
    expect_integer(mean, "n_defined", 3);
    expect_integer(at(mean, "defined"), "iou", 3);
    assert_true(json_is_null(at(class_at(answer, 3), "dice")));
    assert_string_equal(json_string_value(at(class_at(answer, 3), "state")), "both_empty");
    expect_integer(at(answer, "micro"), "tp", 3);
    expect_integer(at(answer, "micro"), "fp", 1);
    expect_integer(at(answer, "micro"), "fn", 2);
    expect_real(at(answer, "micro"), "dice", 6.0 / 9);
    json_decref(answer);
}

static void trivial_scores_say_whether_they_were_beaten(void **state)
{
    struct problem problem = {0};
    json_t *answer = fixture_pair("\1\1\1\0", "\0\1\1\1", 4, "", &problem);
    json_t *trivial = at(class_at(answer, 0), "trivial");

    (void)state;
    expect_real(class_at(answer, 0), "dice", 4.0 / 6);
    expect_real(trivial, "dice", 6.0 / 7);
    expect_real(trivial, "iou", 3.0 / 4);
    assert_true(json_is_false(at(trivial, "beaten")));
    json_decref(answer);
    answer = fixture_pair(P, R, 6, ",\"labels\":[2,9]", &problem);
    assert_true(json_is_true(at(at(class_at(answer, 0), "trivial"), "beaten")));
    assert_true(json_is_null(at(at(class_at(answer, 1), "trivial"), "beaten")));
    json_decref(answer);
}

static void labels_not_asked_for_are_unlisted(void **state)
{
    struct problem problem = {0};
    json_t *answer =
        fixture_pair(P, R, 6, ",\"labels\":[{\"label\":2,\"name\":\"two\"}]", &problem);
    json_t *unlisted = at(answer, "unlisted");

    (void)state;
    assert_string_equal(json_string_value(at(class_at(answer, 0), "name")), "two");
    expect_integer(answer, "n_unlisted", 2);
    expect_integer(json_array_get(unlisted, 0), "label", 1);
    expect_integer(json_array_get(unlisted, 0), "prediction", 2);
    expect_integer(json_array_get(unlisted, 1), "label", 3);
    expect_integer(json_array_get(unlisted, 1), "reference", 1);
    json_decref(answer);
}

/* nnU-Net's rule: only the reference's label decides. */
static void ignored_voxels_leave_every_count(void **state)
{
    struct problem problem = {0};
    json_t *answer = fixture_pair("\1\1\2\3", "\1\3\3\2", 4, ",\"ignore\":[3]", &problem);

    (void)state;
    expect_integer(answer, "ignored", 2);
    assert_int_equal(json_array_size(at(answer, "classes")), 2);
    expect_integer(class_at(answer, 0), "prediction", 1);
    expect_integer(class_at(answer, 1), "label", 2);
    expect_integer(class_at(answer, 1), "fn", 1);
    expect_integer(class_at(answer, 1), "prediction", 0);
    expect_integer(json_array_get(at(answer, "unlisted"), 0), "label", 3);
    json_decref(answer);
}

/* A prediction above the threshold where the reference says 255: left out, not foreground. */
static void ignored_labels_are_the_references_own_under_a_threshold(void **state)
{
    struct problem problem = {0};
    json_t *answer =
        fixture_pair("\3\7\11\1", "\0\7\377\377", 4, ",\"threshold\":5,\"ignore\":[255]", &problem);

    (void)state;
    assert_non_null(answer);
    expect_integer(answer, "ignored", 2);
    expect_integer(class_at(answer, 0), "tp", 1);
    expect_integer(class_at(answer, 0), "fn", 0);
    expect_real(class_at(answer, 0), "dice", 1);
    json_decref(answer);
}

static void regions_are_unions_and_stay_out_of_the_means(void **state)
{
    struct problem problem = {0};
    json_t *answer = fixture_pair(P, R, 6, ",\"regions\":{\"low\":[1,2],\"none\":[7]}", &problem);
    json_t *low = json_array_get(at(answer, "regions"), 0);
    json_t *none = json_array_get(at(answer, "regions"), 1);

    (void)state;
    assert_string_equal(json_string_value(at(low, "name")), "low");
    expect_integer(low, "tp", 4);
    expect_integer(low, "fp", 0);
    expect_integer(low, "fn", 0);
    expect_real(low, "dice", 1);
    assert_string_equal(json_string_value(at(none, "state")), "both_empty");
    expect_integer(at(answer, "mean"), "n", 3);
    json_decref(answer);
}

static void confusion_has_rows_of_the_reference(void **state)
{
    struct problem problem = {0};
    json_t *answer = fixture_pair(P, R, 6, ",\"confusion\":true", &problem);
    json_t *confusion = at(answer, "confusion");
    char *text = json_dumps(confusion, JSON_COMPACT);

    (void)state;
    assert_string_equal(text, "{\"labels\":[0,1,2,3],"
                              "\"matrix\":[[1,0,0,0],[0,1,0,0],[0,1,2,0],[1,0,0,0]]}");
    free(text);
    json_decref(answer);
}

static void a_confusion_matrix_counts_what_is_in_it_against_its_limit(void **state)
{
    struct problem problem = {0};
    json_t *answer;

    (void)state;
    fixture_env.limits.confusion_labels = 4;
    answer = fixture_pair(P, R, 6, ",\"background\":null,\"confusion\":true", &problem);
    assert_non_null(answer);
    json_decref(answer);
    answer = fixture_pair(P, R, 6, ",\"labels\":[0,1,2,3],\"confusion\":true", &problem);
    assert_non_null(answer);
    json_decref(answer);
    assert_null(fixture_pair(P, R, 6, ",\"labels\":[1,2,3,7],\"confusion\":true", &problem));
    fixture_env.limits.confusion_labels = 256;
    assert_int_equal(problem.code, PROBLEM_TOO_MANY_LABELS);
}

static void a_background_asked_for_is_scored(void **state)
{
    struct problem problem = {0};
    json_t *answer = fixture_pair(P, R, 6, ",\"labels\":[0,1],\"confusion\":true", &problem);
    json_t *none = fixture_pair(P, R, 6, ",\"background\":null", &problem);

    (void)state;
    expect_integer(class_at(answer, 0), "label", 0);
    expect_real(class_at(answer, 0), "dice", 2.0 / 3);
    assert_int_equal(json_array_size(at(at(answer, "confusion"), "labels")), 2);
    assert_true(json_is_null(at(none, "background")));
    assert_int_equal(json_array_size(at(none, "classes")), 4);
    json_decref(answer);
    json_decref(none);
}

static void empty_policies_decide_empty_classes(void **state)
{
    struct problem problem = {0};
    json_t *answer = fixture_pair("\1\1\0\0", "\2\2\0\0", 4,
                                  ",\"labels\":[1,2,3],\"metrics\":[\"dice\",\"dice_loss\"],"
                                  "\"empty\":{\"both_empty\":\"one\",\"reference_empty\":\"null\"}",
                                  &problem);

    (void)state;
    assert_true(json_is_null(at(class_at(answer, 0), "dice")));
    expect_real(class_at(answer, 1), "dice", 0);
    expect_real(class_at(answer, 1), "dice_loss", 1);
    expect_real(class_at(answer, 2), "dice", 1);
    expect_real(class_at(answer, 2), "dice_loss", 0);
    expect_integer(at(answer, "mean"), "n_defined", 2);
    json_decref(answer);
}

static void generalised_dice_comes_in_its_three_weights(void **state)
{
    struct problem problem = {0};
    json_t *answer =
        fixture_pair("\1\1\2\2", "\1\2\2\2", 4, ",\"metrics\":[\"generalised_dice\"]", &problem);
    json_t *generalised = at(answer, "generalised_dice");

    (void)state;
    /* tp 1, sizes 2+1 and tp 2, sizes 2+3; weights 1 and 1/9, 1 and 1/3, 1 and 1. */
    assert_true(json_number_value(at(generalised, "square")) - 22.0 / 32 < 1e-15);
    assert_true(json_number_value(at(generalised, "square")) - 22.0 / 32 > -1e-15);
    assert_true(json_number_value(at(generalised, "simple")) - 10.0 / 14 < 1e-15);
    assert_true(json_number_value(at(generalised, "simple")) - 10.0 / 14 > -1e-15);
    expect_real(generalised, "uniform", 6.0 / 8);
    assert_null(json_object_get(class_at(answer, 0), "dice"));
    json_decref(answer);
}

static void signatures_depend_on_masks_and_options_alone(void **state)
{
    struct problem problem = {0};
    json_t *first = fixture_pair(P, R, 6, "", &problem);
    json_t *same = fixture_pair(P, R, 6, ",\"beta\":1", &problem);
    json_t *options = fixture_pair(P, R, 6, ",\"beta\":2", &problem);
    json_t *swapped = fixture_pair(R, P, 6, "", &problem);
    json_t *plain = fixture_pair(P, R, 6, ",\"labels\":[1]", &problem);
    json_t *named = fixture_pair(P, R, 6, ",\"labels\":[{\"label\":1,\"name\":\"a\"}]", &problem);
    const char *signature = json_string_value(at(first, "signature"));

    (void)state;
    assert_int_equal(strspn(signature, "0123456789abcdef"), 32);
    assert_int_equal(strlen(signature), 32);
    assert_string_equal(signature, json_string_value(at(same, "signature")));
    assert_string_not_equal(signature, json_string_value(at(options, "signature")));
    assert_string_not_equal(signature, json_string_value(at(swapped, "signature")));
    json_decref(first);
    json_decref(same);
    json_decref(options);
    assert_string_not_equal(json_string_value(at(plain, "signature")),
                            json_string_value(at(named, "signature")));
    json_decref(swapped);
    json_decref(plain);
    json_decref(named);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_the_labels_found_but_the_background),
        cmocka_unit_test(means_and_micro_are_over_classes),
        cmocka_unit_test(trivial_scores_say_whether_they_were_beaten),
        cmocka_unit_test(labels_not_asked_for_are_unlisted),
        cmocka_unit_test(ignored_voxels_leave_every_count),
        cmocka_unit_test(ignored_labels_are_the_references_own_under_a_threshold),
        cmocka_unit_test(regions_are_unions_and_stay_out_of_the_means),
        cmocka_unit_test(confusion_has_rows_of_the_reference),
        cmocka_unit_test(a_confusion_matrix_counts_what_is_in_it_against_its_limit),
        cmocka_unit_test(a_background_asked_for_is_scored),
        cmocka_unit_test(empty_policies_decide_empty_classes),
        cmocka_unit_test(generalised_dice_comes_in_its_three_weights),
        cmocka_unit_test(signatures_depend_on_masks_and_options_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
