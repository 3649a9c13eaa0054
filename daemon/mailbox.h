/* mailbox.h - connections to listen.fd: messages in, answers out, one at a time each. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MAILBOX_H
#define DAEMON_MAILBOX_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "daemon/packet.h"

struct message;
struct server;

/* One connection. What is registered over it dies with it. */
struct mailbox {
    struct mailbox *next;
    struct mailbox *previous;
    struct server *server;
    uv_poll_t poll;
    int watched; /* the events that poll waits for */
    int fd;
    uid_t uid;
    struct message *message; /* being worked on, or answered; NULL for none */
    bool is_gone;            /* nobody waits for the message's answer */
    uint64_t deadline_ms;    /* until an answer must have been taken; 0 for none */
};

struct mailboxes {
    struct mailbox *first;
    size_t n;
    uv_poll_t listener;
    int listen_fd;  /* -1: not open */
    bool is_open;   /* the listener is on the loop */
    bool is_passed; /* by the service manager, whose it stays */
    char *text;     /* PACKET_REQUEST_BYTES: a message as it is received */
};

/*
 * Listen on a socket that was passed, where it is not -1; else where the configuration says, or
 * nowhere. Errors are logged.
 */
bool mailbox_open(struct server *server, int passed_fd);

/* No new connections; those without a message end, the others when it is answered. */
void mailbox_quiesce(struct server *server);

/* Those that wait for a thread are waited for no longer. */
void mailbox_refuse_queued(struct server *server, const struct problem *problem);

/* Deadlines. */
void mailbox_sweep(struct server *server, uint64_t now_ms);

/* All of it; no worker may run any more. The loop must turn once afterwards. */
void mailbox_stop(struct server *server);

/* The message has its answer: on the loop. */
void mailbox_answer(struct mailbox *mailbox);

#endif
