/* listeners.h - everything that is listened on: as configured, or as the service manager passed it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LISTENERS_H
#define DAEMON_LISTENERS_H

#include <stdbool.h>

struct config_error;
struct server;
struct settings;

/* Errors are logged. */
bool listeners_open(struct server *server);

/* Whether every listener may stay open with these: others reach it only with tokens. */
bool listeners_are_allowed(const struct server *server, const struct settings *settings,
                           struct config_error *reterr);

#endif
