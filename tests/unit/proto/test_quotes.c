/* test_quotes.c - long strings read around jansson: the same values, by jansson's own reading. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the above */
#include <cmocka.h>

#include "proto/json.h"
#include "proto/quotes.h"

#define FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)

/* 40 characters: long enough to be taken out. */
#define LONG "0123456789abcdefghijABCDEFGHIJklmnopqrst"

static void assert_read_alike(const char *text)
{
    json_t *expected = json_loads(text, FLAGS, NULL);
    json_t *json = quotes_load(text, strlen(text), FLAGS);

    assert_non_null(expected);
    if (json == NULL || !json_equal(json, expected))
        fail_msg("%s is read otherwise", text);
    json_decref(json);
    json_decref(expected);
}

static void strings_go_where_they_were(void **state)
{
    static const char *const texts[] = {
        "\"" LONG "\"",
        "[\"\",\"" LONG "\",\"\",\"" LONG "1\"]",
        "{\"a\":\"x\",\"b\":\"" LONG "\",\"" LONG "\":\"\",\"c\":[[\"" LONG "2\"],\"\"]}",
        "{\"" LONG "\" \t\r\n:\"" LONG "\",\"\":{\"\":\"" LONG "3\"}}",
        " [ 1 , null , { \"z\" : [ \"" LONG "\" , true ] , \"a\" : \"" LONG "4\" } , 2.5 ] ",
        "[\"" LONG ":\",\"[{\\\"" LONG ",\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_read_alike(texts[i]);
}

static void escapes_mean_what_they_mean(void **state)
{
    static const char *const texts[] = {
        "[\"\\\\" LONG "\\\"\\/\\\\\"]",
        "[\"" LONG "\\\\\",\"" LONG "\\\\\\\\\"]",
        "[\"" LONG "\",\"\\u00e9" LONG "\",\"" LONG "\\n\"]",
        "[\"\xc3\xa9" LONG "\",\"" LONG "\"]",
        "[\"" LONG "\x7f\",\"" LONG "\"]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_read_alike(texts[i]);
}

/* Every length around the least that is taken out, with an escape at every place. */
static void length_and_place_of_an_escape_do_not_matter(void **state)
{
    (void)state;
    for (int n = 28; n < 40; n++) {
        for (int at = 0; at <= n; at++) {
            char text[128];

            snprintf(text, sizeof(text), "[\"%.*s\\\\%.*s\",\"" LONG "\"]", at, LONG, n - at,
                     LONG + at);
            assert_read_alike(text);
        }
    }
}

/* Malformed: it is jansson that says so, of the text as it came. */
static void a_fault_is_told_where_it_is(void **state)
{
    static const char *const texts[] = {
        "[\"" LONG "\"",
        "[\"" LONG "\",\n\"" LONG "\" 1]",
        "[\"" LONG,
        "[\"" LONG "\\\"",
        "[\"" LONG "\\",
        "[\"" LONG "\\q\"]",
        "[\"" LONG "\t\"]",
        "[\"" LONG "\xff\"]",
        "[\"\x01\",\"" LONG "\"]",
        "{\"a\":\"" LONG "\",\"a\":\"" LONG "\"}",
        "{\"" LONG "\"}",
        "\"" LONG "\":",
        "[\"" LONG "\"] x",
    };
    static const struct limits limits = {.json_depth = 8, .json_values = 100};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct problem problem = {0};
        char expected[256];
        json_error_t error;

        assert_null(json_loads(texts[i], FLAGS, &error));
        assert_null(quotes_load(texts[i], strlen(texts[i]), FLAGS));
        assert_null(json_parse_any(texts[i], strlen(texts[i]), &limits, &problem));
        snprintf(expected, sizeof(expected), "Line %d, column %d: %s.", error.line, error.column,
                 error.text);
        assert_string_equal(problem.detail, expected);
    }
}

static void a_text_without_long_strings_is_left_alone(void **state)
{
    (void)state;
    assert_null(quotes_load("[\"a\"]", 5, FLAGS));
    assert_null(quotes_load("{\"" LONG "\":1}", 46, FLAGS));
    assert_null(quotes_load("", 0, FLAGS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_go_where_they_were),
        cmocka_unit_test(escapes_mean_what_they_mean),
        cmocka_unit_test(length_and_place_of_an_escape_do_not_matter),
        cmocka_unit_test(a_fault_is_told_where_it_is),
        cmocka_unit_test(a_text_without_long_strings_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
