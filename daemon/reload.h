/* reload.h - new settings for a daemon that runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/config.h"

struct server;

/* Whether a key is taken over by a reload; the others need a restart. */
bool reload_takes(const struct config_key *key);

/*
 * Read the configuration and the tokens as at the start and take over what can be, all or nothing:
 * where any of it is bad, nothing changes. What happened is logged, key by key.
 */
void reload_run(struct server *server);

#endif
