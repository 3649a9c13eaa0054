/* test_options.c - what the options of a request change in its answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/example.h"

static void labels_select_order_and_name_the_classes(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score", "{\"labels\":[1,{\"label\":9,\"name\":\"spleen\"}]}");
    assert_status(&answer, 200);
    assert_counts(&answer, "classes/0", LABEL_1_COUNTS);
    assert_member(&answer, "classes/1/label", "9");
    assert_member(&answer, "classes/1/name", "\"spleen\"");
    assert_member(&answer, "classes/1/state", "\"both_empty\"");
    assert_member(&answer, "classes/1/dice", "null");
    assert_member(&answer, "unlisted", "[{\"label\":2,\"prediction\":4,\"reference\":2}]");
    assert_member(&answer, "n_unlisted", "1");
    assert_member(&answer, "mean/n", "2");
    assert_member(&answer, "mean/n_defined", "1");
    assert_member_near(&answer, "mean/dice", 0.8, 0);
    answer_free(&answer);
}

static void the_background_is_scored_when_listed(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score?labels=0,1,2", NULL);
    assert_counts(&answer, "classes/0", "5 1 2 6 7");
    assert_counts(&answer, "classes/1", LABEL_1_COUNTS);
    assert_member(&answer, "mean/n", "3");
    answer_free(&answer);
}

static void another_label_may_be_the_background(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score?background=1", NULL);
    assert_counts(&answer, "background", LABEL_1_COUNTS);
    assert_member(&answer, "classes/0/label", "0");
    assert_member(&answer, "classes/1/label", "2");
    answer_free(&answer);
}

static void without_background_label_0_is_a_class(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score?background=none", NULL);
    assert_member(&answer, "background", "null");
    assert_member(&answer, "classes/0/label", "0");
    assert_counts(&answer, "classes/0", "5 1 2 6 7");
    answer_free(&answer);
}

static void voxels_whose_reference_is_ignored_leave_every_count(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score?ignore=2", NULL);
    assert_member(&answer, "voxels", "12");
    assert_member(&answer, "ignored", "2");
    assert_counts(&answer, "classes/0", LABEL_1_COUNTS);
    assert_null(json_at(answer.json, "classes/1"));
    assert_counts(&answer, "background", "5 1 2 6 7");
    answer_free(&answer);
}

static void regions_are_scored_as_unions_and_stay_out_of_the_means(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score", "{\"regions\":{\"WT\":[1,2],\"none\":[5]}}");
    assert_status(&answer, 200);
    assert_member(&answer, "regions/0/name", "\"WT\"");
    assert_member(&answer, "regions/0/labels", "[1,2]");
    assert_member(&answer, "regions/0/state", "\"ok\"");
    assert_counts(&answer, "regions/0", "4 2 1 6 5");
    assert_member_near(&answer, "regions/0/dice", 8 / 11.0, 0);
    assert_true(json_is_object(json_at(answer.json, "regions/0/trivial")));
    assert_member(&answer, "regions/1/state", "\"both_empty\"");
    assert_member(&answer, "mean/n", "2");
    answer_free(&answer);
}

static void every_metric_has_its_value(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double value;
    } wanted[] = {{"dice", 0.8},
                  {"iou", 2 / 3.0},
                  {"dice_loss", 0.2},
                  {"iou_loss", 1 / 3.0},
                  {"f_beta", 10 / 14.0},
                  {"precision", 1},
                  {"recall", 2 / 3.0},
                  {"specificity", 1},
                  {"fpr", 0},
                  {"fnr", 1 / 3.0},
                  {"accuracy", 11 / 12.0},
                  {"balanced_accuracy", 5 / 6.0},
                  {"volume_similarity", 0.8},
                  {"volume_similarity_signed", -0.4},
                  {"mcc", 0.7745966692414834},
                  {"kappa", 0.75}};
    struct answer answer =
        score("/v1/score?beta=2&metrics=dice,iou,dice_loss,iou_loss,f_beta,precision,recall,"
              "specificity,fpr,fnr,accuracy,balanced_accuracy,volume_similarity,"
              "volume_similarity_signed,mcc,kappa,generalised_dice",
              NULL);
    assert_status(&answer, 200);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        char path[64];
        snprintf(path, sizeof path, "classes/0/%s", wanted[i].name);
        assert_member_near(&answer, path, wanted[i].value, 1e-15);
        snprintf(path, sizeof path, "mean/%s", wanted[i].name);
        assert_true(json_is_number(json_at(answer.json, path)));
    }
    assert_member_near(&answer, "generalised_dice/square", 26 / 37.0, 1e-15);
    assert_member_near(&answer, "generalised_dice/simple", 5 / 7.0, 1e-15);
    assert_member_near(&answer, "generalised_dice/uniform", 8 / 11.0, 1e-15);
    answer_free(&answer);
}

/* Labels 1 (reference empty), 2 (prediction empty), 3 (both empty), 4 (perfect). */
static struct answer score_empties(const char *request)
{
    return score_files("/v1/score", npy_u8("(3,)", "\1\0\4", 3), npy_u8("(3,)", "\0\2\4", 3),
                       request);
}

static void empty_masks_have_states_and_default_values(void **state)
{
    (void)state;
    struct answer answer = score_empties("{\"labels\":[1,2,3,4]}");
    assert_status(&answer, 200);
    assert_member(&answer, "classes/0/state", "\"reference_empty\"");
    assert_member_near(&answer, "classes/0/dice", 0, 0);
    assert_member(&answer, "classes/1/state", "\"prediction_empty\"");
    assert_member_near(&answer, "classes/1/dice", 0, 0);
    assert_member(&answer, "classes/2/state", "\"both_empty\"");
    assert_member(&answer, "classes/2/dice", "null");
    assert_member_near(&answer, "classes/3/dice", 1, 0);
    assert_member(&answer, "mean/n", "4");
    assert_member(&answer, "mean/n_defined", "3");
    assert_member_near(&answer, "mean/dice", 1 / 3.0, 1e-16);
    answer_free(&answer);
}

static void empty_policies_change_the_values(void **state)
{
    (void)state;
    struct answer answer =
        score_empties("{\"labels\":[1,2,3,4],\"empty\":{\"both_empty\":\"one\","
                      "\"reference_empty\":\"null\",\"prediction_empty\":\"one\"}}");
    assert_status(&answer, 200);
    assert_member(&answer, "classes/0/dice", "null");
    assert_member_near(&answer, "classes/1/dice", 1, 0);
    assert_member_near(&answer, "classes/2/dice", 1, 0);
    assert_member(&answer, "mean/n_defined", "3");
    assert_member_near(&answer, "mean/iou", 1, 0);
    answer_free(&answer);
    answer = score_empties("{\"labels\":[3],\"empty\":\"zero\"}");
    assert_member_near(&answer, "classes/0/dice", 0, 0);
    answer_free(&answer);
}

static void no_class_at_all_is_an_answer(void **state)
{
    (void)state;
    struct answer answer =
        score_files("/v1/score", npy_u8("(3,)", "\0\0\0", 3), npy_u8("(3,)", "\0\0\0", 3), NULL);
    assert_status(&answer, 200);
    assert_member(&answer, "classes", "[]");
    assert_member(&answer, "mean/dice", "null");
    assert_member(&answer, "mean/n", "0");
    assert_member(&answer, "micro/dice", "null");
    answer_free(&answer);
}

static void a_class_not_better_than_trivial_is_marked(void **state)
{
    (void)state;
    struct answer answer = score_files("/v1/score", npy_u8("(4,)", "\1\1\1\1", 4),
                                       npy_u8("(4,)", "\1\1\1\0", 4), "{\"labels\":[1,2]}");
    assert_member_near(&answer, "classes/0/trivial/dice", 6 / 7.0, 0);
    assert_member(&answer, "classes/0/trivial/beaten", "false");
    assert_member(&answer, "classes/1/trivial/beaten", "null");
    answer_free(&answer);
}

static void a_threshold_makes_both_masks_binary(void **state)
{
    (void)state;
    const float p[] = {0.1f, 0.5f, 0.51f, 0.9f};
    struct answer answer =
        score_files("/v1/score?threshold=0.5", npy_of("<f4", false, "(4,)", p, sizeof p),
                    npy_u8("(4,)", "\0\7\7\0", 4), NULL);
    assert_status(&answer, 200);
    assert_member_near(&answer, "options/threshold", 0.5, 0);
    assert_member(&answer, "classes/0/label", "1");
    assert_counts(&answer, "classes/0", "1 1 1 2 2");
    answer_free(&answer);
}

static void confusion_has_rows_of_the_reference(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score?confusion=true", NULL);
    assert_member(&answer, "confusion/labels", "[0,1,2]");
    assert_member(&answer, "confusion/matrix", "[[5,0,2],[1,2,0],[0,0,2]]");
    answer_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_select_order_and_name_the_classes),
        cmocka_unit_test(the_background_is_scored_when_listed),
        cmocka_unit_test(another_label_may_be_the_background),
        cmocka_unit_test(without_background_label_0_is_a_class),
        cmocka_unit_test(voxels_whose_reference_is_ignored_leave_every_count),
        cmocka_unit_test(regions_are_scored_as_unions_and_stay_out_of_the_means),
        cmocka_unit_test(every_metric_has_its_value),
        cmocka_unit_test(empty_masks_have_states_and_default_values),
        cmocka_unit_test(empty_policies_change_the_values),
        cmocka_unit_test(no_class_at_all_is_an_answer),
        cmocka_unit_test(a_class_not_better_than_trivial_is_marked),
        cmocka_unit_test(a_threshold_makes_both_masks_binary),
        cmocka_unit_test(confusion_has_rows_of_the_reference),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
