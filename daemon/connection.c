/* connection.c - what we know of each open connection: its phase and until when it may last. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "daemon/clock.h"

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
    connections->n--;
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

bool connection_is_gone(int fd)
{
    struct pollfd reset = {fd, 0, 0};
    char byte;
    ssize_t n;

    if (poll(&reset, 1, 0) > 0 && (reset.revents & (POLLERR | POLLHUP)) != 0)
        return true;
    n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}
