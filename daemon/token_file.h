/* token_file.h - tokens kept in a file: lines of name, scopes and digest. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_TOKEN_FILE_H
#define DAEMON_TOKEN_FILE_H

#include <limits.h>

#include "daemon/config.h"
#include "daemon/token.h"

/*
 * Where the tokens are: auth.tokens_file, or else "tokens" among the credentials that systemd
 * passed. false where there are none, which is not an empty file.
 *   path   [PATH_MAX]
 */
bool token_file_find(const struct config *config, char *path);

/*
 * Read them. The error names the line. Refused is a file that others may read or write, credentials
 * aside, whose access systemd sees to.
 */
bool token_file_load(const struct config *config, struct tokens *ret_tokens,
                     struct config_error *reterr);

/* "name scopes digest\n"; text [TOKEN_FILE_LINE_BYTES]. Returns its length. */
#define TOKEN_FILE_LINE_BYTES 256
size_t token_file_print(const struct token *token, char *text);

#endif
