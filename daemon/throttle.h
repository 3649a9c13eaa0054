/* throttle.h - how often each address has failed within the second. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_THROTTLE_H
#define DAEMON_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"

/* Addresses that share a slot share their count: one in so many, and it costs them little. */
#define THROTTLE_SLOTS 1024

struct throttle {
    uint64_t seed; /* so that nobody can choose whom to share with */
    struct {
        uint64_t began_ms;
        uint64_t n;
    } slots[THROTTLE_SLOTS];
};

/* Count a failure. false: the address has had more than most of them within a second. */
bool throttle_pass(struct throttle *throttle, const struct address *address, uint64_t most,
                   uint64_t now_ms);

#endif
