/* test_member.c - the user and the groups behind a Unix socket. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/member.h"

static int pair[2];

static int open_pair(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static int close_pair(void **state)
{
    (void)state;
    return close(pair[0]) + close(pair[1]);
}

static void with_no_list_everybody_is_allowed(void **state)
{
    (void)state;
    assert_true(member_is_allowed(pair[0], "", ""));
    assert_true(member_is_allowed(-1, "", ""));
}

static void the_user_must_be_listed(void **state)
{
    char mine[32];
    char others[32];

    (void)state;
    snprintf(mine, sizeof(mine), "7, %u", (unsigned)geteuid());
    snprintf(others, sizeof(others), "%u", (unsigned)geteuid() + 1);
    assert_true(member_is_allowed(pair[0], mine, ""));
    assert_false(member_is_allowed(pair[0], others, ""));
}

static void or_one_of_its_groups(void **state)
{
    char mine[32];
    char others[32];
    gid_t groups[1024];
    int n = getgroups(1024, groups);

    (void)state;
    snprintf(mine, sizeof(mine), "%u", (unsigned)getegid());
    snprintf(others, sizeof(others), "%u", 4000000000u);
    assert_true(member_is_allowed(pair[0], "4000000000", mine));
    assert_false(member_is_allowed(pair[0], "", others));
    for (int i = 0; i < n; i++) {
        snprintf(mine, sizeof(mine), "%u", (unsigned)groups[i]);
        assert_true(member_is_allowed(pair[0], "", mine));
    }
}

/* A child that has become nobody connects; needs root. */
static void users_of_other_name_spaces_are_on_no_list(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int accepted;
    pid_t child;

    (void)state;
    if (geteuid() != 0)
        skip();
    snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "overlapd-test-%d", getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    child = fork();
    if (child == 0) {
        int mine = socket(AF_UNIX, SOCK_STREAM, 0);

        if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
            setresuid(65534, 65534, 65534) != 0)
            _exit(1);
        _exit(connect(mine, (struct sockaddr *)&at, sizeof(at)) != 0);
    }
    accepted = accept(fd, NULL, NULL);
    assert_false(member_is_allowed(accepted, "65534", "65534"));
    assert_true(member_is_allowed(accepted, "", ""));
    waitpid(child, NULL, 0);
    close(accepted);
    close(fd);
}

static void a_peer_that_cannot_be_told_is_refused(void **state)
{
    (void)state;
    assert_false(member_is_allowed(-1, "0, 1000", "0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_no_list_everybody_is_allowed),
        cmocka_unit_test(the_user_must_be_listed),
        cmocka_unit_test(or_one_of_its_groups),
        cmocka_unit_test(users_of_other_name_spaces_are_on_no_list),
        cmocka_unit_test(a_peer_that_cannot_be_told_is_refused),
    };

    return cmocka_run_group_tests(tests, open_pair, close_pair);
}
