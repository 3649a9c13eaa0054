/* linger.h - closing connections without losing the answer: read on until the client has it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LINGER_H
#define DAEMON_LINGER_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/*
 * A close with unread data resets the connection, and the client, still sending, never sees why.
 * So a duplicate of the socket is kept: its sending side is shut, what arrives is discarded.
 */
struct lingers {
    uv_loop_t *loop;
    struct lingering *first;
    size_t n; /* descriptors: held, and lingering */
};

int linger_hold(struct lingers *lingers, int fd);        /* a duplicate; -1 for none */
void linger_begin(struct lingers *lingers, int held_fd); /* takes it */
void linger_sweep(struct lingers *lingers, uint64_t now_ms);
void linger_end_all(struct lingers *lingers);

#endif
