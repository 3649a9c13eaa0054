/* test_origin.c - which pages may use the daemon, as a table. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/origin.h"

#define LISTED "https://a.example, http://b.example:8080"

static const struct {
    const char *origin;
    const char *host;
    enum origin verdict;
} cases[] = {
    {NULL, "localhost:8040", ORIGIN_NONE},
    {"http://localhost:8040", "localhost:8040", ORIGIN_SELF},
    {"https://scores.example", "scores.example", ORIGIN_SELF},
    {"https://scores.example", "SCORES.example", ORIGIN_SELF},
    {"http://[::1]:8040", "[::1]:8040", ORIGIN_SELF},
    {"http://localhost:8041", "localhost:8040", ORIGIN_FOREIGN},
    {"http://localhost", "localhost:8040", ORIGIN_FOREIGN},
    {"http://localhost:8040.evil.example", "localhost:8040", ORIGIN_FOREIGN},
    {"ftp://localhost:8040", "localhost:8040", ORIGIN_FOREIGN},
    {"localhost:8040", "localhost:8040", ORIGIN_FOREIGN},
    {"http://", "", ORIGIN_SELF}, /* no browser sends it, and the gate refuses such a Host */
    {"https://a.example", "x", ORIGIN_LISTED},
    {"http://b.example:8080", "x", ORIGIN_LISTED},
    {"http://b.example:8080", NULL, ORIGIN_LISTED},
    {"http://a.example", "x", ORIGIN_FOREIGN},
    {"https://a.example:443", "x", ORIGIN_FOREIGN},
    {"https://a.example.evil.example", "x", ORIGIN_FOREIGN},
    {"https://evil.example", "x", ORIGIN_FOREIGN},
    {"https://a.example, http://b.example:8080", "x", ORIGIN_FOREIGN},
    {"null", "x", ORIGIN_FOREIGN},
    {"", "x", ORIGIN_FOREIGN},
    {"*", "x", ORIGIN_FOREIGN},
};

static void each_origin_is_judged_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (origin_judge(cases[i].origin, cases[i].host, LISTED) != cases[i].verdict)
            fail_msg("'%s' at '%s'", cases[i].origin, cases[i].host);
    }
    assert_int_equal(origin_judge("https://a.example", "x", ""), ORIGIN_FOREIGN);
}

static void a_list_holds_origins_as_browsers_write_them(void **state)
{
    static const char *const wrong[] = {"*",
                                        "null",
                                        "a.example",
                                        "https://",
                                        "https://a.example/",
                                        "https://A.example",
                                        "https://a.example, b",
                                        "ftp://a.example",
                                        "https://u@a.example",
                                        "https://*.example"};

    (void)state;
    assert_true(origin_are_valid(""));
    assert_true(origin_are_valid(LISTED));
    assert_true(origin_are_valid("http://[2001:db8::1]:3000"));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(origin_are_valid(wrong[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_origin_is_judged_as_the_table_says),
        cmocka_unit_test(a_list_holds_origins_as_browsers_write_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
