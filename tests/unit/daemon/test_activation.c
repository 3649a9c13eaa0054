/* test_activation.c - sockets that a service manager passes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/activation.h"
#include "daemon/socket.h"

static void pass(const char *pid, const char *n)
{
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", n, 1);
    setenv("LISTEN_FDNAMES", "http", 1);
}

static const char *own_pid(void)
{
    static char text[32];

    snprintf(text, sizeof(text), "%d", getpid());
    return text;
}

static void what_was_passed_is_told_apart(void **state)
{
    struct activation_socket sockets[3];
    struct address address;

    (void)state;
    assert_true(address_parse("127.0.0.1:0", &address));
    assert_int_equal(dup2(socket_listen(&address), 3), 3);
    assert_int_equal(dup2(socket(AF_UNIX, SOCK_STREAM, 0), 4), 4); /* does not listen */
    close(5);
    fcntl(3, F_SETFL, 0);
    pass(own_pid(), "3");
    assert_int_equal(activation_take(sockets, 3), 3);
    assert_int_equal(sockets[0].fd, 3);
    assert_int_equal(sockets[0].family, AF_INET);
    assert_int_equal(sockets[0].type, SOCK_STREAM);
    assert_true((fcntl(3, F_GETFL) & O_NONBLOCK) != 0);
    assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
    assert_int_equal(sockets[1].family, AF_UNIX);
    assert_int_equal(sockets[1].type, 0);
    assert_int_equal(sockets[2].type, 0);
    close(3);
    close(4);
}

static void expect_names(const char *names, const char *first, const char *second)
{
    struct activation_socket sockets[2];

    pass(own_pid(), "2");
    if (names != NULL)
        setenv("LISTEN_FDNAMES", names, 1);
    else
        unsetenv("LISTEN_FDNAMES");
    assert_int_equal(activation_take(sockets, 2), 2);
    assert_string_equal(sockets[0].name, first);
    assert_string_equal(sockets[1].name, second);
}

static void names_go_with_their_sockets(void **state)
{
    (void)state;
    expect_names("unix:fd", "unix", "fd");
    expect_names("tcp:fd:more", "tcp", "fd");
    expect_names("fd", "fd", "");
    expect_names(":fd", "", "fd");
    expect_names("1234567:", "1234567", "");
    expect_names("overlapd.socket:fd", "", "fd"); /* longer than ours are */
    expect_names("", "", "");
    expect_names(NULL, "", "");
}

static void they_are_taken_once(void **state)
{
    struct activation_socket sockets[1];

    (void)state;
    pass(own_pid(), "1");
    assert_int_equal(activation_take(sockets, 1), 1);
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDNAMES"));
    assert_int_equal(activation_take(sockets, 1), 0);
}

static void more_than_fit_are_counted(void **state)
{
    struct activation_socket sockets[1];

    (void)state;
    pass(own_pid(), "5");
    assert_int_equal(activation_take(sockets, 1), 5);
}

static void those_of_another_process_are_left(void **state)
{
    static const char *const pids[] = {"1", "", "x", "0"};
    struct activation_socket sockets[1];

    (void)state;
    for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++) {
        pass(pids[i], "1");
        assert_int_equal(activation_take(sockets, 1), 0);
    }
    pass(own_pid(), "-1");
    assert_int_equal(activation_take(sockets, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_passed_is_told_apart),
        cmocka_unit_test(names_go_with_their_sockets),
        cmocka_unit_test(they_are_taken_once),
        cmocka_unit_test(more_than_fit_are_counted),
        cmocka_unit_test(those_of_another_process_are_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
