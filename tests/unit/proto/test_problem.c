/* test_problem.c - problem documents. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "proto/problem.h"

static void the_first_problem_wins(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_false(problem_set(&problem, PROBLEM_BAD_MASK, "#/prediction", "first %d", 1));
    assert_false(problem_set(&problem, PROBLEM_INTERNAL, NULL, "second"));
    assert_int_equal(problem.code, PROBLEM_BAD_MASK);
    assert_string_equal(problem.detail, "first 1");
    assert_string_equal(problem.pointer, "#/prediction");
}

static void a_document_has_the_members_of_rfc_9457(void **state)
{
    struct problem problem = {0};
    size_t n = 0;
    char *text;
    json_t *json;

    (void)state;
    problem_set(&problem, PROBLEM_SHAPE_MISMATCH, "#/prediction/shape", "a \"quoted\" detail");
    text = problem_print(&problem, "/v1/score", &n);
    assert_non_null(text);
    assert_int_equal(n, strlen(text));
    json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "type")),
                        "/problems/shape-mismatch");
    assert_int_equal(json_integer_value(json_object_get(json, "status")), 422);
    assert_string_equal(json_string_value(json_object_get(json, "code")), "shape-mismatch");
    assert_string_equal(json_string_value(json_object_get(json, "detail")), "a \"quoted\" detail");
    assert_string_equal(json_string_value(json_object_get(json, "instance")), "/v1/score");
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(json, "errors"), 0), "pointer")),
                        "#/prediction/shape");
    json_decref(json);
    free(text);
}

static void bytes_that_are_not_text_do_not_break_a_document(void **state)
{
    struct problem problem = {0};
    size_t n = 0;
    char *text;

    (void)state;
    problem_set(&problem, PROBLEM_UNKNOWN_PART, "#/\xff", "part \"%s\"", "\x80\xff\r\n\x1b[31m");
    assert_string_equal(problem.detail, "part \"?????[31m\"");
    text = problem_print(&problem, NULL, &n);
    assert_non_null(text);
    assert_null(strstr(text, "instance"));
    free(text);
}

static void details_too_long_are_cut(void **state)
{
    struct problem problem = {0};

    (void)state;
    problem_set(&problem, PROBLEM_BAD_JSON, NULL, "%0600d", 0);
    assert_int_equal(strlen(problem.detail), sizeof(problem.detail) - 1);
}

static void every_code_has_a_status_between_400_and_507_and_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = PROBLEM_NONE + 1; i < PROBLEM_N; i++) {
        enum problem_code code = (enum problem_code)i;

        assert_in_range(problem_status(code), 400, 507);
        for (int k = PROBLEM_NONE + 1; k < i; k++)
            assert_string_not_equal(problem_name(code), problem_name((enum problem_code)k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_problem_wins),
        cmocka_unit_test(a_document_has_the_members_of_rfc_9457),
        cmocka_unit_test(bytes_that_are_not_text_do_not_break_a_document),
        cmocka_unit_test(details_too_long_are_cut),
        cmocka_unit_test(every_code_has_a_status_between_400_and_507_and_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
