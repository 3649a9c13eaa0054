/* test_shares.c - what each user has is counted apart, and forgotten once it is nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/shares.h"

static void a_limit_is_a_percentage_and_at_least_one(void **state)
{
    (void)state;
    assert_int_equal(shares_limit(256, 75), 192);
    assert_int_equal(shares_limit(3, 50), 1);
    assert_int_equal(shares_limit(1, 75), 1);
    assert_int_equal(shares_limit(0, 75), 1);
    assert_int_equal(shares_limit(UINT64_MAX, 100), UINT64_MAX);
    assert_int_equal(shares_limit(UINT64_MAX - 15, 50), UINT64_MAX / 2 - 7);
}

static void users_of_one_bucket_are_counted_apart(void **state)
{
    struct shares shares = {{NULL}};

    (void)state;
    for (uint64_t i = 0; i < 10; i++)
        assert_true(shares_take(&shares, i * SHARES_BUCKETS, i + 1));
    assert_true(shares_take(&shares, 0, 100));
    for (uint64_t i = 1; i < 10; i++)
        assert_int_equal(shares_of(&shares, i * SHARES_BUCKETS), i + 1);
    assert_int_equal(shares_of(&shares, 0), 101);
    assert_int_equal(shares_of(&shares, 10 * SHARES_BUCKETS), 0);
    for (uint64_t i = 0; i < 10; i++)
        shares_give(&shares, i * SHARES_BUCKETS, i + 1);
    assert_int_equal(shares_of(&shares, 0), 100);
    shares_give(&shares, 0, 100);
    assert_null(shares.buckets[0]);
}

static void nothing_is_taken_and_given_for_nothing(void **state)
{
    struct shares shares = {{NULL}};

    (void)state;
    assert_true(shares_take(&shares, 5, 0));
    assert_null(shares.buckets[5]);
    shares_give(&shares, 5, 0);
    assert_int_equal(shares_of(&shares, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_is_a_percentage_and_at_least_one),
        cmocka_unit_test(users_of_one_bucket_are_counted_apart),
        cmocka_unit_test(nothing_is_taken_and_given_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
