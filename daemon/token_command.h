/* token_command.h - `overlapd token new`: makes a token. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_TOKEN_COMMAND_H
#define DAEMON_TOKEN_COMMAND_H

/* arguments: those behind "token". Returns the exit code. */
int token_command_run(char *const *arguments);

#endif
