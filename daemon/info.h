/* info.h - /v1/info and /openapi.yaml: what this daemon can do, and its limits. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_INFO_H
#define DAEMON_INFO_H

#include <stdbool.h>
#include <stddef.h>

struct job;
struct server;

bool info_handle(struct job *job);
bool info_openapi(struct job *job);

struct config;

/* The text of /v1/info with this configuration, to be freed by the caller. NULL where memory is
 * out. */
char *info_text(const struct server *server, const struct config *config, size_t *ret_bytes);

#endif
