/* test_watchdog.c - how often the service manager wants to hear that all is well. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/watchdog.h"

static void half_the_time_given(void **state)
{
    (void)state;
    assert_int_equal(watchdog_period_ms("30000000", NULL, 7), 15000);
    assert_int_equal(watchdog_period_ms("30000000", "7", 7), 15000);
    assert_int_equal(watchdog_period_ms("1", NULL, 7), 1);
}

static void nobody_asks_or_asks_another(void **state)
{
    (void)state;
    assert_int_equal(watchdog_period_ms(NULL, NULL, 7), 0);
    assert_int_equal(watchdog_period_ms(NULL, "7", 7), 0);
    assert_int_equal(watchdog_period_ms("30000000", "8", 7), 0);
    assert_int_equal(watchdog_period_ms("30000000", "", 7), 0);
    assert_int_equal(watchdog_period_ms("30000000", "7x", 7), 0);
    assert_int_equal(watchdog_period_ms("", NULL, 7), 0);
    assert_int_equal(watchdog_period_ms("0", NULL, 7), 0);
    assert_int_equal(watchdog_period_ms("-5", NULL, 7), 0);
    assert_int_equal(watchdog_period_ms("30s", NULL, 7), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_the_time_given),
        cmocka_unit_test(nobody_asks_or_asks_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
