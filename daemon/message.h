/* message.h - what a message over listen.fd asks for: to register, to unregister, to score. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MESSAGE_H
#define DAEMON_MESSAGE_H

#include "daemon/memfile.h"
#include "daemon/packet.h"
#include "daemon/pool.h"
#include "daemon/settings.h"
#include "proto/proto.h"

struct mailbox;

struct message {
    struct task task; /* first: the pool's */
    struct mailbox *mailbox;
    struct settings *settings; /* held: what it goes by from its start to its end */
    struct json_t *json;
    char *text; /* where it is for a worker to parse; NULL else */
    size_t n_text;
    struct memfile *files[PACKET_MAX_FDS]; /* the descriptors; NULL with a problem for bad ones */
    struct problem problems[PACKET_MAX_FDS];
    size_t n_files;
    struct segments segments;
    struct batch *batch;
    char *answer; /* NULL: none yet */
    size_t answer_bytes;
    bool is_answered; /* no worker has it, nor will */
    uint64_t started_ns;
    uint64_t queued_ns; /* 0: it was not handed to a worker */
};

/*
 * Begin to work on what was received; its descriptors are taken. The mailbox has the message
 * afterwards, and it has its answer already or will get it by mailbox_answer. false where memory is
 * out.
 */
bool message_begin(struct mailbox *mailbox, struct packet *packet);

/* Answer what could not even be received. */
bool message_refuse(struct mailbox *mailbox, const struct problem *problem);

/* For those who do what a message asks. _answer takes the text; NULL stands for no memory. */
void message_answer(struct message *message, char *text, size_t n_bytes);
void message_fail(struct message *message, const struct problem *problem);

void message_free(struct message *message);

#endif
