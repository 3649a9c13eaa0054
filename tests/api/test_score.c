/* test_score.c - POST /v1/score: how a request may be put, and what the answer has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/example.h"

static void the_one_line_curl_works(void **state)
{
    (void)state;
    struct bytes plain = nifti_u8(4, 3, 1, PREDICTION), other = nifti_u8(4, 3, 1, REFERENCE);
    struct bytes p = deflated(plain, 31), r = deflated(other, 31);
    const struct part parts[] = {{"prediction", p, "p.nii.gz"}, {"reference", r, "r.nii.gz"}};
    struct answer answer = answer_post_parts(shared, "/v1/score", parts, 2);
    assert_status(&answer, 200);
    assert_member(&answer, "shape", "[4,3]");
    assert_member(&answer, "geometry", "\"match\"");
    assert_member(&answer, "inputs/prediction/format", "\"nifti\"");
    assert_member(&answer, "inputs/prediction/encoding", "\"gzip\"");
    assert_member(&answer, "inputs/prediction/dtype", "\"uint8\"");
    assert_example(&answer);
    free(plain.data), free(other.data), free(p.data), free(r.data);
}

static void the_answer_has_every_member_of_the_design(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score", NULL);
    char type[256];
    assert_status(&answer, 200);
    assert_string_equal(answer_header(&answer, "Content-Type", type), "application/json");
    assert_member(&answer, "shape", "[3,4]");
    assert_member(&answer, "ignored", "0");
    assert_member(&answer, "geometry", "\"unchecked\"");
    assert_member(&answer, "background/label", "0");
    assert_counts(&answer, "background", "5 1 2 6 7");
    assert_member(&answer, "classes/0/name", "null");
    assert_member(&answer, "classes/0/state", "\"ok\"");
    assert_member_near(&answer, "classes/0/dice", 0.8, 0);
    assert_member_near(&answer, "classes/0/iou", 2 / 3.0, 0);
    assert_member_near(&answer, "classes/1/dice", 2 / 3.0, 0);
    assert_member(&answer, "classes/1/iou", "0.5");
    assert_member_near(&answer, "classes/0/trivial/dice", 0.4, 0);
    assert_member_near(&answer, "classes/0/trivial/iou", 0.25, 0);
    assert_member(&answer, "classes/0/trivial/beaten", "true");
    assert_member(&answer, "regions", "[]");
    assert_member_near(&answer, "mean/dice", (0.8 + 2 / 3.0) / 2, 1e-15);
    assert_member_near(&answer, "mean/iou", (2 / 3.0 + 0.5) / 2, 1e-15);
    assert_member(&answer, "mean/n", "2");
    assert_member(&answer, "mean/n_defined", "2");
    assert_member(&answer, "mean/defined", "{\"dice\":2,\"iou\":2}");
    assert_member(&answer, "micro/tp", "4");
    assert_member(&answer, "micro/fp", "2");
    assert_member(&answer, "micro/fn", "1");
    assert_member_near(&answer, "micro/dice", 8 / 11.0, 0);
    assert_member_near(&answer, "micro/iou", 4 / 7.0, 0);
    assert_member(&answer, "unlisted", "[]");
    assert_member(&answer, "n_unlisted", "0");
    assert_int_equal(strlen(json_string_value(json_at(answer.json, "signature"))), 32);
    assert_true(json_is_number(json_at(answer.json, "timing/queue")));
    assert_true(json_is_number(json_at(answer.json, "timing/decode")));
    assert_true(json_is_number(json_at(answer.json, "timing/count")));
    assert_true(json_is_number(json_at(answer.json, "timing/total")));
    assert_null(json_at(answer.json, "confusion"));
    assert_null(json_at(answer.json, "generalised_dice"));
    answer_free(&answer);
}

static void every_default_is_echoed(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score", NULL);
    assert_member(&answer, "options/labels", "\"auto\"");
    assert_member(&answer, "options/regions", "{}");
    assert_member(&answer, "options/ignore", "[]");
    assert_member(&answer, "options/background", "0");
    assert_member(&answer, "options/metrics", "[\"dice\",\"iou\"]");
    assert_member_near(&answer, "options/beta", 1, 0);
    assert_member(&answer, "options/empty",
                  "{\"both_empty\":\"null\",\"prediction_empty\":\"zero\","
                  "\"reference_empty\":\"zero\"}");
    assert_member(&answer, "options/threshold", "null");
    assert_member(&answer, "options/geometry", "\"check\"");
    assert_member(&answer, "options/axes", "\"as-is\"");
    assert_member(&answer, "options/confusion", "false");
    answer_free(&answer);
}

static void what_is_asked_for_is_echoed(void **state)
{
    (void)state;
    struct answer answer =
        score("/v1/score", "{\"labels\":[2,{\"label\":1,\"name\":\"liver\"}],\"ignore\":[7],"
                           "\"background\":null,\"metrics\":[\"f_beta\"],\"beta\":2,"
                           "\"empty\":\"one\",\"geometry\":\"ignore\",\"confusion\":true,"
                           "\"regions\":{\"all\":[1,2]}}");
    assert_status(&answer, 200);
    assert_member(&answer, "options/ignore", "[7]");
    assert_member(&answer, "options/background", "null");
    assert_member(&answer, "options/metrics", "[\"f_beta\"]");
    assert_member_near(&answer, "options/beta", 2, 0);
    assert_member(&answer, "options/empty/both_empty", "\"one\"");
    assert_member(&answer, "options/geometry", "\"ignore\"");
    assert_member(&answer, "options/confusion", "true");
    assert_member(&answer, "options/regions", "{\"all\":[1,2]}");
    assert_member(&answer, "background", "null");
    answer_free(&answer);
}

static void parts_may_come_in_any_order(void **state)
{
    (void)state;
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct bytes p = npy_example(PREDICTION), r = npy_example(REFERENCE);
    struct bytes q = bytes_text("{\"metrics\":[\"dice\"]}");
    const struct part parts[] = {
        {"prediction", p, NULL}, {"reference", r, NULL}, {"request", q, NULL}};
    for (size_t i = 0; i < 6; i++) {
        const int *order = orders[i];
        const struct part shuffled[] = {parts[order[0]], parts[order[1]], parts[order[2]]};
        struct answer answer = answer_post_parts(shared, "/v1/score", shuffled, 3);
        assert_null(json_at(answer.json, "classes/0/iou"));
        assert_example(&answer);
    }
    free(p.data), free(r.data), free(q.data);
}

static void a_request_part_may_name_sources_and_their_own_parts(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score", "{\"prediction\":{\"part\":\"prediction\"},"
                                              "\"reference\":{\"format\":\"npy\"}}");
    assert_example(&answer);
}

static void query_parameters_say_the_simple_options(void **state)
{
    (void)state;
    struct answer answer =
        score("/v1/score?labels=2,1&ignore=9,8&background=none&metrics=dice,f_beta&beta=2"
              "&empty=zero&geometry=ignore&axes=as-is&confusion=true",
              NULL);
    assert_status(&answer, 200);
    assert_member(&answer, "background", "null");
    assert_member(&answer, "options/metrics", "[\"dice\",\"f_beta\"]");
    assert_member_near(&answer, "options/beta", 2, 0);
    assert_member(&answer, "options/empty/both_empty", "\"zero\"");
    assert_member(&answer, "options/empty/reference_empty", "\"zero\"");
    assert_true(json_is_object(json_at(answer.json, "confusion")));
    answer_free(&answer);
}

static void an_escaped_query_parameter_is_unescaped(void **state)
{
    (void)state;
    struct answer answer = score("/v1/score?labels=1%2C2&metrics=dice%2ciou", NULL);
    assert_member(&answer, "options/metrics", "[\"dice\",\"iou\"]");
    assert_example(&answer);
}

static void json_with_base64_is_scored(void **state)
{
    (void)state;
    struct bytes p = npy_example(PREDICTION), r = npy_example(REFERENCE);
    struct bytes p64 = base64_of(p), r64 = base64_of(r);
    char text[2048];
    snprintf(text, sizeof text,
             "{\"prediction\":{\"base64\":\"%s\"},\"reference\":{\"base64\":\"%s\"}}",
             (const char *)p64.data, (const char *)r64.data);
    struct answer answer = answer_post_json(shared, "/v1/score?metrics=dice", text);
    assert_example(&answer);
    free(p.data), free(r.data), free(p64.data), free(r64.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_line_curl_works),
        cmocka_unit_test(the_answer_has_every_member_of_the_design),
        cmocka_unit_test(every_default_is_echoed),
        cmocka_unit_test(what_is_asked_for_is_echoed),
        cmocka_unit_test(parts_may_come_in_any_order),
        cmocka_unit_test(a_request_part_may_name_sources_and_their_own_parts),
        cmocka_unit_test(query_parameters_say_the_simple_options),
        cmocka_unit_test(an_escaped_query_parameter_is_unescaped),
        cmocka_unit_test(json_with_base64_is_scored),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
