/* notify.h - tell the service manager what we are up to (sd_notify's protocol). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/*
 * Send a datagram to the socket named by $NOTIFY_SOCKET; nothing where there is none. Never blocks.
 *   state   "READY=1\nSTATUS=...\n"
 */
void notify_send(const char *state);

#endif
