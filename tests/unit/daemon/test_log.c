/* test_log.c - levels hide lines, and a place that writes too many is silenced but counted. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/log.h"

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

/* What log_sweep writes to stderr. */
static char *sweep(uint64_t now_ms)
{
    static char text[4096];
    int ends[2];
    int before = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_sweep(now_ms);
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
    n = read(ends[0], text, sizeof(text) - 1);
    close(ends[0]);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void one_line_a_second_passes_from_one_place(void **state)
{
    static struct log_limit limit = {.name = "one"};
    static struct log_limit other = {.name = "other"};

    (void)state;
    assert_true(log_limit_pass(&limit, 5000));
    for (int i = 0; i < 100; i++)
        assert_false(log_limit_pass(&limit, 5999));
    assert_true(log_limit_pass(&other, 5999));
    assert_true(log_limit_pass(&limit, 6000));
}

static void the_suppressed_are_counted_and_said_once(void **state)
{
    static struct log_limit limit = {.name = "third"};
    static struct log_limit quiet = {.name = "fourth"};
    uint64_t before = log_n_suppressed();
    const char *text;

    (void)state;
    sweep(UINT64_MAX);
    assert_true(log_limit_pass(&quiet, 5000));
    assert_true(log_limit_pass(&limit, 5000));
    for (int i = 0; i < 41; i++)
        log_limit_pass(&limit, 5500);
    assert_int_equal(log_n_suppressed() - before, 41);
    assert_string_equal(sweep(5999), "");
    text = sweep(6000);
    assert_non_null(strstr(text, " level=warn event=suppressed of=third lines=41\n"));
    assert_null(strstr(text, "fourth"));
    assert_string_equal(sweep(7000), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_hide_what_is_below),
        cmocka_unit_test(one_line_a_second_passes_from_one_place),
        cmocka_unit_test(the_suppressed_are_counted_and_said_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
