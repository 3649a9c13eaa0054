/* test_log_line.c - a value cannot forge a field or a line, in logfmt nor in JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include <jansson.h>

#include "daemon/log.h"

#define CAP 512

static char line[CAP];

static size_t print(enum log_format format, char *text, size_t cap, enum log_level level,
                    const struct log_field *fields, size_t n)
{
    const struct log_event event = {NULL, level, "test", fields, n};

    return log_line_print(format, text, cap, &event);
}

static void expect_line(const char *value, const char *wanted)
{
    const struct log_field fields[] = {LOG_TEXT("key", value)};
    char whole[CAP];

    snprintf(whole, sizeof(whole), "level=info event=test key=%s", wanted);
    assert_int_equal(print(LOG_FORMAT_LOGFMT, line, CAP, LOG_LEVEL_INFO, fields, 1), strlen(whole));
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
        size_t n = print(LOG_FORMAT_LOGFMT, line, CAP, LOG_LEVEL_INFO, fields, 1);

        for (size_t i = 0; i < n; i++)
            assert_in_range(line[i], ' ', '~');
    }
}

static void numbers_and_times_are_plain(void **state)
{
    const struct log_field fields[] = {LOG_UINT("n", 42), LOG_SECONDS("t", 0.25)};

    (void)state;
    print(LOG_FORMAT_LOGFMT, line, CAP, LOG_LEVEL_ERROR, fields, 2);
    assert_string_equal(line, "level=error event=test n=42 t=0.250000");
}

static void fields_without_a_text_are_left_out(void **state)
{
    const struct log_field fields[] = {LOG_TEXT("a", NULL), LOG_UINT("n", 1)};

    (void)state;
    print(LOG_FORMAT_LOGFMT, line, CAP, LOG_LEVEL_WARN, fields, 2);
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
        size_t n = print(LOG_FORMAT_LOGFMT, line, cap, LOG_LEVEL_INFO, fields, 1);

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
        assert_in_range(print(LOG_FORMAT_LOGFMT, text, sizeof(text), LOG_LEVEL_INFO, fields, 3),
                        500, 600);
        assert_non_null(strstr(text, "...\" b=\""));
        assert_non_null(strstr(text, "...\" n=1"));
    }
    memset(value, 'x', sizeof(value));
    value[256] = '\0';
    expect_line(value, value);
}

/* What another library reads of the line as JSON, under "key". */
static void expect_json(const char *value, const char *wanted)
{
    const struct log_field fields[] = {LOG_TEXT("key", value), LOG_UINT("n", 7)};
    size_t n = print(LOG_FORMAT_JSON, line, CAP, LOG_LEVEL_INFO, fields, 2);
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

    for (size_t i = 0; i < n; i++)
        assert_in_range(line[i], ' ', '~');
    assert_non_null(json);
    assert_int_equal(json_object_size(json), 4);
    assert_string_equal(json_string_value(json_object_get(json, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(json, "event")), "test");
    assert_string_equal(json_string_value(json_object_get(json, "key")), wanted);
    assert_int_equal(json_integer_value(json_object_get(json, "n")), 7);
    json_decref(json);
}

static void json_says_what_the_value_was(void **state)
{
    (void)state;
    expect_json("", "");
    expect_json("a b", "a b");
    expect_json("a\",\"event\":\"forged", "a\",\"event\":\"forged");
    expect_json("back\\slash", "back\\slash");
    expect_json("a\n\r\t\x01\x7f\x1b[2J", "a\n\r\t\x01\x7f\x1b[2J");
    expect_json("\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa9\xbb", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa9\xbb");
    expect_json("\xe2\x80\xa8 \xc2\x85", "\xe2\x80\xa8 \xc2\x85");
}

#define BAD "\xef\xbf\xbd"

static void what_is_no_utf8_is_replaced_in_json(void **state)
{
    (void)state;
    expect_json("\xff", BAD);
    expect_json("a\xc3", "a" BAD);
    expect_json("\xc3(", BAD "(");
    expect_json("\xc0\xaf", BAD BAD);                 /* overlong */
    expect_json("\xe0\x80\xaf", BAD BAD BAD);         /* overlong */
    expect_json("\xed\xa0\x80", BAD BAD BAD);         /* a surrogate */
    expect_json("\xf4\x90\x80\x80", BAD BAD BAD BAD); /* above U+10FFFF */
    expect_json("\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD);
}

static void json_stays_json_where_it_does_not_fit(void **state)
{
    char value[2 * CAP];
    const struct log_field fields[] = {LOG_UINT("n", 1), LOG_TEXT("a", value), LOG_TEXT("b", value),
                                       LOG_SECONDS("t", 0.5)};
    (void)state;
    memset(value, '\n', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    for (size_t cap = 4; cap < CAP; cap++) {
        size_t n = print(LOG_FORMAT_JSON, line, cap, LOG_LEVEL_INFO, fields, 4);
        json_t *json = json_loads(line, 0, NULL);

        assert_true(n < cap);
        assert_non_null(json);
        json_decref(json);
    }
}

static void times_that_never_were_are_left_out(void **state)
{
    const struct log_field fields[] = {LOG_SECONDS("a", -1), LOG_SECONDS("b", 0)};

    (void)state;
    print(LOG_FORMAT_LOGFMT, line, CAP, LOG_LEVEL_INFO, fields, 2);
    assert_string_equal(line, "level=info event=test b=0.000000");
    print(LOG_FORMAT_JSON, line, CAP, LOG_LEVEL_INFO, fields, 2);
    assert_string_equal(line, "{\"level\":\"info\",\"event\":\"test\",\"b\":0.000000}");
}

static void the_time_comes_first(void **state)
{
    const struct log_event event = {"2026-01-02T03:04:05.678Z", LOG_LEVEL_WARN, "test", NULL, 0};

    (void)state;
    log_line_print(LOG_FORMAT_LOGFMT, line, CAP, &event);
    assert_string_equal(line, "time=2026-01-02T03:04:05.678Z level=warn event=test");
    log_line_print(LOG_FORMAT_JSON, line, CAP, &event);
    assert_string_equal(
        line, "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"warn\",\"event\":\"test\"}");
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
        cmocka_unit_test(json_says_what_the_value_was),
        cmocka_unit_test(what_is_no_utf8_is_replaced_in_json),
        cmocka_unit_test(json_stays_json_where_it_does_not_fit),
        cmocka_unit_test(times_that_never_were_are_left_out),
        cmocka_unit_test(the_time_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
