/* uid.h - who is at the other end of a Unix socket, and whether they may share memory with us. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_UID_H
#define DAEMON_UID_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/problem.h"

/* As the kernel knew it when the connection was made; false where it does not tell. */
bool uid_of_peer(int fd, uid_t *ret_uid);

/* Whether a text is a list of user numbers, "self" and "any", with commas between them. */
bool uid_is_list(const char *list);

/*
 * Whether a user is on such a list. The number that stands for users of other name spaces never
 * is: it is not one user.
 */
bool uid_is_listed(const char *list, uid_t uid);

#endif
