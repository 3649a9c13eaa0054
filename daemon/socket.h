/* socket.h - listening sockets, bound by us; connecting; whether a peer is gone. */
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

/*
 * Whether the peer has closed the connection and nothing of it is left to read. libmicrohttpd
 * 0.9.75 misses it when the last data and the end arrive together, and when suspended. Any thread.
 */
bool socket_is_gone(int fd, bool is_tls);

#endif
