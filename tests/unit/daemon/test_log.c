/* test_log.c - a value cannot forge a field or a line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "daemon/log.h"

#define CAP 512

static char line[CAP];

static void expect_line(const char *value, const char *wanted)
{
    const struct log_field fields[] = {LOG_TEXT("key", value)};
    char whole[CAP];

    snprintf(whole, sizeof(whole), "level=info event=test key=%s", wanted);
    assert_int_equal(log_format(line, CAP, LOG_LEVEL_INFO, "test", fields, 1), strlen(whole));
    assert_string_equal(line, whole);
}

static void plain_values_stand_bare(void **state)
{
    (void)state;
    expect_line("127.0.0.1:8040", "127.0.0.1:8040");
    expect_line("/v1/score?a,b", "/v1/score?a,b");
}

static void other_values_are_quoted_and_escaped(void **state)
{
    (void)state;
    expect_line("", "\"\"");
    expect_line("a b", "\"a b\"");
    expect_line("a=b", "\"a=b\"");
    expect_line("a\"b\\c", "\"a\\\"b\\\\c\"");
    expect_line("a\nevent=forged", "\"a\\x0aevent=forged\"");
    expect_line("\r\t\x7f", "\"\\x0d\\x09\\x7f\"");
    expect_line("\x1b[2J", "\"\\x1b[2J\"");
    expect_line("\xc3\xa9", "\"\\xc3\\xa9\"");
}

static void every_byte_stays_on_one_printable_line(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        const char value[2] = {(char)c, '\0'};
        const struct log_field fields[] = {LOG_TEXT("key", value)};
        size_t n = log_format(line, CAP, LOG_LEVEL_INFO, "test", fields, 1);

        for (size_t i = 0; i < n; i++)
            assert_in_range(line[i], ' ', '~');
    }
}

static void numbers_and_times_are_plain(void **state)
{
    const struct log_field fields[] = {LOG_UINT("n", 42), LOG_SECONDS("t", 0.25)};

    (void)state;
    log_format(line, CAP, LOG_LEVEL_ERROR, "test", fields, 2);
    assert_string_equal(line, "level=error event=test n=42 t=0.250000");
}

static void fields_without_a_text_are_left_out(void **state)
{
    const struct log_field fields[] = {LOG_TEXT("a", NULL), LOG_UINT("n", 1)};

    (void)state;
    log_format(line, CAP, LOG_LEVEL_WARN, "test", fields, 2);
    assert_string_equal(line, "level=warn event=test n=1");
}

static void what_does_not_fit_is_cut_off(void **state)
{
    char value[2 * CAP];
    const struct log_field fields[] = {LOG_TEXT("key", value)};

    (void)state;
    memset(value, '\n', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    for (size_t cap = 4; cap < CAP; cap++) {
        size_t n = log_format(line, cap, LOG_LEVEL_INFO, "test", fields, 1);

        assert_true(n < cap - 1);
        assert_int_equal(strlen(line), n);
    }
}

static void long_values_are_cut_and_stay_whole(void **state)
{
    char value[4096];
    const struct log_field fields[] = {LOG_TEXT("a", value), LOG_TEXT("b", value),
                                       LOG_UINT("n", 1)};
    static const char *const bytes[] = {"x", "\n", "\"", " ", "\\", "\xff"};
    static char text[2048];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        memset(value, bytes[i][0], sizeof(value));
        value[sizeof(value) - 1] = '\0';
        assert_in_range(log_format(text, sizeof(text), LOG_LEVEL_INFO, "test", fields, 3), 500,
                        600);
        assert_non_null(strstr(text, "...\" b=\""));
        assert_non_null(strstr(text, "...\" n=1"));
    }
    memset(value, 'x', sizeof(value));
    value[256] = '\0';
    expect_line(value, value);
}

static void levels_hide_what_is_below(void **state)
{
    (void)state;
    log_set_level("warn");
    assert_true(log_is_on(LOG_LEVEL_ERROR));
    assert_true(log_is_on(LOG_LEVEL_WARN));
    assert_false(log_is_on(LOG_LEVEL_INFO));
    log_set_level("nonsense");
    assert_false(log_is_on(LOG_LEVEL_INFO));
    log_set_level("debug");
    assert_true(log_is_on(LOG_LEVEL_DEBUG));
}

static void one_line_a_second_passes_from_one_place(void **state)
{
    struct log_limit limit = {0};
    struct log_limit other = {0};

    (void)state;
    assert_true(log_limit_pass(&limit));
    for (int i = 0; i < 100; i++)
        assert_false(log_limit_pass(&limit));
    assert_true(log_limit_pass(&other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_stand_bare),
        cmocka_unit_test(other_values_are_quoted_and_escaped),
        cmocka_unit_test(every_byte_stays_on_one_printable_line),
        cmocka_unit_test(numbers_and_times_are_plain),
        cmocka_unit_test(fields_without_a_text_are_left_out),
        cmocka_unit_test(what_does_not_fit_is_cut_off),
        cmocka_unit_test(long_values_are_cut_and_stay_whole),
        cmocka_unit_test(levels_hide_what_is_below),
        cmocka_unit_test(one_line_a_second_passes_from_one_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
