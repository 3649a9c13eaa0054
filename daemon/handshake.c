/* handshake.c - TLS connections until their first request: not to be asked before they can answer.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/handshake.h"

#include <errno.h>
#include <microhttpd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/connection.h"
#include "daemon/listener.h"
#include "daemon/server.h"
#include "daemon/tls.h"

/* Per turn of the loop; there is another for the rest. */
#define MAX_EVENTS 64

void handshake_resume(struct connection *connection)
{
    if (!connection->is_paused)
        return;
    connection->is_paused = false;
    MHD_resume_connection(connection->mhd);
    listener_wake(connection->listener);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    struct epoll_event readable[MAX_EVENTS];
    int n = epoll_wait(listener->handshakes.epoll_fd, readable, MAX_EVENTS, 0);

    (void)status;
    (void)events;
    for (int i = 0; i < n; i++)
        handshake_resume(readable[i].data.ptr);
}

bool handshake_open(struct listener *listener)
{
    struct handshakes *handshakes = &listener->handshakes;

    handshakes->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (handshakes->epoll_fd < 0)
        return false;
    if (uv_poll_init(&listener->server->loop, &handshakes->poll, handshakes->epoll_fd) != 0) {
        close(handshakes->epoll_fd);
        return false;
    }
    handshakes->poll.data = listener;
    uv_poll_start(&handshakes->poll, UV_READABLE, on_readable);
    return true;
}

void handshake_close(struct listener *listener)
{
    uv_poll_stop(&listener->handshakes.poll);
    close(listener->handshakes.epoll_fd);
}

/* Until there is something to read, which a hang-up is too. */
static bool suspend(struct connection *connection)
{
    int epoll_fd = connection->listener->handshakes.epoll_fd;
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = connection};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, connection->fd, &event) != 0 &&
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        return false;
    MHD_suspend_connection(connection->mhd);
    return true;
}

/* GnuTLS wants more, and libmicrohttpd may be suspended here as in its handler: it looks after us.
 */
static ssize_t pull(gnutls_transport_ptr_t user, void *bytes, size_t n_bytes)
{
    struct connection *connection = user;
    ssize_t n = recv(connection->fd, bytes, n_bytes, MSG_DONTWAIT);
    int error = errno;

    if (n < 0 && error == EAGAIN && connection->is_shaking && !connection->is_paused)
        connection->is_paused = suspend(connection);
    errno = error; /* GnuTLS reads it */
    return n;
}

void handshake_begin(struct connection *connection, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_transport_ptr_t ours = connection;
    gnutls_transport_ptr_t theirs;

    connection->mhd = mhd;
    connection->session = info->tls_session;
    connection->is_shaking = true;
    connection->tls = tls_hold(connection->listener->server->settings->tls);
    tls_begin(connection->tls, connection->session);
    theirs = gnutls_transport_get_ptr(connection->session);
    gnutls_transport_set_ptr2(connection->session, ours, theirs);
    gnutls_transport_set_pull_function(connection->session, pull);
}

void handshake_end(struct connection *connection)
{
    if (!connection->is_shaking)
        return;
    connection->is_shaking = false;
    epoll_ctl(connection->listener->handshakes.epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
}
