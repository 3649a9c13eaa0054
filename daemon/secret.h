/* secret.h - files that nobody else may read: tokens and the private key. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SECRET_H
#define DAEMON_SECRET_H

#include "daemon/config.h"

/*
 * Open a regular file for reading; -1 where it cannot be had or is open to others than its owner
 * and its group.
 *   what            names it in errors
 *   is_credential   systemd made it, with rights of its own
 */
int secret_open(const char *path, const char *what, bool is_credential,
                struct config_error *reterr);

#endif
