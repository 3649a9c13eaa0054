/* throttle.c - how often each address has failed within the second. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/throttle.h"

#include <netinet/in.h>
#include <xxhash.h>

#define WINDOW_MS 1000

/* Of an IPv6 address, what a network gets: whoever has one has 2^64 addresses. */
#define NETWORK_BYTES 8

static uint64_t hash(const struct throttle *throttle, const struct address *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;

    if (address->storage.ss_family == AF_INET)
        return XXH3_64bits_withSeed(&in->sin_addr, sizeof(in->sin_addr), throttle->seed);
    if (address->storage.ss_family == AF_INET6)
        return XXH3_64bits_withSeed(&in6->sin6_addr, NETWORK_BYTES, throttle->seed);
    return 0;
}

bool throttle_pass(struct throttle *throttle, const struct address *address, uint64_t most,
                   uint64_t now_ms)
{
    size_t slot = hash(throttle, address) % THROTTLE_SLOTS;

    if (throttle->slots[slot].n == 0 || now_ms - throttle->slots[slot].began_ms >= WINDOW_MS) {
        throttle->slots[slot].began_ms = now_ms;
        throttle->slots[slot].n = 0;
    }
    throttle->slots[slot].n++;
    return throttle->slots[slot].n <= most;
}
