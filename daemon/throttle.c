/* throttle.c - how often each address has failed within the second. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/throttle.h"

#define WINDOW_MS 1000

bool throttle_pass(struct throttle *throttle, const struct address *address, uint64_t most,
                   uint64_t now_ms)
{
    size_t slot = address_hash(address, throttle->seed) % THROTTLE_SLOTS;

    if (throttle->slots[slot].n == 0 || now_ms - throttle->slots[slot].began_ms >= WINDOW_MS) {
        throttle->slots[slot].began_ms = now_ms;
        throttle->slots[slot].n = 0;
    }
    throttle->slots[slot].n++;
    return throttle->slots[slot].n <= most;
}
