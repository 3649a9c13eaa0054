/* test_scope.c - scopes as text and as a set. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/scope.h"

static void names_make_a_set(void **state)
{
    unsigned scopes = 99;

    (void)state;
    assert_true(scope_parse("score", &scopes));
    assert_int_equal(scopes, SCOPE_SCORE);
    assert_true(scope_parse("read, admin,read", &scopes));
    assert_int_equal(scopes, SCOPE_READ | SCOPE_ADMIN);
    assert_true(scope_parse("score,read,write,shm,metrics,admin", &scopes));
    assert_int_equal(scopes, SCOPE_ANY);
}

static void other_words_and_none_are_refused(void **state)
{
    static const char *const wrong[] = {"", ",", "scores", "scor", "Score", "score,x", "*", "all"};
    unsigned scopes = 99;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(scope_parse(wrong[i], &scopes));
    assert_int_equal(scopes, 99);
}

static void a_set_is_printed_as_it_is_read(void **state)
{
    char text[SCOPE_TEXT_BYTES];
    unsigned read = 0;

    (void)state;
    for (unsigned scopes = 1; scopes <= SCOPE_ANY; scopes++) {
        scope_print(scopes, ",", text);
        assert_true(scope_parse(text, &read));
        assert_int_equal(read, scopes);
    }
    scope_print(SCOPE_SCORE | SCOPE_SHM, " or ", text);
    assert_string_equal(text, "score or shm");
    scope_print(SCOPE_ANY, " or ", text);
    assert_string_equal(text, "score or read or write or shm or metrics or admin");
    scope_print(SCOPE_NONE, ",", text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_make_a_set),
        cmocka_unit_test(other_words_and_none_are_refused),
        cmocka_unit_test(a_set_is_printed_as_it_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
