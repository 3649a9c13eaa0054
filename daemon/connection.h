/* connection.h - what we know of each open connection: its phase and until when it may last. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONNECTION_H
#define DAEMON_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gnutls_session_int;
struct iovec;
struct job;
struct listener;
struct tls;
struct MHD_Connection;

enum connection_phase {
    CONNECTION_HEADER, /* no request yet, or its head is arriving */
    CONNECTION_WAIT,   /* suspended until there is memory for the body */
    CONNECTION_BODY,   /* the body is arriving */
    CONNECTION_BUSY,   /* suspended until a worker is done, or just resumed */
    CONNECTION_WRITE,  /* the answer is leaving */
    CONNECTION_IDLE    /* between two requests */
};

struct connection {
    struct connection *next;
    struct connection *previous;
    struct listener *listener;
    struct job *job;                    /* the request in progress; NULL for none */
    int fd;                             /* libmicrohttpd's: only to be looked at and shut down */
    struct gnutls_session_int *session; /* libmicrohttpd's; NULL without TLS */
    struct MHD_Connection *mhd;         /* with TLS, for handshake.c */
    bool is_shaking;                    /* so is this: no request yet */
    bool is_paused;                     /* suspended until something can be read */
    struct tls *tls;                    /* held: what the session began with */
    uint64_t user;                      /* of its requests without a token */
    enum connection_phase phase;
    uint64_t since_ms;    /* when the phase began */
    uint64_t deadline_ms; /* 0 for none; CONNECTION_BODY has job_body_deadline */
    bool killed;
};

struct connections {
    struct connection *first;
    struct connection *next_swept; /* sweep.c's; NULL: all have been */
    size_t n;
};

struct connection *connection_new(struct connections *connections, struct listener *listener,
                                  int fd);
void connection_free(struct connections *connections, struct connection *connection);

/* allowed_ms: 0 for no deadline */
void connection_enter(struct connection *connection, enum connection_phase phase,
                      uint64_t allowed_ms);

/*
 * The one way to end a connection from outside: libmicrohttpd then reads its end and closes it.
 * What the client has not taken of an answer by then is lost.
 */
void connection_kill(struct connection *connection);

/* The rest of an answer, or all of it, past libmicrohttpd: what does not fit at once is lost. */
void connection_send(struct connection *connection, const struct iovec *parts, size_t n_parts);
void connection_end_sending(struct connection *connection);

bool connection_is_gone(const struct connection *connection); /* see socket.h; any thread */

#endif
