/* listeners.c - everything that is listened on: as configured, or as the service manager passed it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/listeners.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "daemon/activation.h"
#include "daemon/log.h"
#include "daemon/server.h"

/* Descriptors for everything but connections: the loop, listeners, lingering closes, logs. */
#define RESERVED_FDS 48

/* What a connection to listen.fd takes: itself, and what comes with its message. */
#define MAILBOX_FDS (1 + PACKET_MAX_FDS)

/* Connections per listener, so that descriptors never run out: libmicrohttpd would spin. */
static unsigned max_connections(const struct config *config, size_t n_listeners)
{
    rlim_t reserved = RESERVED_FDS;
    struct rlimit files = {0};
    rlim_t most;

    if (strcmp(config->shm_enabled, "yes") == 0)
        reserved += config->shm_regions + config->shm_connections * MAILBOX_FDS;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    most = files.rlim_cur > reserved + n_listeners ? (files.rlim_cur - reserved) / n_listeners : 1;
    if (config->limits_connections <= most)
        return (unsigned)config->limits_connections;
    log_event(LOG_LEVEL_WARN, "connections-limited", LOG_UINT("wanted", config->limits_connections),
              LOG_UINT("allowed", most),
              LOG_TEXT("reason", "too few file descriptors (RLIMIT_NOFILE)"));
    return (unsigned)most;
}

static bool open_configured(struct server *server)
{
    bool tcp = server->config->listen_tcp[0] != '\0';
    bool local = server->config->listen_unix[0] != '\0';
    unsigned max = max_connections(server->config, tcp && local ? 2 : 1);

    if (tcp && !listener_open_tcp(&server->listeners[server->n_listeners], server, max))
        return false;
    server->n_listeners += tcp;
    if (local && !listener_open_unix(&server->listeners[server->n_listeners], server, max))
        return false;
    server->n_listeners += local;
    return true;
}

static const char *kind_of(const struct activation_socket *passed)
{
    if (passed->type == SOCK_SEQPACKET)
        return passed->family == AF_UNIX ? "fd" : NULL;
    if (passed->type != SOCK_STREAM)
        return NULL;
    if (passed->family == AF_UNIX)
        return "unix";
    return passed->family == AF_INET || passed->family == AF_INET6 ? "tcp" : NULL;
}

/* Who calls a socket by one of our names means such a one; all other names say nothing. */
static bool is_as_named(const struct activation_socket *passed, const char *kind)
{
    static const char *const names[] = {"tcp", "unix", "fd"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(passed->name, names[i]) == 0)
            return strcmp(kind, names[i]) == 0;
    }
    return true;
}

static bool refuse(const struct activation_socket *passed, const char *reason)
{
    log_event(LOG_LEVEL_ERROR, "listen-failed", LOG_UINT("fd", (uint64_t)passed->fd),
              LOG_TEXT("name", passed->name), LOG_TEXT("reason", reason));
    return false;
}

/* How many are for HTTP, and which one takes descriptors. */
static bool sort_passed(const struct activation_socket *passed, size_t n, size_t *ret_n_http,
                        int *ret_mailbox_fd)
{
    for (size_t i = 0; i < n; i++) {
        const char *kind = kind_of(&passed[i]);

        if (kind == NULL)
            return refuse(&passed[i], "it is no listening stream socket");
        if (!is_as_named(&passed[i], kind))
            return refuse(&passed[i], "it is not what it is called");
        if (strcmp(kind, "fd") != 0)
            (*ret_n_http)++;
        else if (*ret_mailbox_fd >= 0)
            return refuse(&passed[i], "only one socket can take descriptors");
        else
            *ret_mailbox_fd = passed[i].fd;
    }
    return true;
}

static bool open_passed(struct server *server, const struct activation_socket *passed, size_t n,
                        size_t n_http)
{
    unsigned max = max_connections(server->config, n_http);

    for (size_t i = 0; i < n; i++) {
        if (passed[i].type != SOCK_STREAM)
            continue;
        if (!listener_open_passed(&server->listeners[server->n_listeners], server, &passed[i], max))
            return false;
        server->n_listeners++;
    }
    return true;
}

/* Sockets that were passed are instead of those configured, which could not be shared. */
bool listeners_open(struct server *server)
{
    struct activation_socket passed[SERVER_MAX_LISTENERS];
    size_t n = activation_take(passed, SERVER_MAX_LISTENERS);
    size_t n_http = 0;
    int mailbox_fd = -1;

    if (n > SERVER_MAX_LISTENERS) {
        log_event(LOG_LEVEL_ERROR, "listen-failed", LOG_UINT("passed", n),
                  LOG_TEXT("reason", "that is more sockets than can be served"));
        return false;
    }
    if (!sort_passed(passed, n, &n_http, &mailbox_fd))
        return false;
    if (!(n_http > 0 ? open_passed(server, passed, n, n_http) : open_configured(server)))
        return false;
    return mailbox_open(server, mailbox_fd);
}

bool listeners_are_allowed(const struct server *server, const struct settings *settings,
                           struct config_error *reterr)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        const struct listener *listener = &server->listeners[i];

        if (!listener->is_unix && !listener->is_loopback &&
            !config_check_open(&settings->config, listener->where, reterr))
            return false;
    }
    return true;
}
