/* test_status.c - statuses in words, the version. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/unit/lib/naive.h"

static void version_of_the_library_is_the_headers(void **state)
{
    char text[32];
    (void)state;
    snprintf(text, sizeof text, "%d.%d.%d", OV_VERSION_MAJOR, OV_VERSION_MINOR, OV_VERSION_PATCH);
    assert_string_equal(ov_version(), text);
}

static void every_status_has_its_text_and_value(void **state)
{
    (void)state;
#define CHECK(symbol, value, text)   \
    assert_int_equal(symbol, value); \
    assert_string_equal(ov_status_text(symbol), text);
    OV_STATUS_MAP(CHECK)
#undef CHECK
}

static void a_value_that_is_no_status_has_a_text_too(void **state)
{
    (void)state;
    assert_string_equal(ov_status_text((enum ov_status)99), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_of_the_library_is_the_headers),
        cmocka_unit_test(every_status_has_its_text_and_value),
        cmocka_unit_test(a_value_that_is_no_status_has_a_text_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
