/* probe.h - /livez and /readyz: whether the daemon runs, and whether to send it requests. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PROBE_H
#define DAEMON_PROBE_H

#include <stdbool.h>

struct job;
struct server;

/* Not while it drains, nor while a worker is stuck. */
bool probe_is_ready(const struct server *server);

bool probe_livez(struct job *job);
bool probe_readyz(struct job *job); /* ?verbose: each check with its state, and what is in use */

#endif
