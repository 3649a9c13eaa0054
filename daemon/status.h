/* status.h - what the service manager shows of us: `systemctl status`. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

struct server;

/* state: other lines for it, such as "READY=1\n", or "". The text may come from anywhere. */
void status_say(const char *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All is well: where it listens. */
void status_say_listening(const char *state, const struct server *server);

#endif
