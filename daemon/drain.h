/* drain.h - how the daemon ends without losing a request, in this order. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DRAIN_H
#define DAEMON_DRAIN_H

#include <stdbool.h>

struct server;

void drain_begin(struct server *server); /* asked to stop; asked again, it does so at once */
void drain_check(struct server *server); /* whether nothing is left to wait for */

/* After the loop. false: we are to hurry but a worker is busy; then leave all as it is. */
bool drain_can_finish(struct server *server);
void drain_finish(struct server *server); /* frees the server */

#endif
