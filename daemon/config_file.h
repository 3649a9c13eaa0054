/* config_file.h - the configuration from an INI file. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONFIG_FILE_H
#define DAEMON_CONFIG_FILE_H

#include "daemon/config.h"

/* Errors name file and line; keys read before an error may be set already. */
bool config_file_load(struct config *config, const char *path, struct config_error *reterr);

#endif
