/* test_trace.c - a traceparent is taken where it is one to the letter, and not otherwise. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/trace.h"

/* Those of W3C Trace Context: its examples, and the cases of its test suite for traceparent. */
#define ID    "12345678901234567890123456789012"
#define SPAN  "1234567890123456"
#define VALID "00-" ID "-" SPAN "-01"

static void expect_taken(const char *text, const char *id, const char *written)
{
    struct trace trace = {"", ""};

    assert_true(trace_parse(text, &trace));
    assert_string_equal(trace.id, id);
    assert_string_equal(trace.text, written);
}

static void valid_ones_are_taken(void **state)
{
    (void)state;
    expect_taken("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                 "4bf92f3577b34da6a3ce929d0e0e4736",
                 "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    expect_taken("00-" ID "-" SPAN "-00", ID, "00-" ID "-" SPAN "-00");
    expect_taken("00-" ID "-" SPAN "-ff", ID, "00-" ID "-" SPAN "-ff");
}

static void later_versions_are_read_as_far_as_they_are_known(void **state)
{
    (void)state;
    expect_taken("01-" ID "-" SPAN "-01", ID, VALID);
    expect_taken("cc-" ID "-" SPAN "-01-what-the-future-will-be-like", ID, VALID);
    expect_taken("fe-" ID "-" SPAN "-01-", ID, VALID);
}

static void all_else_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "00",
        "00-",
        "ff-" ID "-" SPAN "-01",
        "0-" ID "-" SPAN "-01",
        "000-" ID "-" SPAN "-01",
        "0x-" ID "-" SPAN "-01",
        "0A-" ID "-" SPAN "-01",
        "cc-" ID "-" SPAN "-01.what-the-future-will-not-be-like",
        "cc-" ID "-" SPAN "-0",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" ID "-0000000000000000-01",
        "00-.2345678901234567890123456789012-" SPAN "-01",
        "00-1234567890123456789012345678901A-" SPAN "-01",
        "00-1234567890123456789012345678901-" SPAN "-01",
        "00-" ID "0-" SPAN "-01",
        "00-" ID "-" SPAN "0-01",
        "00-" ID "-123456789012345-01",
        "00-" ID "-123456789012345A-01",
        "00-" ID "-" SPAN "-.0",
        "00-" ID "-" SPAN "-0.",
        "00-" ID "-" SPAN "-001",
        "00-" ID "-" SPAN "-1",
        "00-" ID "-" SPAN "-0A",
        VALID "-",
        VALID "-what-the-future-will-be-like",
        VALID " ",
        VALID "," VALID,
        " " VALID,
        VALID "\n",
        "00_" ID "_" SPAN "_01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct trace trace = {"before", "before"};

        assert_false(trace_parse(texts[i], &trace));
        assert_string_equal(trace.id, "before");
        assert_string_equal(trace.text, "before");
    }
}

static void no_prefix_of_one_is_one(void **state)
{
    char text[sizeof(VALID)];
    struct trace trace;

    (void)state;
    for (size_t n = 0; n < sizeof(VALID) - 1; n++) {
        memcpy(text, VALID, n);
        text[n] = '\0';
        assert_false(trace_parse(text, &trace));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_ones_are_taken),
        cmocka_unit_test(later_versions_are_read_as_far_as_they_are_known),
        cmocka_unit_test(all_else_is_none),
        cmocka_unit_test(no_prefix_of_one_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
