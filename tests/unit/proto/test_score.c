/* test_score.c - whole requests in memory: in which forms they come, and what is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <zlib.h>

#include "proto/reader.h"
#include "tests/unit/proto/score_fixture.h"

/* p: 1 1 2 2 0 0, r: 1 2 2 2 0 3. */
#define P "\1\1\2\2\0\0"
#define R "\1\2\2\2\0\3"

static void expect_problem(const char *prediction, const char *reference, size_t n,
                           const char *members, enum problem_code code)
{
    struct problem problem = {0};

    assert_null(fixture_pair(prediction, reference, n, members, &problem));
    assert_string_equal(problem_name(problem.code), problem_name(code));
    assert_int_equal(fixture_taken_bytes, 0);
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

/* [[1,2,3],[4,5,6]], last axis fastest, against the same, first axis fastest. */
static struct problem orders_differ(const char *coding, const void *prediction, size_t n)
{
    struct fixture_body body = {.n = 0};
    struct problem problem = {0};
    struct score_input input;
    char request[512];
    json_t *answer;

    snprintf(request, sizeof(request),
             "{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[2,3],"
             "\"encoding\":\"%s\"},\"reference\":{\"format\":\"raw\",\"dtype\":\"uint16\","
             "\"shape\":[2,3],\"order\":\"F\"}}",
             coding);
    fixture_part(&body, "prediction", prediction, n);
    fixture_part(&body, "reference", "\1\0\4\0\2\0\5\0\3\0\6\0", 12);
    fixture_part(&body, "request", request, strlen(request));
    fixture_end(&body);
    input = fixture_input(&body);
    answer = fixture_score(&input, &problem);
    if (answer != NULL) {
        expect_real(at(answer, "mean"), "dice", 1);
        expect_integer(at(answer, "mean"), "n", 6);
    }
    json_decref(answer);
    assert_int_equal(fixture_taken_bytes, 0);
    return problem;
}

static void masks_in_different_orders_are_compared_by_index(void **state)
{
    uint8_t room[64];
    size_t n = deflated("\1\2\3\4\5\6", 6, 15, room, sizeof(room));

    (void)state;
    assert_int_equal(orders_differ("none", "\1\2\3\4\5\6", 6).code, PROBLEM_NONE);
    assert_int_equal(orders_differ("zlib", room, n).code, PROBLEM_NONE);
    assert_int_equal(orders_differ("none", "\1\2\3\4\5", 5).code, PROBLEM_TRUNCATED);
    assert_int_equal(orders_differ("zlib", room, n - 1).code, PROBLEM_TRUNCATED);
}

/* The reference lies in the body as it is; only the prediction's 6 bytes have to be decoded. */
static void only_masks_that_must_be_decoded_whole_take_memory(void **state)
{
    uint8_t room[64];
    size_t n = deflated("\1\2\3\4\5\6", 6, 15, room, sizeof(room));

    (void)state;
    fixture_budget_bytes = 0;
    assert_int_equal(orders_differ("none", "\1\2\3\4\5\6", 6).code, PROBLEM_NONE);
    fixture_budget_bytes = 5;
    assert_int_equal(orders_differ("zlib", room, n).code, PROBLEM_OUT_OF_MEMORY);
    fixture_budget_bytes = 6;
    assert_int_equal(orders_differ("zlib", room, n).code, PROBLEM_NONE);
    fixture_env.budget_bytes = 5;
    assert_int_equal(orders_differ("zlib", room, n).code, PROBLEM_DECODED_TOO_LARGE);
    fixture_env.budget_bytes = fixture_budget_bytes = UINT64_MAX;
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
    assert_int_equal(float_problem(nan_, half, ",\"threshold\":0.4", pointer),
                     PROBLEM_NOT_A_NUMBER);
    assert_string_equal(pointer, "#/prediction");
    assert_int_equal(float_problem(half, nan_, ",\"threshold\":0.4", pointer),
                     PROBLEM_NOT_A_NUMBER);
    assert_string_equal(pointer, "#/reference");
    assert_int_equal(float_problem(huge, one, "", pointer), PROBLEM_LABEL_OUT_OF_RANGE);
    assert_string_equal(pointer, "#/prediction");
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
    assert_int_equal(json_array_size(at(info, "formats")), FORMAT_N);
    json_decref(info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_in_different_orders_are_compared_by_index),
        cmocka_unit_test(only_masks_that_must_be_decoded_whole_take_memory),
        cmocka_unit_test(a_json_body_carries_masks_as_base64),
        cmocka_unit_test(a_body_may_be_compressed_as_a_whole),
        cmocka_unit_test(a_body_that_grows_beyond_the_limit_is_refused),
        cmocka_unit_test(headers_are_checked_before_a_body),
        cmocka_unit_test(bodies_without_their_parts_are_refused),
        cmocka_unit_test(label_limits_hold_at_their_edge),
        cmocka_unit_test(float_masks_must_hold_labels_or_have_a_threshold),
        cmocka_unit_test(the_contract_is_built_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
