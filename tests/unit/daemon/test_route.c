/* test_route.c - which method and path is answered by what, and what Allow says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/route.h"

static void every_route_is_found_by_its_method_alone(void **state)
{
    size_t n;
    const struct route *routes = route_list(&n);
    bool known;

    (void)state;
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(route_find(routes[i].method, routes[i].path, &known), &routes[i]);
        assert_true(known);
        assert_null(route_find("PATCH", routes[i].path, &known));
        assert_true(known);
        assert_non_null(routes[i].handle);
    }
}

static void head_is_answered_as_get(void **state)
{
    bool known;

    (void)state;
    assert_ptr_equal(route_find("HEAD", "/livez", &known), route_find("GET", "/livez", &known));
    assert_null(route_find("HEAD", "/v1/score", &known));
}

static void paths_match_whole(void **state)
{
    static const char *const unknown[] = {"",       "/x",      "/livez/", "/live",      "/livezz",
                                          "/LIVEZ", "//livez", "/v1",     "/v1/score/", "*"};
    bool known = true;

    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_null(route_find("GET", unknown[i], &known));
        assert_false(known);
    }
}

static void a_name_takes_one_segment_that_is_not_empty(void **state)
{
    bool known;
    struct route_values values;
    const struct route *route = route_find("PUT", "/v1/runs/a b/cases/{x}", &known);

    (void)state;
    assert_non_null(route);
    route_values(route, "/v1/runs/a b/cases/{x}", &values);
    assert_string_equal(values.text[0], "a b");
    assert_string_equal(values.text[1], "{x}");
    assert_false(values.too_long);
    assert_null(route_find("PUT", "/v1/runs//cases/x", &known));
    assert_false(known);
    assert_null(route_find("PUT", "/v1/runs/a/cases/", &known));
    assert_false(known);
    assert_null(route_find("PUT", "/v1/runs/a/b/cases/c", &known));
    assert_false(known);
}

static void a_name_may_have_128_bytes(void **state)
{
    char path[256];
    bool known;
    struct route_values values;

    (void)state;
    for (size_t n = 128; n <= 129; n++) {
        snprintf(path, sizeof(path), "/v1/runs/%0*d", (int)n, 7);
        route_values(route_find("GET", path, &known), path, &values);
        assert_int_equal(strlen(values.text[0]), 128);
        assert_int_equal(values.too_long, n == 129);
    }
}

static void expect_allow(const char *path, const char *wanted)
{
    char text[64];

    route_allow(path, text, sizeof(text));
    assert_string_equal(text, wanted);
}

static void allow_lists_the_methods(void **state)
{
    (void)state;
    expect_allow("/v1/score", "POST, OPTIONS");
    expect_allow("/v1/runs/a/cases/b", "GET, HEAD, PUT, DELETE, OPTIONS");
    expect_allow("/v1/shm/a", "GET, HEAD, PUT, DELETE, OPTIONS");
    expect_allow("/livez", "GET, HEAD, OPTIONS");
    expect_allow("*", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
}

static void the_asterisk_is_for_options(void **state)
{
    bool known = false;

    (void)state;
    assert_null(route_find("OPTIONS", "*", &known));
    assert_true(known);
    assert_null(route_find("GET", "*", &known));
    assert_false(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_found_by_its_method_alone),
        cmocka_unit_test(head_is_answered_as_get),
        cmocka_unit_test(paths_match_whole),
        cmocka_unit_test(a_name_takes_one_segment_that_is_not_empty),
        cmocka_unit_test(a_name_may_have_128_bytes),
        cmocka_unit_test(allow_lists_the_methods),
        cmocka_unit_test(the_asterisk_is_for_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
