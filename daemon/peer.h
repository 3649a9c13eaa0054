/* peer.h - who is at the other end of a Unix socket. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_PEER_H
#define DAEMON_PEER_H

#include <stdbool.h>

/*
 * Whether the peer's user stands in uids or one of its groups, as they were when it connected, in
 * gids ("0, 1000"). Both empty: whoever could open the socket.
 */
bool peer_is_allowed(int fd, const char *uids, const char *gids);

#endif
