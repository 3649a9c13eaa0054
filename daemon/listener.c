/* listener.c - one listening socket, its libmicrohttpd daemon, and the glue to the loop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/listener.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/activation.h"
#include "daemon/http.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/socket.h"

/* The buffer for a body grows while less is free in it: with limits.head_bytes as it comes to 12
 * KiB, since libmicrohttpd keeps 8 for headers. Volumes are taken no faster with more. */
#define READ_BYTES ((size_t)16 << 10)

/* libmicrohttpd's own timeout restarts with every byte: it only backs ours up. */
#define TIMEOUT_SLACK_MS 5000

/* Before the loop gets its turn, however much libmicrohttpd says there is to do. */
#define MAX_ROUNDS 16

/* Where descriptors have run out libmicrohttpd would try again and again: it is run so late then.
 */
#define STARVED_MS 40

/* For those in the backlog when the socket closes; libmicrohttpd accepts only some each time. */
#define MAX_LAST_PUMPS 64

#define FLAGS (MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_TURBO)

static void log_mhd(void *user, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void log_mhd(void *user, const char *format, va_list arguments)
{
    struct listener *listener = user;
    char text[256];

    /* It quotes with a back-tick where it cannot parse, straight where the number is too large. */
    if (strstr(format, "Content-Length' header") != NULL)
        http_refuse_lengths(listener);
    if (strstr(format, "resource limit") != NULL || strstr(format, "Error accepting") != NULL)
        listener->starved = true;
    vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\r\n")] = '\0';
    log_event_limited(LOG_LEVEL_DEBUG, "libmicrohttpd", LOG_TEXT("text", text));
}

static unsigned backup_timeout_s(const struct config *config)
{
    uint64_t longest = config->timeouts_header_ms;

    if (config->timeouts_body_ms > longest)
        longest = config->timeouts_body_ms;
    if (config->timeouts_write_ms > longest)
        longest = config->timeouts_write_ms;
    if (config->timeouts_idle_ms > longest)
        longest = config->timeouts_idle_ms;
    return (unsigned)((longest + TIMEOUT_SLACK_MS) / 1000);
}

static struct MHD_Daemon *start(struct listener *listener, int fd, unsigned max_connections)
{
    const struct config *config = listener->server->config;
    unsigned per_address = listener->is_unix ? 0 : (unsigned)config->limits_connections_per_address;

    listener->is_tls = !listener->is_unix && listener->server->settings->tls != NULL;
    /* STRICT_FOR_CLIENT stays off: for want of a Host it sends its answer twice; gate.c is
     * stricter anyway. */
    return MHD_start_daemon(
        FLAGS | (listener->is_tls ? MHD_USE_TLS : 0), 0, NULL, NULL, http_handle, listener,
        MHD_OPTION_EXTERNAL_LOGGER, log_mhd, listener, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_NOTIFY_CONNECTION, http_notify_connection, listener, MHD_OPTION_NOTIFY_COMPLETED,
        http_completed, listener, MHD_OPTION_URI_LOG_CALLBACK, http_begin, listener,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)config->limits_head_bytes,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, READ_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, backup_timeout_s(config), MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
        1, listener->is_tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, TLS_PRIORITIES,
        MHD_OPTION_HTTPS_CERT_CALLBACK2, tls_no_certificate, MHD_OPTION_END);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    listener_wake(poll->data); /* run after the poll phase, once for all that happened in it */
}

static void on_timer(uv_timer_t *timer)
{
    listener_wake(timer->data);
}

static bool open_on(struct listener *listener, int fd, unsigned max_connections)
{
    const union MHD_DaemonInfo *info;

    if (fd < 0) {
        log_event(LOG_LEVEL_ERROR, "listen-failed", LOG_TEXT(listener->kind, listener->where),
                  LOG_TEXT("reason", strerror(errno)));
        return false;
    }
    if (!listener->is_unix)
        socket_bound_unsent(fd);
    listener->daemon = start(listener, fd, max_connections);
    if (listener->daemon == NULL) {
        close(fd);
        log_event(LOG_LEVEL_ERROR, "listen-failed", LOG_TEXT(listener->kind, listener->where),
                  LOG_TEXT("reason", "libmicrohttpd does not start"));
        return false;
    }
    info = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if ((listener->is_tls && !handshake_open(listener)) ||
        uv_poll_init(&listener->server->loop, &listener->poll, info->epoll_fd) != 0) {
        MHD_stop_daemon(listener->daemon);
        log_event(LOG_LEVEL_ERROR, "listen-failed", LOG_TEXT(listener->kind, listener->where),
                  LOG_TEXT("reason", "the loop does not take it"));
        return false;
    }
    uv_timer_init(&listener->server->loop, &listener->timer);
    listener->poll.data = listener;
    listener->timer.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    listener_wake(listener);
    return true;
}

/*
 * A browser on this machine can be made to call a loopback address by another name, one that its
 * page comes from (DNS rebinding): such a listener answers to its own names alone.
 */
void listener_allow_hosts(struct listener *listener, const struct config *config)
{
    const char *hosts = config->http_allowed_hosts;

    if (hosts[0] == '\0' && listener->is_loopback)
        hosts = "localhost, 127.0.0.1, [::1]";
    snprintf(listener->allowed_hosts, sizeof(listener->allowed_hosts), "%s", hosts);
}

bool listener_open_tcp(struct listener *listener, struct server *server, unsigned max_connections)
{
    struct address address;
    int fd = -1;

    *listener = (struct listener){.server = server, .kind = "tcp"};
    snprintf(listener->where, sizeof(listener->where), "%.*s", ADDRESS_TEXT_BYTES - 1,
             server->config->listen_tcp);
    if (address_parse(server->config->listen_tcp, &address)) {
        fd = socket_listen(&address);
        listener->is_loopback = address_is_loopback(&address);
    }
    if (fd >= 0 && getsockname(fd, (struct sockaddr *)&address.storage, &address.n_bytes) == 0)
        address_print(&address, listener->where);
    listener_allow_hosts(listener, server->config);
    return open_on(listener, fd, max_connections);
}

bool listener_open_unix(struct listener *listener, struct server *server, unsigned max_connections)
{
    const struct config *config = server->config;

    *listener = (struct listener){.server = server, .kind = "unix", .is_unix = true};
    snprintf(listener->where, sizeof(listener->where), "%.*s", ADDRESS_TEXT_BYTES - 1,
             config->listen_unix);
    listener_allow_hosts(listener, config);
    return open_on(
        listener,
        socket_listen_unix(config->listen_unix, SOCK_STREAM, (unsigned)config->listen_unix_mode),
        max_connections);
}

bool listener_open_passed(struct listener *listener, struct server *server,
                          const struct activation_socket *passed, unsigned max_connections)
{
    struct address address = {.n_bytes = sizeof(address.storage)};
    bool is_unix = passed->family == AF_UNIX;

    *listener = (struct listener){
        .server = server, .kind = is_unix ? "unix" : "tcp", .is_unix = is_unix, .is_passed = true};
    if (getsockname(passed->fd, (struct sockaddr *)&address.storage, &address.n_bytes) != 0) {
        log_event(LOG_LEVEL_ERROR, "listen-failed", LOG_UINT("fd", (uint64_t)passed->fd),
                  LOG_TEXT("reason", strerror(errno)));
        return false;
    }
    listener->is_loopback = !is_unix && address_is_loopback(&address);
    address_print(&address, listener->where);
    listener_allow_hosts(listener, server->config);
    return open_on(listener, passed->fd, max_connections);
}

void listener_wake(struct listener *listener)
{
    listener->need = true;
    server_wake(listener->server);
}

static void pause_starved(struct listener *listener)
{
    log_event_limited(LOG_LEVEL_WARN, "starved", LOG_TEXT(listener->kind, listener->where),
                      LOG_TEXT("reason", "no file descriptor for a connection"));
    uv_poll_stop(&listener->poll); /* until the next pump */
    uv_update_time(&listener->server->loop);
    uv_timer_start(&listener->timer, on_timer, STARVED_MS, 0);
}

void listener_pump(struct listener *listener)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    if (!uv_is_active((const uv_handle_t *)&listener->poll))
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    for (int i = 0; i < MAX_ROUNDS; i++) {
        listener->need = false;
        listener->closed = false;
        listener->starved = false;
        MHD_run(listener->daemon);
        if (listener->starved) {
            pause_starved(listener);
            return;
        }
        if (listener->need || listener->closed)
            continue;
        if (MHD_get_timeout(listener->daemon, &timeout_ms) != MHD_YES) {
            uv_timer_stop(&listener->timer);
            return;
        }
        if (timeout_ms > 0) {
            uv_update_time(&listener->server->loop);
            /* libmicrohttpd compares strictly: without the 1 it would spin for a millisecond. */
            uv_timer_start(&listener->timer, on_timer, timeout_ms + 1, 0);
            return;
        }
    }
    listener_wake(listener);
}

static void empty_backlog(struct listener *listener)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_LISTEN_FD);
    struct pollfd backlog = {info->listen_fd, POLLIN, 0};

    for (int i = 0; i < MAX_LAST_PUMPS && poll(&backlog, 1, 0) > 0; i++)
        listener_pump(listener);
}

static void close_socket(struct listener *listener)
{
    int fd;

    if (listener->is_quiet)
        return;
    listener->is_quiet = true;
    fd = MHD_quiesce_daemon(listener->daemon);
    if (fd >= 0)
        close(fd);
    if (listener->is_unix && !listener->is_passed)
        unlink(listener->where);
}

void listener_quiesce(struct listener *listener)
{
    if (listener->is_quiet)
        return;
    listener_pump(listener);  /* what idle connections have sent already */
    if (!listener->is_passed) /* a successor takes over the backlog of such a socket */
        empty_backlog(listener);
    close_socket(listener);
}

void listener_stop(struct listener *listener)
{
    close_socket(listener);
    uv_poll_stop(&listener->poll);
    uv_timer_stop(&listener->timer);
    MHD_stop_daemon(listener->daemon);
    if (listener->is_tls)
        handshake_close(listener);
    listener->daemon = NULL;
}
