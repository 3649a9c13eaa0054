/* relay.h - two masks decoded ahead of their counting, by as many threads as are free. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_RELAY_H
#define PROTO_RELAY_H

#include "proto/score.h"

/* Whether more than one thread may help, and there is so much to decode that one should. */
bool relay_can(const struct score *score);

/*
 * Decode and count two masks of one order, neither of them in runs. The answer, and of a mask that
 * is refused the reason, are those of decoding and counting in step. Takes 2.2 MiB.
 */
bool relay_run(struct score *score, struct problem *reterr);

#endif
