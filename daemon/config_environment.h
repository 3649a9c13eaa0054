/* config_environment.h - the configuration from OVERLAPD_SECTION_KEY variables. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_CONFIG_ENVIRONMENT_H
#define DAEMON_CONFIG_ENVIRONMENT_H

#include "daemon/config.h"

/* variables: as environ, "NAME=value", NULL-terminated. An unknown OVERLAPD_ name is an error. */
bool config_environment_load(struct config *config, char *const *variables,
                             struct config_error *reterr);

#endif
