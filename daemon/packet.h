/* packet.h - one message of a SOCK_SEQPACKET socket, with the descriptors that come along. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PACKET_H
#define DAEMON_PACKET_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/problem.h"

#define PACKET_MAX_FDS 8

/* What a message may have; Linux lets a client send about 208 KiB unless it asks for more. */
#define PACKET_REQUEST_BYTES ((size_t)192 << 10)

/* An answer that is longer comes in a memfd; so a client knows how much it has to receive. */
#define PACKET_ANSWER_BYTES ((size_t)64 << 10)

struct packet {
    char *text; /* PACKET_REQUEST_BYTES of room, the caller's */
    size_t n;
    int fds[PACKET_MAX_FDS];
    size_t n_fds;
};

enum packet_state { PACKET_NONE, PACKET_THERE, PACKET_BROKEN, PACKET_CLOSED };

/*
 * Receive a message, if there is one. PACKET_BROKEN: one came that is too long or has too many
 * descriptors; none of them is left open. PACKET_CLOSED: nothing will come any more.
 */
enum packet_state packet_receive(int socket, struct packet *packet, struct problem *reterr);
void packet_close_fds(struct packet *packet);

enum packet_sent { PACKET_SENT, PACKET_FULL, PACKET_LOST };

/* Send an answer; PACKET_FULL: when the socket is writable again. Never blocks. */
enum packet_sent packet_send(int socket, const char *text, size_t n);

#endif
