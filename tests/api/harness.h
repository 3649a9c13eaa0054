/* harness.h - starts and stops the real overlapd for a test; bytes. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_HARNESS_H
#define TESTS_API_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TIMEOUT_MS 20000
#define MAX_OPTIONS      32

/* ------------------------------------------------------------------------------ the daemon */

struct daemon {
    pid_t pid;
    int notify;
    char folder[64];
    char tcp[64];        /* "127.0.0.1:40123" */
    char unix_path[108]; /* of the Unix listener */
};

static inline bool build_is_sanitized(void)
{
    const char *build = getenv("BUILD");
    return build && (strstr(build, "asan") || strstr(build, "tsan") || strstr(build, "cov"));
}

static inline void daemon_print_log(const struct daemon *daemon)
{
    char path[128], line[1024];
    snprintf(path, sizeof path, "%s/log", daemon->folder);
    FILE *log = fopen(path, "r");
    while (log && fgets(line, sizeof line, log))
        printf("# log: %s", line);
    if (log)
        fclose(log);
}

static inline int notify_open(const struct daemon *daemon)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", daemon->folder);
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(made >= 0);
    assert_int_equal(bind(made, (const struct sockaddr *)&address, sizeof address), 0);
    return made;
}

/* In the child: nothing returns. options ends with NULL. */
static inline void daemon_exec(const struct daemon *daemon, const char *const options[])
{
    char notify[128], log[128], unix_option[160];
    snprintf(notify, sizeof notify, "%s/notify", daemon->folder);
    snprintf(log, sizeof log, "%s/log", daemon->folder);
    snprintf(unix_option, sizeof unix_option, "--listen.unix=%s", daemon->unix_path);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("NOTIFY_SOCKET", notify, 1);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, 1);
    dup2(out, 2);
    const char *argv[MAX_OPTIONS + 4] = {"overlapd", "--listen.tcp=127.0.0.1:0", unix_option};
    for (size_t i = 0; options && options[i] && i < MAX_OPTIONS; i++)
        argv[3 + i] = options[i];
    const char *path = getenv("OVERLAPD");
    char *arguments[MAX_OPTIONS + 4];
    memcpy(arguments, argv, sizeof arguments);
    execv(path ? path : "build/release/overlapd", arguments);
    _exit(127);
}

/* The notification, or "" where the daemon died or was late. */
static inline void notify_read(const struct daemon *daemon, char *ret_text, size_t cap_text)
{
    struct pollfd wait = {.fd = daemon->notify, .events = POLLIN};
    for (int waited = 0; waited < START_TIMEOUT_MS; waited += 50) {
        if (poll(&wait, 1, 50) == 1) {
            ssize_t got = recv(daemon->notify, ret_text, cap_text - 1, 0);
            ret_text[got > 0 ? got : 0] = '\0';
            return;
        }
        if (waitpid(daemon->pid, NULL, WNOHANG) == daemon->pid)
            break;
    }
    ret_text[0] = '\0';
}

/* A daemon on a free loopback port and a Unix socket, ready. options ends with NULL. */
static inline struct daemon *daemon_start(const char *const options[])
{
    struct daemon *daemon = calloc(1, sizeof *daemon);
    char text[512] = "";
    assert_non_null(daemon);
    strcpy(daemon->folder, "/tmp/overlapd-test-XXXXXX");
    assert_non_null(mkdtemp(daemon->folder));
    snprintf(daemon->unix_path, sizeof daemon->unix_path, "%s/http.sock", daemon->folder);
    daemon->notify = notify_open(daemon);
    fflush(stdout);
    daemon->pid = fork();
    if (daemon->pid == 0)
        daemon_exec(daemon, options);
    notify_read(daemon, text, sizeof text);
    const char *tcp = strstr(text, "tcp=");
    if (!strstr(text, "READY=1") || !tcp || sscanf(tcp, "tcp=%63s", daemon->tcp) != 1) {
        daemon_print_log(daemon);
        fail_msg("overlapd did not become ready: '%s'", text);
    }
    return daemon;
}

static inline void daemon_remove_folder(struct daemon *daemon)
{
    const char *const names[] = {"notify", "log", "http.sock"};
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", daemon->folder, names[i]);
        unlink(path);
    }
    rmdir(daemon->folder);
}

/* Stop it as an operator would; sanitizers make it exit with another status than 0. */
static inline void daemon_stop(struct daemon *daemon)
{
    int status = -1;
    assert_int_equal(kill(daemon->pid, SIGTERM), 0);
    assert_int_equal(waitpid(daemon->pid, &status, 0), daemon->pid);
    if (status != 0)
        daemon_print_log(daemon);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(daemon->notify);
    daemon_remove_folder(daemon);
    free(daemon);
}

/* What most programs use: one daemon with defaults for all their tests. */
static struct daemon *shared;

static inline int start(void **state)
{
    (void)state;
    shared = daemon_start(NULL);
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    daemon_stop(shared);
    return 0;
}

/* ---------------------------------------------------------------------------------- bytes */

struct bytes {
    uint8_t *data;
    size_t size;
};

static inline struct bytes bytes_new(const void *data, size_t size)
{
    struct bytes made = {malloc(size ? size : 1), size};
    assert_non_null(made.data);
    if (data && size)
        memcpy(made.data, data, size);
    return made;
}

static inline struct bytes bytes_text(const char *text)
{
    return bytes_new(text, strlen(text));
}

static inline void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    bytes->data = realloc(bytes->data, bytes->size + size + 1);
    assert_non_null(bytes->data);
    if (size)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

#endif
