/* test_rle_string.c - the string codec of COCO and Encord, on published vectors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs the above */
#include <cmocka.h>

#include "proto/format/rle_string.h"

static void assert_counts(const char *text, const int64_t *counts, size_t n)
{
    struct rle_string string = rle_string_of(text, strlen(text));

    for (size_t i = 0; i < n; i++) {
        int64_t count;

        assert_true(string.at < string.end);
        assert_null(rle_string_next(&string, &count));
        assert_int_equal(count, counts[i]);
    }
    assert_ptr_equal(string.at, string.end);
}

/* The first problem in a string. */
static void assert_wrong(const char *text, size_t n, const char *words)
{
    struct rle_string string = rle_string_of(text, n);
    const char *wrong = NULL;
    int64_t count;

    while (wrong == NULL && string.at < string.end)
        wrong = rle_string_next(&string, &count);
    assert_non_null(wrong);
    assert_non_null(strstr(wrong, words));
}

/* Written by pycocotools. */
static void published_strings_are_read(void **state)
{
    static const int64_t one[] = {3, 2, 1, 1, 5}, two[] = {7, 2, 3}, empty[] = {12},
                         full[] = {0, 12}, large[] = {1000, 5, 1000, 5};

    (void)state;
    assert_counts("321O4", one, 5);
    assert_counts("723", two, 3);
    assert_counts("<", empty, 1);
    assert_counts("0<", full, 2);
    assert_counts("Xo05Xo00", large, 4);
}

static void counts_from_the_fourth_on_are_differences(void **state)
{
    static const int64_t counts[] = {1, 1, 1, 2, 3, -1};

    (void)state;
    /* 1, 1, 1, then 2 - 1, 3 - 1, -1 - 2 */
    assert_counts("11112M", counts, 6);
}

static void a_string_that_ends_within_a_count_is_refused(void **state)
{
    (void)state;
    assert_wrong("X", 1, "ends within");
    assert_wrong("3Xo", 3, "ends within");
    assert_wrong("ooooooo", 7, "ends within");
}

static void a_count_of_more_than_35_bits_is_refused(void **state)
{
    static const int64_t smallest[] = {-17179869184};

    (void)state;
    assert_wrong("PPPPPPP0", 8, "more than 7");
    assert_wrong("oooooooooooooooooooooooooooooooo0", 33, "more than 7");
    assert_counts("PPPPPP@", smallest, 1);
}

static void characters_outside_the_alphabet_are_refused(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char text[2] = {(char)c, '\0'};

        if (c < 48 || c > 111)
            assert_wrong(text, 1, "outside");
    }
    assert_wrong("\0", 1, "outside");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_strings_are_read),
        cmocka_unit_test(counts_from_the_fourth_on_are_differences),
        cmocka_unit_test(a_string_that_ends_within_a_count_is_refused),
        cmocka_unit_test(a_count_of_more_than_35_bits_is_refused),
        cmocka_unit_test(characters_outside_the_alphabet_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
