/* handle.h - shared memory by descriptor: handles, which die with their connection. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HANDLE_H
#define DAEMON_HANDLE_H

struct message;
struct packet;

/* Messages of these operations, answered. A descriptor that is taken leaves the packet. */
void handle_register(struct message *message, struct packet *packet);
void handle_unregister(struct message *message, struct packet *packet);

#endif
