/* test_route.c - which method and path is answered by what, and what Allow says. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
        assert_ptr_equal(route_find(routes[i].method, routes[i].path, NULL, &known), &routes[i]);
        assert_true(known);
        assert_null(route_find("PATCH", routes[i].path, NULL, &known));
        assert_true(known);
        assert_non_null(routes[i].handle);
    }
}

static void head_is_answered_as_get(void **state)
{
    bool known;

    (void)state;
    assert_ptr_equal(route_find("HEAD", "/livez", NULL, &known),
                     route_find("GET", "/livez", NULL, &known));
    assert_null(route_find("HEAD", "/v1/score", NULL, &known));
}

static void paths_match_whole(void **state)
{
    static const char *const unknown[] = {"",       "/",       "/livez/", "/live",      "/livezz",
                                          "/LIVEZ", "//livez", "/v1",     "/v1/score/", "*"};
    bool known = true;

    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_null(route_find("GET", unknown[i], NULL, &known));
        assert_false(known);
    }
}

static void braces_stand_for_one_part_of_a_path(void **state)
{
    static const char *const unknown[] = {"/v1/shm/", "/v1/shm/a/", "/v1/shm/a/b", "/v1/shm//",
                                          "/v1/shms/a"};
    struct route_values values = {.n = 0};
    bool known;

    (void)state;
    assert_non_null(route_find("DELETE", "/v1/shm/a.b", &values, &known));
    assert_int_equal(values.n, 1);
    assert_int_equal(values.list[0].n, 3);
    assert_memory_equal(values.list[0].text, "a.b", 3);
    assert_null(route_find("POST", "/v1/shm/a.b", &values, &known));
    assert_true(known);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_null(route_find("GET", unknown[i], &values, &known));
        assert_false(known);
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
    expect_allow("/livez", "GET, HEAD, OPTIONS");
    expect_allow("/v1/shm/a", "PUT, GET, HEAD, DELETE, OPTIONS");
    expect_allow("*", "GET, HEAD, POST, PUT, DELETE, OPTIONS");
}

static void the_asterisk_is_for_options(void **state)
{
    bool known = false;

    (void)state;
    assert_null(route_find("OPTIONS", "*", NULL, &known));
    assert_true(known);
    assert_null(route_find("GET", "*", NULL, &known));
    assert_false(known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_found_by_its_method_alone),
        cmocka_unit_test(head_is_answered_as_get),
        cmocka_unit_test(paths_match_whole),
        cmocka_unit_test(braces_stand_for_one_part_of_a_path),
        cmocka_unit_test(allow_lists_the_methods),
        cmocka_unit_test(the_asterisk_is_for_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
