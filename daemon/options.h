/* options.h - the command line. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "daemon/config.h"

enum options_action {
    OPTIONS_RUN,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_PRINT_CONFIG,
    OPTIONS_CHECK_CONFIG,
    OPTIONS_HEALTHCHECK,
    OPTIONS_BACKUP
};

/*
 * Read the configuration from defaults, file, environment and command line, in this order, and
 * check it.
 *   variables   as environ
 */
bool options_parse(char *const *arguments, char *const *variables, struct config *ret_config,
                   enum options_action *ret_action, struct config_error *reterr);

/* The file of OPTIONS_BACKUP. */
const char *options_backup_file(char *const *arguments);

void options_help(FILE *out);

#endif
