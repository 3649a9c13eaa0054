/* member.h - which users may use the Unix socket. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MEMBER_H
#define DAEMON_MEMBER_H

#include <stdbool.h>

/*
 * Whether the peer's user stands in uids or one of its groups, as they were when it connected, in
 * gids ("0, 1000"). Both empty: whoever could open the socket. 65534, which stands for all users of
 * other name spaces, never is on a list.
 */
bool member_is_allowed(int fd, const char *uids, const char *gids);

#endif
