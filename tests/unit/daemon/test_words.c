/* test_words.c - lists in the configuration, well put and badly. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/words.h"

static void commas_and_blanks_separate(void **state)
{
    const char *list = " a,, bc\t,d ";
    const char *word;
    size_t n;

    (void)state;
    assert_true(words_next(&list, &word, &n));
    assert_true(n == 1 && memcmp(word, "a", 1) == 0);
    assert_true(words_next(&list, &word, &n));
    assert_true(n == 2 && memcmp(word, "bc", 2) == 0);
    assert_true(words_next(&list, &word, &n));
    assert_true(n == 1 && memcmp(word, "d", 1) == 0);
    assert_false(words_next(&list, &word, &n));
}

static void words_are_found_whole_and_in_either_case(void **state)
{
    (void)state;
    assert_true(words_have("one, Two", "two"));
    assert_false(words_have("one, two", "tw"));
    assert_false(words_have("one, two", "twoo"));
    assert_false(words_have("one, two", "one, two"));
    assert_false(words_have("", ""));
}

static void ids_are_numbers_below_the_last(void **state)
{
    (void)state;
    assert_true(words_are_ids(""));
    assert_true(words_are_ids("0, 1000 65534,4294967294"));
    assert_false(words_are_ids("4294967295")); /* (uid_t)-1 is nobody's */
    assert_false(words_are_ids("4294967296"));
    assert_false(words_are_ids("18446744073709551616"));
    assert_false(words_are_ids("-1"));
    assert_false(words_are_ids("1, root"));
    assert_false(words_are_ids("0x1"));
}

static void an_id_is_found_by_its_value(void **state)
{
    (void)state;
    assert_true(words_have_id("5, 1000", 1000));
    assert_true(words_have_id("005", 5));
    assert_false(words_have_id("5, 1000", 100));
    assert_false(words_have_id("", 0));
    assert_false(words_have_id("4294967296", 0)); /* does not wrap */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_blanks_separate),
        cmocka_unit_test(words_are_found_whole_and_in_either_case),
        cmocka_unit_test(ids_are_numbers_below_the_last),
        cmocka_unit_test(an_id_is_found_by_its_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
