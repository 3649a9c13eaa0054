/* user.h - whose a request is, as far as fairness goes: a token's, or else a peer's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_USER_H
#define DAEMON_USER_H

#include <stdint.h>
#include <sys/types.h>

#include "daemon/token.h"

/* A hash: its seed is random, so that nobody can choose whom to be taken for. */
uint64_t user_of_token(const struct token *token, uint64_t seed);
uint64_t user_of_uid(uid_t uid, uint64_t seed);

/* Over a Unix socket the user at its other end, else the address; an IPv6 network is one. */
uint64_t user_of_peer(int fd, uint64_t seed);

#endif
