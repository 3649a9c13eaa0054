/* test_uid.c - lists of users, and who is at the other end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "daemon/uid.h"

static void lists_hold_numbers_self_and_any(void **state)
{
    (void)state;
    assert_true(uid_is_list(""));
    assert_true(uid_is_list("self"));
    assert_true(uid_is_list("1000, self,0"));
    assert_true(uid_is_list("any"));
    assert_false(uid_is_list("root"));
    assert_false(uid_is_list("-1"));
    assert_false(uid_is_list("1000x"));
    assert_false(uid_is_list("4294967296"));
}

static void who_is_listed_may(void **state)
{
    (void)state;
    assert_true(uid_is_listed("self", geteuid()));
    assert_false(uid_is_listed("self", geteuid() + 1));
    assert_true(uid_is_listed("7, 1000", 1000));
    assert_false(uid_is_listed("7, 1000", 100));
    assert_false(uid_is_listed("", geteuid()));
    assert_true(uid_is_listed("any", 31337));
}

static void users_of_nowhere_never_may(void **state)
{
    (void)state;
    assert_false(uid_is_listed("any", 65534));
    assert_false(uid_is_listed("65534", 65534));
    assert_false(uid_is_listed("any", (uid_t)-1));
}

static void a_unix_socket_tells_its_peer(void **state)
{
    uid_t uid = 4711;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    assert_true(uid_of_peer(ends[0], &uid));
    assert_int_equal(uid, geteuid());
    assert_false(uid_of_peer(-1, &uid));
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_hold_numbers_self_and_any),
        cmocka_unit_test(who_is_listed_may),
        cmocka_unit_test(users_of_nowhere_never_may),
        cmocka_unit_test(a_unix_socket_tells_its_peer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
