/* sweep.h - deadlines, and clients that are gone: looked for every so often. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SWEEP_H
#define DAEMON_SWEEP_H

struct server;

void sweep_begin(struct server *server);

/* In each turn of the loop; the next is asked for where there is more. */
void sweep_go_on(struct server *server);

#endif
