/* listener.h - one listening socket, its libmicrohttpd daemon, and the glue to the loop. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include <stdbool.h>
#include <uv.h>

#include "daemon/address.h"
#include "daemon/config.h"
#include "daemon/handshake.h"

struct MHD_Daemon;
struct server;

struct listener {
    struct server *server;
    struct MHD_Daemon *daemon; /* NULL where it is not open */
    const char *kind;          /* "tcp", "unix" */
    char where[ADDRESS_TEXT_BYTES];
    bool is_unix;
    bool is_tls;
    bool is_loopback; /* TCP that no other machine reaches */
    bool is_passed;   /* by the service manager, whose it stays */
    bool is_quiet;    /* takes no new connections; its socket file may be a successor's by now */
    bool need;        /* libmicrohttpd has something to do */
    bool closed;      /* a connection was closed: it may accept again, but does so only when run */
    bool starved;     /* no descriptor for a connection that waits: left alone for a moment */
    char allowed_hosts[CONFIG_TEXT_BYTES]; /* for gate.h; "" for all */
    struct handshakes handshakes;          /* where is_tls */
    uv_poll_t poll;
    uv_timer_t timer;
};

/* max_connections: of this listener. Errors are logged. */
bool listener_open_tcp(struct listener *listener, struct server *server, unsigned max_connections);
bool listener_open_unix(struct listener *listener, struct server *server, unsigned max_connections);
struct activation_socket;
bool listener_open_passed(struct listener *listener, struct server *server,
                          const struct activation_socket *passed, unsigned max_connections);

/* Take over http.allowed_hosts. */
void listener_allow_hosts(struct listener *listener, const struct config *config);

/*
 * Run libmicrohttpd in this or the next turn of the loop: it does not notice a resumed connection
 * by itself.
 */
void listener_wake(struct listener *listener);
void listener_pump(struct listener *listener);

/* Accept whom the kernel has accepted already, then no more; the socket is closed. */
void listener_quiesce(struct listener *listener);
void listener_stop(struct listener *listener); /* nothing may be suspended */

#endif
