/* test_notify.c - the service manager hears what it should, and is never waited for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/notify.h"

static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    memcpy(at.sun_path, path, n);
    if (path[0] == '@')
        at.sun_path[0] = '\0';
    assert_int_equal(
        bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
        0);
    return fd;
}

static void expect_heard(const char *path)
{
    char text[64] = "";
    int fd = listen_at(path);

    setenv("NOTIFY_SOCKET", path, 1);
    notify_send("READY=1\n");
    assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 8);
    assert_string_equal(text, "READY=1\n");
    close(fd);
}

static void a_path_and_an_abstract_name_are_reached(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "@overlapd-test-%d", getpid());
    expect_heard(path);
    snprintf(path, sizeof(path), "/tmp/overlapd-test-%d.sock", getpid());
    expect_heard(path);
    unlink(path);
}

static void nobody_to_hear_is_no_harm(void **state)
{
    char path[200];

    (void)state;
    log_set_level("error");
    unsetenv("NOTIFY_SOCKET");
    notify_send("READY=1\n");
    setenv("NOTIFY_SOCKET", "", 1);
    notify_send("READY=1\n");
    setenv("NOTIFY_SOCKET", "/nonsense/socket", 1);
    notify_send("READY=1\n");
    memset(path, 'p', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    setenv("NOTIFY_SOCKET", path, 1);
    notify_send("READY=1\n");
}

static void a_manager_that_does_not_listen_is_not_waited_for(void **state)
{
    char path[64];
    int fd;

    (void)state;
    snprintf(path, sizeof(path), "@overlapd-test-%d", getpid());
    fd = listen_at(path);
    setenv("NOTIFY_SOCKET", path, 1);
    for (int i = 0; i < 1000; i++)
        notify_send("STATUS=\n");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_and_an_abstract_name_are_reached),
        cmocka_unit_test(nobody_to_hear_is_no_harm),
        cmocka_unit_test(a_manager_that_does_not_listen_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
