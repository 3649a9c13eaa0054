/* handshake.h - TLS connections until their first request: not to be asked before they can answer.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HANDSHAKE_H
#define DAEMON_HANDSHAKE_H

#include <stdbool.h>
#include <uv.h>

struct MHD_Connection;
struct connection;
struct listener;

/*
 * libmicrohttpd 0.9.75 takes a socket for readable until a handshake is over, and spins where the
 * client has paused in it. So whoever has nothing to read is suspended here until it has.
 */
struct handshakes {
    int epoll_fd; /* of the suspended */
    uv_poll_t poll;
};

bool handshake_open(struct listener *listener);
void handshake_close(struct listener *listener); /* nobody may be suspended */

/* A connection of a TLS listener, just accepted. */
void handshake_begin(struct connection *connection, struct MHD_Connection *mhd);

/* Its first request has begun, or it is closed: nothing where that has been said already. */
void handshake_end(struct connection *connection);

/* For libmicrohttpd aborts where it stops with one suspended. */
void handshake_resume(struct connection *connection);

#endif
