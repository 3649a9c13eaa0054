/* connection.c - what we know of each open connection: its phase and until when it may last. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/connection.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/clock.h"
#include "daemon/socket.h"
#include "daemon/tls.h"

struct connection *connection_new(struct connections *connections, struct listener *listener,
                                  int fd)
{
    struct connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL)
        return NULL;
    connection->listener = listener;
    connection->fd = fd;
    connection->next = connections->first;
    if (connections->first != NULL)
        connections->first->previous = connection;
    connections->first = connection;
    connections->n++;
    return connection;
}

void connection_free(struct connections *connections, struct connection *connection)
{
    if (connection == NULL)
        return;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        connections->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    if (connections->next_swept == connection)
        connections->next_swept = connection->next;
    connections->n--;
    tls_release(connection->tls);
    free(connection);
}

void connection_enter(struct connection *connection, enum connection_phase phase,
                      uint64_t allowed_ms)
{
    connection->phase = phase;
    connection->since_ms = clock_ms();
    connection->deadline_ms = allowed_ms > 0 ? connection->since_ms + allowed_ms : 0;
}

/* Without a reset the system would offer it to the client for minutes more, and hold it as long. */
static void forget_unread(int fd)
{
    const struct linger reset = {1, 0};
    int n_bytes = 0;

    if (ioctl(fd, SIOCOUTQ, &n_bytes) == 0 && n_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

void connection_kill(struct connection *connection)
{
    connection->killed = true;
    forget_unread(connection->fd);
    shutdown(connection->fd, SHUT_RDWR);
}

void connection_send(struct connection *connection, const struct iovec *parts, size_t n_parts)
{
    struct iovec copy[2] = {parts[0], n_parts > 1 ? parts[1] : (struct iovec){0}};
    struct msghdr message = {.msg_iov = copy, .msg_iovlen = n_parts};
    ssize_t sent = 0;

    if (connection->session == NULL)
        sent = sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    for (size_t i = 0; connection->session != NULL && i < n_parts && sent >= 0; i++)
        sent = gnutls_record_send(connection->session, parts[i].iov_base, parts[i].iov_len);
    /* An empty send buffer takes some hundred bytes at once; a client that is gone needs none. */
    (void)sent;
}

void connection_end_sending(struct connection *connection)
{
    if (connection->session != NULL)
        gnutls_bye(connection->session, GNUTLS_SHUT_WR);
    shutdown(connection->fd, SHUT_WR);
}

bool connection_is_gone(const struct connection *connection)
{
    return socket_is_gone(connection->fd, connection->session != NULL);
}
