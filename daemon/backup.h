/* backup.h - the command that copies the store. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_BACKUP_H
#define DAEMON_BACKUP_H

#include "daemon/config.h"

/* Copy the store of a configuration to a file; says on stderr why it cannot. */
bool backup_run(const struct config *config, const char *file);

#endif
