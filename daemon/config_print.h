/* config_print.h - the configuration as a file, and its keys as help. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONFIG_PRINT_H
#define DAEMON_CONFIG_PRINT_H

#include "daemon/config.h"

void config_print(FILE *out, const struct config *config); /* an INI file that gives config again */
void config_print_help(FILE *out);

#endif
