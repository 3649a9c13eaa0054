/* test_address.c - addresses as text and back, and which are open to others. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/address.h"

static void expect(const char *text, const char *printed, bool loopback, const char *reached)
{
    struct address address;
    char again[ADDRESS_TEXT_BYTES];

    assert_true(address_parse(text, &address));
    address_print(&address, again);
    assert_string_equal(again, printed);
    assert_int_equal(address_is_loopback(&address), loopback);
    address_reach(&address);
    address_print(&address, again);
    assert_string_equal(again, reached);
}

static void addresses_are_read_and_printed(void **state)
{
    (void)state;
    expect("127.0.0.1:8040", "127.0.0.1:8040", true, "127.0.0.1:8040");
    expect("127.8.8.8:0", "127.8.8.8:0", true, "127.8.8.8:0");
    expect("localhost:1", "127.0.0.1:1", true, "127.0.0.1:1");
    expect("0.0.0.0:80", "0.0.0.0:80", false, "127.0.0.1:80");
    expect("192.0.2.1:65535", "192.0.2.1:65535", false, "192.0.2.1:65535");
    expect("[::1]:8040", "[::1]:8040", true, "[::1]:8040");
    expect("[::]:80", "[::]:80", false, "[::1]:80");
    expect("[2001:db8::1]:80", "[2001:db8::1]:80", false, "[2001:db8::1]:80");
}

static void other_texts_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      ":",
                                      "8040",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:65536",
                                      "a:1",
                                      "::1:80",
                                      "[::1]",
                                      "[::1]:",
                                      "[::1:80",
                                      "[]:80",
                                      ":8040",
                                      "127.1:80",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:1 ",
                                      "127.0.0.1:80000",
                                      "127.0.0.1:123456",
                                      "[::1]a:1"};
    char text[300];
    struct address address;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(address_parse(bad[i], &address));
    memset(text, '1', sizeof(text));
    memcpy(text + sizeof(text) - 4, ":80", 4);
    assert_false(address_parse(text, &address));
}

static void unix_paths_have_their_longest(void **state)
{
    char path[200];
    char again[ADDRESS_TEXT_BYTES];
    struct address address;

    (void)state;
    memset(path, 'p', sizeof(path));
    path[107] = '\0';
    assert_true(address_fits_unix(path));
    assert_true(address_unix(path, &address));
    assert_true(address_is_loopback(&address));
    address_print(&address, again);
    assert_string_equal(again, path);
    path[107] = 'p';
    path[108] = '\0';
    assert_false(address_fits_unix(path));
    assert_false(address_unix(path, &address));
}

static uint64_t hash_of(const char *text, uint64_t seed)
{
    struct address address;

    assert_true(address_parse(text, &address));
    return address_hash(&address, seed);
}

static void a_hash_is_of_the_host_and_of_its_network_for_ipv6(void **state)
{
    (void)state;
    assert_true(hash_of("192.0.2.1:1", 7) == hash_of("192.0.2.1:2", 7));
    assert_false(hash_of("192.0.2.1:1", 7) == hash_of("192.0.2.2:1", 7));
    assert_false(hash_of("192.0.2.1:1", 7) == hash_of("192.0.2.1:1", 8));
    assert_true(hash_of("[2001:db8::1]:1", 7) == hash_of("[2001:db8::2:1]:1", 7));
    assert_false(hash_of("[2001:db8::1]:1", 7) == hash_of("[2001:db8:0:1::1]:1", 7));
    assert_true(hash_of("[::ffff:192.0.2.1]:1", 7) == hash_of("192.0.2.1:1", 7));
    assert_false(hash_of("[::ffff:192.0.2.2]:1", 7) == hash_of("192.0.2.1:1", 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_printed),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(unix_paths_have_their_longest),
        cmocka_unit_test(a_hash_is_of_the_host_and_of_its_network_for_ipv6),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
