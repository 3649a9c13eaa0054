/* test_score.c - whole requests in memory, scored; values worked out by hand. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "tests/unit/proto/score_fixture.h"

static json_t *at(json_t *json, const char *name)
{
    json_t *member = json_object_get(json, name);

    if (member == NULL)
        fail_msg("no member %s", name);
    return member;
}

static json_t *class_at(json_t *answer, size_t i)
{
    return json_array_get(at(answer, "classes"), i);
}

static void expect_integer(json_t *json, const char *name, long long value)
{
    assert_int_equal(json_integer_value(at(json, name)), value);
}

static void expect_real(json_t *json, const char *name, double value)
{
    if (json_number_value(at(json, name)) != value)
        fail_msg("%s is %.17g, not %.17g", name, json_number_value(at(json, name)), value);
}

static void expect_problem(const char *prediction, const char *reference, size_t n,
                           const char *members, enum problem_code code)
{
    struct problem problem = {0};

    assert_null(fixture_pair(prediction, reference, n, members, &problem));
    assert_string_equal(problem_name(problem.code), problem_name(code));
    assert_int_equal(fixture_taken_bytes, 0);
}

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

static void masks_in_different_orders_are_compared_by_index(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[2,3],\"order\":\"C\"},"
        "\"reference\":{\"format\":\"raw\",\"dtype\":\"uint16\",\"shape\":[2,3],\"order\":\"F\"}}";
    struct fixture_body body = {.n = 0};
    struct score_input input;
    struct problem problem = {0};
    json_t *answer;

    (void)state;
    fixture_part(&body, "prediction", "\1\2\3\4\5\6", 6);
    fixture_part(&body, "reference", "\1\0\4\0\2\0\5\0\3\0\6\0", 12);
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    answer = fixture_score(&input, &problem);
    assert_non_null(answer);
    expect_real(at(answer, "mean"), "dice", 1);
    expect_integer(at(answer, "mean"), "n", 6);
    json_decref(answer);
    assert_int_equal(fixture_taken_bytes, 0);
    fixture_budget_bytes = 17;
    assert_null(fixture_score(&input, &problem));
    fixture_budget_bytes = UINT64_MAX;
    assert_int_equal(problem.code, PROBLEM_OUT_OF_MEMORY);
    assert_int_equal(fixture_taken_bytes, 0);
}

static void a_json_body_carries_masks_as_base64(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"base64\":\"AQEA\",\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[3]}"
        ","
        "\"reference\":{\"base64\":\"AQAA\",\"format\":\"raw\",\"dtype\":\"int8\",\"shape\":[3]}}";
    struct score_input input = {.content_type = "application/json; charset=utf-8",
                                .body = (const uint8_t *)request,
                                .body_bytes = sizeof(request) - 1};
    struct problem problem = {0};
    json_t *answer = fixture_score(&input, &problem);

    (void)state;
    assert_non_null(answer);
    expect_real(class_at(answer, 0), "iou", 0.5);
    json_decref(answer);
}

/* A gzip or zlib stream of some bytes. */
static size_t deflated(const void *bytes, size_t n, int window_bits, uint8_t *room, size_t cap)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes,
                       .avail_in = (uInt)n,
                       .next_out = room,
                       .avail_out = (uInt)cap};

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void a_body_may_be_compressed_as_a_whole(void **state)
{
    static const char request[] =
        "{\"prediction\":{\"base64\":\"AQEA\",\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[3]}"
        ","
        "\"reference\":{\"base64\":\"AQAA\",\"format\":\"raw\",\"dtype\":\"int8\",\"shape\":[3]}}";
    static uint8_t room[1024];
    struct score_input input = {.content_type = "application/json", .body = room};
    static const struct {
        const char *name;
        int window_bits;
    } codings[] = {{"gzip", 31}, {"X-GZIP", 31}, {"deflate", 15}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct problem problem = {0};
        json_t *answer;

        input.content_encoding = codings[i].name;
        input.body_bytes =
            deflated(request, sizeof(request) - 1, codings[i].window_bits, room, sizeof(room));
        answer = fixture_score(&input, &problem);
        assert_non_null(answer);
        json_decref(answer);
        input.body_bytes--;
        assert_null(fixture_score(&input, &problem));
        assert_int_equal(problem.code, PROBLEM_TRUNCATED);
        assert_int_equal(fixture_taken_bytes, 0);
    }
}

/* A megabyte and one byte of zeros, from a kilobyte: the limit of this fixture is a megabyte. */
static void a_body_that_grows_beyond_the_limit_is_refused(void **state)
{
    static uint8_t zeros[(1 << 20) + 1];
    static uint8_t room[8192];
    struct score_input input = {
        .content_type = "application/json", .content_encoding = "gzip", .body = room};
    struct problem problem = {0};

    (void)state;
    input.body_bytes = deflated(zeros, sizeof(zeros), 31, room, sizeof(room));
    assert_null(fixture_score(&input, &problem));
    assert_int_equal(problem.code, PROBLEM_BODY_TOO_LARGE);
    problem = (struct problem){0};
    input.body_bytes = deflated(zeros, sizeof(zeros) - 1, 31, room, sizeof(room));
    assert_null(fixture_score(&input, &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_JSON);
    fixture_budget_bytes = 1 << 19;
    problem = (struct problem){0};
    assert_null(fixture_score(&input, &problem));
    fixture_budget_bytes = UINT64_MAX;
    assert_int_equal(problem.code, PROBLEM_OUT_OF_MEMORY);
    assert_int_equal(fixture_taken_bytes, 0);
}

static void headers_are_checked_before_a_body(void **state)
{
    struct parameter parameter = {"labels", "x"};
    struct score_input input = {.content_type = "text/plain"};
    struct problem problem = {0};

    (void)state;
    assert_false(score_check(&input, &fixture_env, &problem));
    assert_int_equal(problem.code, PROBLEM_UNSUPPORTED_TYPE);
    problem = (struct problem){0};
    input.content_type = NULL;
    assert_false(score_check(&input, &fixture_env, &problem));
    assert_int_equal(problem.code, PROBLEM_UNSUPPORTED_TYPE);
    problem = (struct problem){0};
    input.content_type = "application/jsonp";
    assert_false(score_check(&input, &fixture_env, &problem));
    problem = (struct problem){0};
    input.content_type = "multipart/form-data";
    assert_false(score_check(&input, &fixture_env, &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_MULTIPART);
    problem = (struct problem){0};
    input.content_type = "application/json";
    assert_true(score_check(&input, &fixture_env, &problem));
    input.content_encoding = "br";
    assert_false(score_check(&input, &fixture_env, &problem));
    assert_int_equal(problem.code, PROBLEM_UNSUPPORTED_ENCODING);
    problem = (struct problem){0};
    input.content_encoding = "identity";
    input.parameters = &parameter;
    input.n_parameters = 1;
    assert_false(score_check(&input, &fixture_env, &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_PARAMETER);
}

static void bodies_without_their_parts_are_refused(void **state)
{
    static const char npy_less[] = "x";
    struct fixture_body body = {.n = 0};
    struct score_input input;
    struct problem problem = {0};

    (void)state;
    fixture_part(&body, "prediction", npy_less, 1);
    fixture_end(&body);
    input = fixture_input(&body);
    assert_null(fixture_score(&input, &problem));
    assert_int_equal(problem.code, PROBLEM_MISSING_PART);
    assert_string_equal(problem.pointer, "#/reference");
    body.n = 0;
    problem = (struct problem){0};
    fixture_part(&body, "predictoin", npy_less, 1);
    fixture_end(&body);
    input = fixture_input(&body);
    assert_null(fixture_score(&input, &problem));
    assert_int_equal(problem.code, PROBLEM_UNKNOWN_PART);
    body.n = 0;
    problem = (struct problem){0};
    fixture_part(&body, "request", "{}", 2);
    fixture_part(&body, "request", "{}", 2);
    fixture_end(&body);
    input = fixture_input(&body);
    assert_null(fixture_score(&input, &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_MULTIPART);
}

static void label_limits_hold_at_their_edge(void **state)
{
    struct problem problem = {0};
    json_t *answer;

    (void)state;
    fixture_env.limits.labels = 3;
    answer = fixture_pair(P, R, 6, "", &problem);
    assert_non_null(answer);
    json_decref(answer);
    fixture_env.limits.labels = 2;
    expect_problem(P, R, 6, "", PROBLEM_TOO_MANY_LABELS);
    fixture_env.limits.labels = 1024;
    fixture_env.limits.confusion_labels = 4;
    answer = fixture_pair(P, R, 6, ",\"confusion\":true", &problem);
    assert_non_null(answer);
    json_decref(answer);
    fixture_env.limits.confusion_labels = 3;
    expect_problem(P, R, 6, ",\"confusion\":true", PROBLEM_TOO_MANY_LABELS);
    fixture_env.limits.confusion_labels = 256;
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

/* A float64 mask as JSON body; both masks are `count` doubles of base64. */
static enum problem_code float_problem(const char *prediction, const char *reference,
                                       const char *members, char *pointer)
{
    char request[1024];
    struct score_input input = {.content_type = "application/json", .body = (uint8_t *)request};
    struct problem problem = {0};
    json_t *answer;

    snprintf(request, sizeof(request),
             "{\"prediction\":{\"base64\":\"%s\",\"format\":\"raw\",\"dtype\":\"float64\","
             "\"shape\":[1]},\"reference\":{\"base64\":\"%s\",\"format\":\"raw\",\"dtype\":"
             "\"float64\",\"shape\":[1]}%s}",
             prediction, reference, members);
    input.body_bytes = strlen(request);
    answer = fixture_score(&input, &problem);
    json_decref(answer);
    memcpy(pointer, problem.pointer, sizeof(problem.pointer));
    return problem.code;
}

static void float_masks_must_hold_labels_or_have_a_threshold(void **state)
{
    static const char one[] = "AAAAAAAA8D8=", half[] = "AAAAAAAA4D8=", nan_[] = "AAAAAAAA+H8=",
                      huge[] = "AAAAAAAA8H8=";
    char pointer[96];

    (void)state;
    assert_int_equal(float_problem(one, one, "", pointer), PROBLEM_NONE);
    assert_int_equal(float_problem(half, one, "", pointer), PROBLEM_NON_INTEGRAL);
    assert_string_equal(pointer, "#/prediction");
    assert_int_equal(float_problem(one, half, "", pointer), PROBLEM_NON_INTEGRAL);
    assert_string_equal(pointer, "#/reference");
    assert_int_equal(float_problem(half, one, ",\"threshold\":0.4", pointer), PROBLEM_NONE);
    assert_int_equal(float_problem(one, nan_, ",\"threshold\":0.4", pointer), PROBLEM_NOT_A_NUMBER);
    assert_string_equal(pointer, "#/reference");
    assert_int_equal(float_problem(huge, one, "", pointer), PROBLEM_LABEL_OUT_OF_RANGE);
    assert_string_equal(pointer, "#/prediction");
}

static void signatures_depend_on_masks_and_options_alone(void **state)
{
    struct problem problem = {0};
    json_t *first = fixture_pair(P, R, 6, "", &problem);
    json_t *same = fixture_pair(P, R, 6, ",\"beta\":1", &problem);
    json_t *options = fixture_pair(P, R, 6, ",\"beta\":2", &problem);
    json_t *swapped = fixture_pair(R, P, 6, "", &problem);
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
    json_decref(swapped);
}

static void the_contract_is_built_in(void **state)
{
    size_t n = 0;
    const char *text = openapi_text(&n);
    json_t *info = info_json();

    (void)state;
    assert_true(n > 1000);
    assert_memory_equal(text, "openapi: 3.1", 12);
    assert_int_equal(text[n - 1], '\n');
    assert_int_equal(json_array_size(at(info, "metrics")), 17);
    assert_int_equal(json_array_size(at(info, "formats")), 4);
    json_decref(info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_the_labels_found_but_the_background),
        cmocka_unit_test(means_and_micro_are_over_classes),
        cmocka_unit_test(trivial_scores_say_whether_they_were_beaten),
        cmocka_unit_test(labels_not_asked_for_are_unlisted),
        cmocka_unit_test(ignored_voxels_leave_every_count),
        cmocka_unit_test(regions_are_unions_and_stay_out_of_the_means),
        cmocka_unit_test(confusion_has_rows_of_the_reference),
        cmocka_unit_test(a_background_asked_for_is_scored),
        cmocka_unit_test(empty_policies_decide_empty_classes),
        cmocka_unit_test(masks_in_different_orders_are_compared_by_index),
        cmocka_unit_test(a_json_body_carries_masks_as_base64),
        cmocka_unit_test(a_body_may_be_compressed_as_a_whole),
        cmocka_unit_test(a_body_that_grows_beyond_the_limit_is_refused),
        cmocka_unit_test(headers_are_checked_before_a_body),
        cmocka_unit_test(bodies_without_their_parts_are_refused),
        cmocka_unit_test(label_limits_hold_at_their_edge),
        cmocka_unit_test(generalised_dice_comes_in_its_three_weights),
        cmocka_unit_test(float_masks_must_hold_labels_or_have_a_threshold),
        cmocka_unit_test(signatures_depend_on_masks_and_options_alone),
        cmocka_unit_test(the_contract_is_built_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
