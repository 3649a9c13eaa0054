/* sweep.h - deadlines, and clients that are gone: looked for every so often. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SWEEP_H
#define DAEMON_SWEEP_H

struct server;

void sweep_run(struct server *server);

#endif
