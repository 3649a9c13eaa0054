/* test_request.c - options and sources from JSON and from a query; defaults; refusals. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/request.h"
#include "proto/writer.h"

static const struct limits limits = {
    .labels = 4, .regions = 2, .json_depth = 4, .json_values = 40, .request_bytes = 4096};

static bool read_both(struct request *request, const char *json, const char *name,
                      const char *value, struct problem *problem)
{
    struct parameter parameter = {name, value};

    struct request_text text = {json, json != NULL ? strlen(json) : 0, &parameter, name != NULL};

    return request_init(request, &text, &limits, problem);
}

static void expect_refused(const char *json, enum problem_code code, const char *pointer)
{
    struct request request;
    struct problem problem = {0};

    if (read_both(&request, json, NULL, NULL, &problem))
        fail_msg("%s was accepted", json);
    assert_string_equal(problem_name(problem.code), problem_name(code));
    if (pointer != NULL)
        assert_string_equal(problem.pointer, pointer);
    assert_string_not_equal(problem.detail, "");
}

static void expect_query_refused(const char *name, const char *value)
{
    struct request request;
    struct problem problem = {0};

    if (read_both(&request, NULL, name, value, &problem))
        fail_msg("%s=%s was accepted", name, value);
    assert_int_equal(problem_status(problem.code) / 100, 4);
    assert_string_not_equal(problem.detail, "");
}

/* The echo of a request, as JSON text with sorted keys. */
static char *echo(const char *json, const char *name, const char *value)
{
    struct request request;
    struct problem problem = {0};
    struct writer writer;
    json_t *options;
    size_t n;
    char *text;

    if (!read_both(&request, json, name, value, &problem))
        fail_msg("refused: %s", problem.detail);
    writer_init(&writer);
    request_write(&request, &writer);
    text = writer_take(&writer, &n);
    assert_non_null(text);
    options = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(options);
    free(text);
    text = json_dumps(options, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(options);
    request_done(&request);
    assert_non_null(text);
    return text;
}

#define DEFAULTS                                                                                \
    "{\"axes\":\"as-is\",\"background\":0,\"beta\":1.0,\"confusion\":false,"                    \
    "\"empty\":{\"both_empty\":\"null\",\"prediction_empty\":\"zero\",\"reference_empty\":"     \
    "\"zero\"},\"geometry\":\"check\",\"ignore\":[],\"labels\":\"auto\",\"metrics\":[\"dice\"," \
    "\"iou\"],\"overlap\":\"layers\",\"regions\":{},\"threshold\":null}"

static void defaults_are_those_of_the_documentation(void **state)
{
    char *none = echo(NULL, NULL, NULL);
    char *empty = echo("{}", NULL, NULL);

    (void)state;
    assert_string_equal(none, DEFAULTS);
    assert_string_equal(empty, DEFAULTS);
    free(none);
    free(empty);
}

static void what_is_echoed_can_be_sent_again(void **state)
{
    static const char json[] =
        "{\"axes\":\"reverse\",\"background\":null,\"beta\":2.5,\"confusion\":true,"
        "\"empty\":{\"both_empty\":\"one\",\"prediction_empty\":\"null\",\"reference_empty\":"
        "\"null\"},\"geometry\":\"ignore\",\"ignore\":[255,-1],\"labels\":[3,{\"label\":1,\"name\":"
        "\"liver\"}],\"metrics\":"
        "[\"mcc\",\"dice_loss\",\"generalised_dice\"],\"overlap\":\"error\",\"regions\":{\"WT\":[1,"
        "2]},\"threshold\":"
        "0.25}";
    char *once = echo(json, NULL, NULL);
    char *twice = echo(once, NULL, NULL);
    char *defaults = echo(DEFAULTS, NULL, NULL);

    (void)state;
    assert_string_equal(once, json);
    assert_string_equal(twice, json);
    assert_string_equal(defaults, DEFAULTS);
    free(once);
    free(twice);
    free(defaults);
}

static void expect_same(const char *name, const char *value, const char *json)
{
    char *query = echo(NULL, name, value);
    char *body = echo(json, NULL, NULL);

    assert_string_equal(query, body);
    free(query);
    free(body);
}

static void a_query_says_the_same_as_json(void **state)
{
    (void)state;
    expect_same("labels", "1,-2", "{\"labels\":[1,-2]}");
    expect_same("labels", "auto", "{\"labels\":\"auto\"}");
    expect_same("ignore", "255", "{\"ignore\":[255]}");
    expect_same("background", "7", "{\"background\":7}");
    expect_same("background", "none", "{\"background\":null}");
    expect_same("metrics", "iou,kappa", "{\"metrics\":[\"iou\",\"kappa\"]}");
    expect_same("beta", "0.5", "{\"beta\":0.5}");
    expect_same("empty", "one", "{\"empty\":\"one\"}");
    expect_same("threshold", "-1e-3", "{\"threshold\":-1e-3}");
    expect_same("geometry", "ignore", "{\"geometry\":\"ignore\"}");
    expect_same("axes", "reverse", "{\"axes\":\"reverse\"}");
    expect_same("confusion", "true", "{\"confusion\":true}");
}

static void bad_queries_are_refused(void **state)
{
    static const char *const bad[][2] = {
        {"labels", ""},
        {"labels", "1,"},
        {"labels", "1;2"},
        {"labels", "1.0"},
        {"labels", "1 "},
        {"labels", "0x1"},
        {"labels", "1,1"},
        {"labels", "1,2,3,4,5"},
        {"background", "-"},
        {"background", "null"},
        {"metrics", ""},
        {"metrics", "dice,"},
        {"metrics", "dicee"},
        {"beta", "0"},
        {"beta", "-1"},
        {"beta", "nan"},
        {"beta", "inf"},
        {"beta", "1e999"},
        {"beta", "0x1p0"},
        {"beta", " 1"},
        {"threshold", "x"},
        {"geometry", "off"},
        {"axes", ""},
        {"confusion", "1"},
        {"empty", "nan"},
        {"prediction", "x"},
        {"regions", "WT"},
        {"nonsense", "1"},
        {"labels", "99999999999999999999"},
        {"labels", "4294967296"},
        {"ignore", "-2147483649"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_query_refused(bad[i][0], bad[i][1]);
}

static void an_option_given_twice_is_refused(void **state)
{
    struct request request;
    struct problem problem = {0};
    struct parameter twice[] = {{"beta", "1"}, {"beta", "1"}};
    struct request_text text = {NULL, 0, twice, 2};

    (void)state;
    assert_false(read_both(&request, "{\"beta\":2}", "beta", "2", &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_PARAMETER);
    problem = (struct problem){0};
    assert_false(request_init(&request, &text, &limits, &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_PARAMETER);
    expect_refused("{\"beta\":1,\"beta\":1}", PROBLEM_BAD_JSON, NULL);
}

static void bad_members_are_refused_with_their_pointer(void **state)
{
    (void)state;
    expect_refused("{\"beat\":1}", PROBLEM_BAD_PARAMETER, "#/beat");
    expect_refused("{\"a/b~c\":1}", PROBLEM_BAD_PARAMETER, "#/a~1b~0c");
    expect_refused("{\"labels\":[]}", PROBLEM_BAD_PARAMETER, "#/labels");
    expect_refused("{\"labels\":1}", PROBLEM_BAD_PARAMETER, "#/labels");
    expect_refused("{\"labels\":[1,\"2\"]}", PROBLEM_BAD_PARAMETER, "#/labels/1");
    expect_refused("{\"labels\":[1.5]}", PROBLEM_BAD_PARAMETER, "#/labels/0");
    expect_refused("{\"labels\":[2,1,2]}", PROBLEM_BAD_PARAMETER, "#/labels");
    expect_refused("{\"labels\":[{\"name\":\"a\"}]}", PROBLEM_BAD_PARAMETER, "#/labels/0");
    expect_refused("{\"labels\":[{\"label\":1,\"nam\":\"a\"}]}", PROBLEM_BAD_PARAMETER,
                   "#/labels/0");
    expect_refused("{\"labels\":[{\"label\":1,\"name\":2}]}", PROBLEM_BAD_PARAMETER, "#/labels/0");
    expect_refused("{\"labels\":[4294967296]}", PROBLEM_LABEL_OUT_OF_RANGE, "#/labels/0");
    expect_refused("{\"ignore\":[-2147483649]}", PROBLEM_LABEL_OUT_OF_RANGE, "#/ignore/0");
    expect_refused("{\"ignore\":{}}", PROBLEM_BAD_PARAMETER, "#/ignore");
    expect_refused("{\"regions\":[1]}", PROBLEM_BAD_PARAMETER, "#/regions");
    expect_refused("{\"regions\":{\"WT\":[1,1]}}", PROBLEM_BAD_PARAMETER, "#/regions/WT");
    expect_refused("{\"regions\":{\"WT\":[]}}", PROBLEM_BAD_PARAMETER, "#/regions/WT");
    expect_refused("{\"beta\":1e7}", PROBLEM_BAD_PARAMETER, "#/beta");
    expect_refused("{\"beta\":1e-7}", PROBLEM_BAD_PARAMETER, "#/beta");
    expect_refused("{\"background\":\"0\"}", PROBLEM_BAD_PARAMETER, "#/background");
    expect_refused("{\"metrics\":[]}", PROBLEM_BAD_PARAMETER, "#/metrics");
    expect_refused("{\"metrics\":[\"dice\",\"dice\"]}", PROBLEM_BAD_PARAMETER, "#/metrics/1");
    expect_refused("{\"metrics\":[\"generalised_dice\",\"generalised_dice\"]}",
                   PROBLEM_BAD_PARAMETER, "#/metrics/1");
    expect_refused("{\"metrics\":[7]}", PROBLEM_BAD_PARAMETER, "#/metrics/0");
    expect_refused("{\"beta\":\"1\"}", PROBLEM_BAD_PARAMETER, "#/beta");
    expect_refused("{\"empty\":null}", PROBLEM_BAD_PARAMETER, "#/empty");
    expect_refused("{\"empty\":{\"both\":\"one\"}}", PROBLEM_BAD_PARAMETER, "#/empty/both");
    expect_refused("{\"empty\":{\"both_empty\":1}}", PROBLEM_BAD_PARAMETER, "#/empty/both_empty");
    expect_refused("{\"threshold\":\"0\"}", PROBLEM_BAD_PARAMETER, "#/threshold");
    expect_refused("{\"confusion\":1}", PROBLEM_BAD_PARAMETER, "#/confusion");
}

static void limits_hold_at_their_edge(void **state)
{
    (void)state;
    free(echo("{\"labels\":[1,2,3,4],\"ignore\":[5,6,7,8],\"regions\":{\"a\":[1],\"b\":[2]}}", NULL,
              NULL));
    expect_refused("{\"labels\":[1,2,3,4,5]}", PROBLEM_TOO_MANY_LABELS, "#/labels");
    expect_refused("{\"ignore\":[1,2,3,4,5]}", PROBLEM_TOO_MANY_LABELS, "#/ignore");
    expect_refused("{\"regions\":{\"a\":[1],\"b\":[2],\"c\":[3]}}", PROBLEM_TOO_MANY_LABELS,
                   "#/regions");
}

static void malformed_json_is_refused(void **state)
{
    (void)state;
    expect_refused("", PROBLEM_BAD_JSON, NULL);
    expect_refused("[]", PROBLEM_BAD_JSON, NULL);
    expect_refused("{", PROBLEM_BAD_JSON, NULL);
    expect_refused("\"", PROBLEM_BAD_JSON, NULL);
    expect_refused("\"\\", PROBLEM_BAD_JSON, NULL);
    expect_refused("{}{}", PROBLEM_BAD_JSON, NULL);
    expect_refused("{\"beta\":NaN}", PROBLEM_BAD_JSON, NULL);
    expect_refused("{\"beta\":1e999}", PROBLEM_BAD_JSON, NULL);
    expect_refused("{\"beta\":99999999999999999999}", PROBLEM_BAD_JSON, NULL);
    expect_refused("{\"\xff\":1}", PROBLEM_BAD_JSON, NULL);
    expect_refused("{\"a\\u0000b\":1}", PROBLEM_BAD_JSON, NULL);
}

/* 4 levels and 40 values are the limits here; brackets inside strings are text. */
static void json_is_bounded_before_it_is_parsed(void **state)
{
    char many[256] = "{\"ignore\":[";

    (void)state;
    expect_refused("{\"a\":[[[1]]]}", PROBLEM_BAD_PARAMETER, "#/a");
    expect_refused("{\"a\":[[[[1]]]]}", PROBLEM_BAD_JSON, "");
    expect_refused("{\"[[[[[\\\"[[[[\":1}", PROBLEM_BAD_PARAMETER, NULL);
    for (int i = 0; i < 37; i++)
        strcat(many, "0,");
    strcat(many, "0]}");
    expect_refused(many, PROBLEM_TOO_MANY_LABELS, "#/ignore");
    strcpy(many + strlen(many) - 2, ",0]}");
    expect_refused(many, PROBLEM_BAD_JSON, "");
}

static void sources_are_read_and_default_to_guessing(void **state)
{
    static const char json[] =
        "{\"prediction\":{\"format\":\"raw\",\"encoding\":\"zlib\",\"dtype\":\"uint16\","
        "\"shape\":[3,4],\"order\":\"F\"},\"reference\":{\"base64\":\"AAAA\"}}";
    struct request request;
    struct problem problem = {0};

    (void)state;
    assert_true(read_both(&request, json, NULL, NULL, &problem));
    assert_int_equal(request.prediction.format, FORMAT_RAW);
    assert_int_equal(request.prediction.coding, CODING_ZLIB);
    assert_int_equal(request.prediction.dtype, OV_U16);
    assert_int_equal(request.prediction.ndim, 2);
    assert_int_equal(request.prediction.shape[1], 4);
    assert_int_equal(request.prediction.order, OV_ORDER_F);
    assert_true(request.prediction.declared);
    assert_int_equal(request.reference.format, FORMAT_AUTO);
    assert_int_equal(request.reference.coding, CODING_AUTO);
    assert_false(request.reference.declared);
    assert_string_equal(request.reference.base64, "AAAA");
    request_done(&request);
}

static void bad_sources_are_refused(void **state)
{
    (void)state;
    expect_refused("{\"prediction\":1}", PROBLEM_BAD_PARAMETER, "#/prediction");
    expect_refused("{\"prediction\":{\"part\":\"reference\"}}", PROBLEM_BAD_PARAMETER,
                   "#/prediction/part");
    expect_refused("{\"prediction\":{\"part\":\"prediction\",\"base64\":\"\"}}",
                   PROBLEM_BAD_PARAMETER, "#/prediction");
    expect_refused("{\"reference\":{\"format\":\"bmp\"}}", PROBLEM_BAD_PARAMETER,
                   "#/reference/format");
    expect_refused("{\"reference\":{\"encoding\":\"br\"}}", PROBLEM_BAD_PARAMETER,
                   "#/reference/encoding");
    expect_refused("{\"reference\":{\"dtype\":\"uint9\"}}", PROBLEM_BAD_PARAMETER,
                   "#/reference/dtype");
    expect_refused("{\"reference\":{\"order\":\"c\"}}", PROBLEM_BAD_PARAMETER, "#/reference/order");
    expect_refused("{\"reference\":{\"shape\":[0]}}", PROBLEM_BAD_PARAMETER, "#/reference/shape");
    expect_refused("{\"reference\":{\"shape\":[]}}", PROBLEM_BAD_PARAMETER, "#/reference/shape");
    expect_refused("{\"reference\":{\"shape\":[1,1,1,1,1,1,1,1]}}", PROBLEM_BAD_PARAMETER,
                   "#/reference/shape");
    expect_refused("{\"reference\":{\"dtype\":7}}", PROBLEM_BAD_PARAMETER, "#/reference/dtype");
    expect_refused("{\"reference\":{\"url\":\"http://x\"}}", PROBLEM_BAD_PARAMETER,
                   "#/reference/url");
    expect_refused("{\"reference\":{\"rle\":{},\"format\":\"npy\"}}", PROBLEM_BAD_PARAMETER,
                   "#/reference");
    expect_refused("{\"reference\":{\"format\":\"encord\",\"rle\":{}}}", PROBLEM_BAD_PARAMETER,
                   "#/reference");
    expect_refused("{\"reference\":{\"rle\":{},\"encoding\":\"gzip\"}}", PROBLEM_BAD_PARAMETER,
                   "#/reference");
    expect_refused("{\"reference\":{\"shm\":\"a\",\"strides\":[1],\"order\":\"C\"}}",
                   PROBLEM_BAD_PARAMETER, "#/reference");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_documentation),
        cmocka_unit_test(what_is_echoed_can_be_sent_again),
        cmocka_unit_test(a_query_says_the_same_as_json),
        cmocka_unit_test(bad_queries_are_refused),
        cmocka_unit_test(an_option_given_twice_is_refused),
        cmocka_unit_test(bad_members_are_refused_with_their_pointer),
        cmocka_unit_test(limits_hold_at_their_edge),
        cmocka_unit_test(malformed_json_is_refused),
        cmocka_unit_test(json_is_bounded_before_it_is_parsed),
        cmocka_unit_test(sources_are_read_and_default_to_guessing),
        cmocka_unit_test(bad_sources_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
