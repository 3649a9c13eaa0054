/* healthcheck.h - ask a running daemon whether it lives, as containers want it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HEALTHCHECK_H
#define DAEMON_HEALTHCHECK_H

#include "daemon/config.h"

/* GET /livez from the Unix socket, or the TCP address where there is none. Says why not on stderr.
 */
bool healthcheck_run(const struct config *config);

#endif
