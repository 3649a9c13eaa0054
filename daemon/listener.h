/* listener.h - one listening socket, its libmicrohttpd daemon, and the glue to the loop. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stdbool.h>
#include <uv.h>

#include "daemon/address.h"

struct MHD_Daemon;
struct server;

struct listener {
    struct server *server;
    struct MHD_Daemon *daemon; /* NULL where it is not open */
    const char *kind;          /* "tcp", "unix" */
    char where[ADDRESS_TEXT_BYTES];
    bool is_unix;
    bool is_quiet; /* takes no new connections; its socket file may be a successor's by now */
    bool need;     /* libmicrohttpd has something to do */
    bool closed;   /* a connection was closed: it may accept again, but does so only when run */
    uv_poll_t poll;
    uv_timer_t timer;
};

/* max_connections: of this listener. Errors are logged. */
bool listener_open_tcp(struct listener *listener, struct server *server, unsigned max_connections);
bool listener_open_unix(struct listener *listener, struct server *server, unsigned max_connections);

/* Run libmicrohttpd in this or the next turn of the loop. It never notices by itself: resumes. */
void listener_wake(struct listener *listener);
void listener_pump(struct listener *listener);

void listener_quiesce(struct listener *listener); /* no new connections; the socket is closed */
void listener_stop(struct listener *listener);    /* nothing may be suspended */

#endif
