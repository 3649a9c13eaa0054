/* test_server.c - the daemon in this process: starting, being asked, and stopping. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/healthcheck.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/socket.h"

#if defined(__aarch64__)
#define OTHER_ISA "avx2"
#else
#define OTHER_ISA "neon"
#endif

static char folder[] = "/tmp/overlapd-test-XXXXXX";
static char http_path[64];
static char notify_path[64];
static struct config config;
/* What a reload reads: nearly nothing of what prepare() sets. */
static char name[] = "overlapd";
static char other_socket[] = "--listen.unix=/other.sock";
static char quiet[] = "--log.level=error";
static char few_voxels[] = "--limits.voxels=7";
static char *arguments[] = {name, other_socket, quiet, few_voxels, NULL};
static int notify_fd;
static uv_thread_t thread;
static int exit_code;

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(http_path, sizeof(http_path), "%s/http.sock", folder);
    snprintf(notify_path, sizeof(notify_path), "%s/notify", folder);
    return setenv("NOTIFY_SOCKET", notify_path, 1);
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int prepare(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    (void)state;
    config_init(&config);
    strcpy(config.listen_tcp, "127.0.0.1:0");
    strcpy(config.listen_unix, http_path);
    strcpy(config.log_level, "error");
    config.listen_unix_mode = 0600;
    config.workers_threads = 1;
    notify_fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    strcpy(at.sun_path, notify_path);
    return bind(notify_fd, (struct sockaddr *)&at, sizeof(at));
}

static int clean_up(void **state)
{
    (void)state;
    close(notify_fd);
    return unlink(notify_path);
}

static void serve(void *user)
{
    (void)user;
    exit_code = server_run(&config, arguments, environ);
}

static void expect_notified(const char *word)
{
    char text[512];
    ssize_t n = recv(notify_fd, text, sizeof(text) - 1, 0);

    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, word));
}

static void start(void)
{
    assert_int_equal(uv_thread_create(&thread, serve, NULL), 0);
    expect_notified(" unix=");
}

static void stop(void)
{
    kill(getpid(), SIGTERM);
    expect_notified("STOPPING=1");
    uv_thread_join(&thread);
}

static int connect_unix(void)
{
    struct address address;
    int fd;

    assert_true(address_unix(http_path, &address));
    fd = socket_connect(&address, 5);
    assert_true(fd >= 0);
    return fd;
}

/* The whole answer to a request after which the connection ends. */
static const char *ask(const char *request)
{
    static char answer[8192];
    int fd = connect_unix();
    size_t n = 0;
    ssize_t more;

    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    while ((more = recv(fd, answer + n, sizeof(answer) - 1 - n, 0)) > 0)
        n += (size_t)more;
    answer[n] = '\0';
    close(fd);
    return answer;
}

static void the_health_check_tells_alive_from_gone(void **state)
{
    (void)state;
    assert_false(healthcheck_run(&config));
    start();
    assert_true(healthcheck_run(&config));
    stop();
    assert_false(healthcheck_run(&config));
    assert_int_equal(exit_code, 0);
}

static void the_health_check_names_an_allowed_host(void **state)
{
    (void)state;
    strcpy(config.http_allowed_hosts, " ,scores.example , other.example");
    start();
    assert_true(healthcheck_run(&config));
    config.http_allowed_hosts[0] = '\0';
    stop();
}

static void the_socket_file_has_its_mode_and_goes_at_the_end(void **state)
{
    struct stat status;

    (void)state;
    start();
    assert_int_equal(stat(http_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    stop();
    assert_int_equal(stat(http_path, &status), -1);
}

static void a_socket_file_that_nobody_answers_is_replaced(void **state)
{
    struct address address;
    int fd;

    (void)state;
    assert_true(address_unix(http_path, &address));
    fd = socket_listen(&address);
    assert_true(fd >= 0);
    close(fd); /* the file stays */
    start();
    assert_true(healthcheck_run(&config));
    stop();
    assert_int_equal(exit_code, 0);
}

static void what_another_uses_is_left_alone(void **state)
{
    struct address address;
    int fd;

    (void)state;
    assert_true(address_unix(http_path, &address));
    fd = socket_listen(&address);
    assert_int_equal(server_run(&config, arguments, environ), 1);
    assert_int_equal(access(http_path, F_OK), 0);
    close(fd);
    unlink(http_path);
    fclose(fopen(http_path, "w"));
    assert_int_equal(server_run(&config, arguments, environ), 1);
    assert_int_equal(unlink(http_path), 0);
}

static void a_port_in_use_ends_the_start(void **state)
{
    struct address address;
    int fd;

    (void)state;
    assert_true(address_parse("127.0.0.1:0", &address));
    fd = socket_listen(&address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address.storage, &address.n_bytes), 0);
    address_print(&address, config.listen_tcp);
    assert_int_equal(server_run(&config, arguments, environ), 1);
    close(fd);
}

static void an_instruction_set_of_other_machines_ends_the_start(void **state)
{
    (void)state;
    strcpy(config.kernels_isa, OTHER_ISA);
    assert_int_equal(server_run(&config, arguments, environ), 1);
    assert_int_equal(access(http_path, F_OK), -1);
}

static void few_descriptors_mean_few_connections(void **state)
{
    struct rlimit before;
    struct rlimit few;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = 64;
    few.rlim_max = before.rlim_max;
    config.limits_connections = 100000;
    setrlimit(RLIMIT_NOFILE, &few);
    start();
    assert_true(healthcheck_run(&config));
    stop();
    setrlimit(RLIMIT_NOFILE, &before);
}

static void hanging_up_reloads_and_does_not_stop_it(void **state)
{
    (void)state;
    start();
    kill(getpid(), SIGHUP);
    expect_notified("RELOADING=1\nMONOTONIC_USEC=");
    expect_notified("READY=1");
    assert_non_null(strstr(ask("GET /v1/info HTTP/1.0\r\n\r\n"), "\"voxels\":7,"));
    for (int i = 0; i < 10; i++)
        assert_true(healthcheck_run(&config));
    stop();
    assert_int_equal(exit_code, 0);
}

static void asked_twice_it_stops_at_once(void **state)
{
    int fd;

    (void)state;
    config.timeouts_drain_delay_ms = 60000;
    start();
    fd = connect_unix();
    kill(getpid(), SIGTERM);
    expect_notified("STOPPING=1");
    kill(getpid(), SIGINT);
    uv_thread_join(&thread);
    assert_int_equal(exit_code, 1);
    assert_int_equal(access(http_path, F_OK), -1);
    close(fd);
}

static void it_is_not_ready_once_asked_to_stop(void **state)
{
    (void)state;
    config.timeouts_drain_delay_ms = 300;
    start();
    assert_non_null(strstr(ask("GET /readyz HTTP/1.0\r\n\r\n"), "\r\n\r\nready\n"));
    kill(getpid(), SIGTERM);
    expect_notified("STOPPING=1");
    assert_non_null(strstr(ask("GET /readyz HTTP/1.0\r\n\r\n"), " 503 "));
    assert_non_null(strstr(ask("GET /livez HTTP/1.0\r\n\r\n"), "\r\n\r\nok\n"));
    assert_false(log_is_on(LOG_LEVEL_WARN));
    uv_thread_join(&thread);
    assert_int_equal(exit_code, 0);
}

static void a_refused_body_is_refused_before_it_is_sent(void **state)
{
    const char *answer;

    (void)state;
    config.limits_body_bytes = 100;
    start();
    answer = ask("POST /v1/score HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                 "Content-Type: application/json\r\nContent-Length: 101\r\n\r\n");
    assert_memory_equal(answer, "HTTP/1.1 413 ", 13);
    answer = ask("POST /v1/score?nonsense=1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                 "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n");
    assert_memory_equal(answer, "HTTP/1.1 400 ", 13);
    stop();
}

static void too_many_headers_and_parameters_are_refused(void **state)
{
    char request[4096] = "GET /livez HTTP/1.0\r\n";

    (void)state;
    start();
    for (int i = 0; i < 129; i++)
        snprintf(request + strlen(request), sizeof(request) - strlen(request), "X-%d: 1\r\n", i);
    strcat(request, "\r\n");
    assert_memory_equal(ask(request), "HTTP/1.1 400 ", 13);
    strcpy(request, "GET /livez?");
    for (int i = 0; i < 33; i++)
        strcat(request, "a=1&");
    strcat(request, " HTTP/1.0\r\n\r\n");
    assert_memory_equal(ask(request), "HTTP/1.1 400 ", 13);
    stop();
}

static void a_body_in_chunks_grows_to_the_limit_and_no_further(void **state)
{
    static char request[40000];
    size_t n;

    (void)state;
    config.limits_body_bytes = 20000;
    start();
    n = (size_t)snprintf(request, sizeof(request),
                         "POST /v1/score HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n7530\r\n");
    memset(request + n, ' ', 30000);
    strcpy(request + n + 30000, "\r\n0\r\n\r\n");
    assert_memory_equal(ask(request), "HTTP/1.1 413 ", 13);
    stop();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, clean_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_health_check_tells_alive_from_gone),
        TEST(the_health_check_names_an_allowed_host),
        TEST(the_socket_file_has_its_mode_and_goes_at_the_end),
        TEST(a_socket_file_that_nobody_answers_is_replaced),
        TEST(what_another_uses_is_left_alone),
        TEST(a_port_in_use_ends_the_start),
        TEST(an_instruction_set_of_other_machines_ends_the_start),
        TEST(few_descriptors_mean_few_connections),
        TEST(hanging_up_reloads_and_does_not_stop_it),
        TEST(asked_twice_it_stops_at_once),
        TEST(it_is_not_ready_once_asked_to_stop),
        TEST(a_refused_body_is_refused_before_it_is_sent),
        TEST(too_many_headers_and_parameters_are_refused),
        TEST(a_body_in_chunks_grows_to_the_limit_and_no_further),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
