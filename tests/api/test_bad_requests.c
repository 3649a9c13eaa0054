/* test_bad_requests.c - options and JSON that are not well put: a named problem that says where. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/refusal.h"

/* The request part of a good pair. */
static struct answer post_request(const char *request)
{
    return post_files(good_npy(), good_npy(), request);
}

static struct answer post_query(const char *query)
{
    char path[512];
    snprintf(path, sizeof path, "/v1/score?%s", query);
    return post_files_to(shared, path, good_npy(), good_npy(), NULL);
}

static void unknown_members_are_pointed_at(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"{\"foo\":1}", "#/foo"},
                                           {"{\"Labels\":[1]}", "#/Labels"},
                                           {"{\"a/b~c\":1}", "#/a~1b~0c"},
                                           {"{\"prediction\":{\"foo\":1}}", "#/prediction/foo"},
                                           {"{\"reference\":{\"shap\":[6]}}", "#/reference/shap"},
                                           {"{\"empty\":{\"foo\":\"one\"}}", "#/empty/foo"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused_at(post_request(cases[i][0]), "bad-parameter", cases[i][1]);
}

static void bad_values_are_pointed_at(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"labels\":\"x\"}", "#/labels"},
        {"{\"labels\":7}", "#/labels"},
        {"{\"labels\":[1,1]}", "#/labels"},
        {"{\"labels\":[1,1.5]}", "#/labels/1"},
        {"{\"labels\":[\"1\"]}", "#/labels/0"},
        {"{\"labels\":[1,{\"name\":\"x\"}]}", "#/labels/1"},
        {"{\"labels\":[{\"label\":1,\"name\":7}]}", "#/labels/0"},
        {"{\"regions\":[1]}", "#/regions"},
        {"{\"regions\":{\"a\":1}}", "#/regions/a"},
        {"{\"regions\":{\"a\":[1,\"x\"]}}", "#/regions/a/1"},
        {"{\"ignore\":255}", "#/ignore"},
        {"{\"ignore\":[0.5]}", "#/ignore/0"},
        {"{\"background\":\"none\"}", "#/background"},
        {"{\"metrics\":\"dice\"}", "#/metrics"},
        {"{\"metrics\":[\"dice\",\"foo\"]}", "#/metrics/1"},
        {"{\"metrics\":[1]}", "#/metrics/0"},
        {"{\"beta\":0}", "#/beta"},
        {"{\"beta\":-1}", "#/beta"},
        {"{\"beta\":\"1\"}", "#/beta"},
        {"{\"empty\":\"two\"}", "#/empty"},
        {"{\"empty\":{\"both_empty\":\"two\"}}", "#/empty/both_empty"},
        {"{\"empty\":{\"reference_empty\":1}}", "#/empty/reference_empty"},
        {"{\"threshold\":\"0.5\"}", "#/threshold"},
        {"{\"geometry\":\"maybe\"}", "#/geometry"},
        {"{\"axes\":\"up\"}", "#/axes"},
        {"{\"confusion\":\"yes\"}", "#/confusion"},
        {"{\"confusion\":1}", "#/confusion"},
        {"{\"prediction\":5}", "#/prediction"},
        {"{\"prediction\":{\"part\":\"reference\"}}", "#/prediction/part"},
        {"{\"prediction\":{\"format\":\"bmp\"}}", "#/prediction/format"},
        {"{\"prediction\":{\"encoding\":\"brotli\"}}", "#/prediction/encoding"},
        {"{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint9\",\"shape\":[6]}}",
         "#/prediction/dtype"},
        {"{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":6}}",
         "#/prediction/shape"},
        {"{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[6],\"order\":\"K\"}}",
         "#/prediction/order"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused_at(post_request(cases[i][0]), "bad-parameter", cases[i][1]);
}

/* And the reason given is that, not something else. */
static void what_belongs_to_raw_is_refused_elsewhere(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "{\"prediction\":{\"format\":\"npy\",\"dtype\":\"uint8\",\"shape\":[6]}}",
        "{\"prediction\":{\"dtype\":\"uint8\",\"shape\":[6]}}",
        "{\"prediction\":{\"format\":\"npy\",\"dtype\":\"uint8\"}}",
        "{\"prediction\":{\"format\":\"npy\",\"shape\":[6]}}",
        "{\"prediction\":{\"format\":\"npy\",\"order\":\"C\"}}"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct answer answer = post_request(requests[i]);
        assert_problem(&answer, 400, "bad-parameter");
        if (!strstr((const char *)answer.body.data, "npy"))
            fail_msg("%s: %s", requests[i], (const char *)answer.body.data);
        answer_free(&answer);
    }
}

static void raw_needs_its_dtype_and_shape(void **state)
{
    (void)state;
    assert_refused(post_request("{\"prediction\":{\"format\":\"raw\",\"shape\":[6]}}"), 400,
                   "bad-parameter");
    assert_refused(post_request("{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\"}}"), 400,
                   "bad-parameter");
    assert_refused(
        post_request("{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[-6]}}"),
        400, "bad-parameter");
    assert_refused(
        post_request("{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[]}}"), 400,
        "bad-parameter");
    assert_refused(
        post_request("{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[0]}}"),
        400, "bad-parameter");
}

static void bad_query_parameters_are_refused(void **state)
{
    (void)state;
    static const char *const queries[] = {
        "foo=1",       "label=1",      "labels=a",          "labels=",      "labels=1,1",
        "labels=1,,2", "labels=1.5",   "ignore=x",          "background=x", "metrics=foo",
        "metrics=",    "beta=0",       "beta=-1",           "beta=nan",     "beta=1e999",
        "empty=two",   "threshold=",   "threshold=abc",     "axes=up",      "geometry=none",
        "confusion=1", "threshold=1x", "labels=1&labels=2", "threshold=nan"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        assert_refused(post_query(queries[i]), 400, "bad-parameter");
}

static void an_option_given_twice_is_refused(void **state)
{
    (void)state;
    assert_refused(
        post_files_to(shared, "/v1/score?beta=2", good_npy(), good_npy(), "{\"beta\":2}"), 400,
        "bad-parameter");
    assert_refused(
        post_files_to(shared, "/v1/score?labels=1", good_npy(), good_npy(), "{\"labels\":[1]}"),
        400, "bad-parameter");
}

static void labels_out_of_range_are_refused_in_the_request_too(void **state)
{
    (void)state;
    assert_refused(post_query("labels=4294967296"), 422, "label-out-of-range");
    assert_refused(post_query("labels=-2147483649"), 422, "label-out-of-range");
    assert_refused(post_request("{\"labels\":[4294967296]}"), 422, "label-out-of-range");
    assert_refused(post_request("{\"ignore\":[-2147483649]}"), 422, "label-out-of-range");
    assert_accepted(post_query("labels=4294967295,-2147483648"));
}

static void malformed_json_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"x\"",
        "{\"a\":}",
        "{}x",
        "{} {}",
        "{'beta':1}",
        "{,}",
        "{\"beta\":01}",
        "{\"beta\":NaN}",
        "{\"beta\":1e999}",
        "{\"beta\":1,}",
        "{\"beta\":1 /* */}",
        "{\"beta\":tru}",
        "{\"beta\":1,\"beta\":1}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\n\"}",
        "\xef\xbb\xbf{}x",
        "{\"empty\":{\"both_empty\":\"one\",\"both_empty\":\"one\"}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_refused(post_request(texts[i]), 400, "bad-json");
        assert_refused(answer_post_json(shared, "/v1/score", texts[i]), 400, "bad-json");
    }
}

static void json_cut_anywhere_is_refused(void **state)
{
    (void)state;
    const char *whole =
        "{\"prediction\":{\"base64\":\"AAEB\",\"format\":\"raw\",\"dtype\":\"uint8\","
        "\"shape\":[3]},\"reference\":{\"base64\":\"AAEB\",\"format\":\"raw\","
        "\"dtype\":\"uint8\",\"shape\":[3]}}";
    char text[256];
    assert_accepted(answer_post_json(shared, "/v1/score", whole));
    for (size_t size = 0; size < strlen(whole); size++) {
        memcpy(text, whole, size), text[size] = 0;
        assert_refused(answer_post_json(shared, "/v1/score", text), 400, "bad-json");
    }
}

/* {"x":[[[...]]]} of this depth, the object counted. */
static struct answer post_depth(int depth)
{
    char text[256] = "{\"x\":";
    size_t used = strlen(text);
    memset(text + used, '[', (size_t)depth - 1);
    memset(text + used + (size_t)depth - 1, ']', (size_t)depth - 1);
    strcpy(text + used + 2 * ((size_t)depth - 1), "}");
    return post_request(text);
}

static void json_may_be_32_deep_and_no_deeper(void **state)
{
    (void)state;
    assert_refused_at(post_depth(32), "bad-parameter", "#/x");
    assert_refused(post_depth(33), 400, "bad-json");
    assert_refused(post_depth(100), 400, "bad-json");
}

static void bad_base64_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"A",     "AAE",   "AAE*",    "AA=E", "=AAA",
                                        "AAEB=", "A AEB", "AAEB\\n", "AB=="};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{\"prediction\":{\"base64\":\"%s\",\"format\":\"raw\",\"dtype\":\"uint8\","
                 "\"shape\":[3]},"
                 "\"reference\":{\"base64\":\"AAEB\",\"format\":\"raw\",\"dtype\":\"uint8\","
                 "\"shape\":[3]}}",
                 texts[i]);
        assert_refused(answer_post_json(shared, "/v1/score", text), 400, "bad-parameter");
    }
}

static void hostile_names_come_back_harmless(void **state)
{
    (void)state;
    static const char *const requests[] = {"{\"\\u0001\\u001b[31m\":1}",
                                           "{\"\\\"\\\\</script>\":1}", "{\"\xe2\x80\xa8\":1}",
                                           "{\"%s%n%x\":1}"};
    for (size_t i = 0; i < 4; i++) {
        struct answer answer = post_request(requests[i]);
        assert_problem(&answer, 400, "bad-parameter");
        for (size_t k = 0; k < answer.body.size; k++)
            assert_true(answer.body.data[k] >= 0x20 || answer.body.data[k] == '\n');
        answer_free(&answer);
    }
    char name[8192] = "{\"";
    memset(name + 2, 'n', sizeof name - 10);
    strcpy(name + sizeof name - 8, "\":1}");
    struct answer answer = post_request(name);
    assert_problem(&answer, 400, "bad-parameter");
    assert_true(answer.body.size < 2048);
    answer_free(&answer);
}

int main(void)
{
#define REFUSAL(test) cmocka_unit_test_teardown(test, is_well)
    const struct CMUnitTest tests[] = {
        REFUSAL(unknown_members_are_pointed_at),
        REFUSAL(bad_values_are_pointed_at),
        REFUSAL(what_belongs_to_raw_is_refused_elsewhere),
        REFUSAL(raw_needs_its_dtype_and_shape),
        REFUSAL(bad_query_parameters_are_refused),
        REFUSAL(an_option_given_twice_is_refused),
        REFUSAL(labels_out_of_range_are_refused_in_the_request_too),
        REFUSAL(malformed_json_is_refused),
        REFUSAL(json_cut_anywhere_is_refused),
        REFUSAL(json_may_be_32_deep_and_no_deeper),
        REFUSAL(bad_base64_is_refused),
        REFUSAL(hostile_names_come_back_harmless),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
