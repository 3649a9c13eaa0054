/* socket.h - listening sockets, bound by us: libmicrohttpd would let others share the port. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SOCKET_H
#define DAEMON_SOCKET_H

#include "daemon/address.h"

/* Both return -1 with errno set. */
int socket_listen(const struct address *address);
/* Replaces the socket file of a daemon that is gone, but of none that answers. */
int socket_listen_unix(const char *path, int type, unsigned mode);

/*
 * Bound what the system keeps of answers that it has not sent yet, for each connection that will
 * come to this TCP socket.
 */
void socket_bound_unsent(int fd);

/* A blocking connection whose reads and writes end after timeout_s. */
int socket_connect(const struct address *address, int timeout_s);

#endif
