/* test_throttle.c - failures counted per address and second. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/throttle.h"

static struct throttle throttle;

static int begin(void **state)
{
    (void)state;
    memset(&throttle, 0, sizeof(throttle));
    throttle.seed = 42;
    return 0;
}

static struct address at(const char *text)
{
    struct address address;

    assert_true(address_parse(text, &address));
    return address;
}

static int passed(const char *text, int times, uint64_t now_ms)
{
    struct address address = at(text);
    int n = 0;

    for (int i = 0; i < times; i++)
        n += throttle_pass(&throttle, &address, 10, now_ms);
    return n;
}

static void ten_of_a_hundred_pass_within_a_second(void **state)
{
    (void)state;
    assert_int_equal(passed("192.0.2.1:1", 100, 5000), 10);
    assert_int_equal(passed("192.0.2.1:2", 100, 5999), 0);
}

static void the_next_second_begins_anew(void **state)
{
    (void)state;
    assert_int_equal(passed("192.0.2.1:1", 100, 5000), 10);
    assert_int_equal(passed("192.0.2.1:1", 100, 6000), 10);
}

static void the_clock_may_begin_at_nought(void **state)
{
    (void)state;
    assert_int_equal(passed("192.0.2.1:1", 100, 0), 10);
    assert_int_equal(passed("192.0.2.1:1", 100, 999), 0);
}

static void one_address_does_not_cost_the_others(void **state)
{
    char text[32];
    int n = 0;

    (void)state;
    passed("192.0.2.1:1", 1000, 5000);
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof(text), "198.51.100.%d:1", i);
        n += passed(text, 1, 5000);
    }
    assert_true(n >= 195); /* some share a slot */
}

static void addresses_of_one_ipv6_network_count_together(void **state)
{
    char text[64];
    int n = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "[2001:db8:1:2::%x]:1", i + 1);
        n += passed(text, 1, 5000);
    }
    assert_int_equal(n, 10);
    assert_int_equal(passed("[2001:db8:1:3::1]:1", 1, 5000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ten_of_a_hundred_pass_within_a_second, begin),
        cmocka_unit_test_setup(the_next_second_begins_anew, begin),
        cmocka_unit_test_setup(the_clock_may_begin_at_nought, begin),
        cmocka_unit_test_setup(one_address_does_not_cost_the_others, begin),
        cmocka_unit_test_setup(addresses_of_one_ipv6_network_count_together, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
