/* hash.h - a keyed hash of 64 bits: whoever does not know the seed cannot make keys collide. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_HASH_H
#define OV_HASH_H

#include <stdint.h>

__extension__ typedef unsigned __int128 ov__u128;

struct ov__hash {
    uint64_t mask;
    uint64_t factor;
};

/* splitmix64's finaliser (Steele, Lea & Flood 2014): every bit of x reaches every bit. */
static inline uint64_t ov__hash_spread(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline struct ov__hash ov__hash_seeded(uint64_t seed)
{
    return (struct ov__hash){.mask = ov__hash_spread(seed + 0x9e3779b97f4a7c15u),
                             .factor = ov__hash_spread(seed + 0x3c6ef372fe94f82au) | 1};
}

/* Folding both halves of the product, as wyhash does, lets high key bits reach the low bits. */
static inline uint64_t ov__hash_key(const struct ov__hash *hash, uint64_t key)
{
    ov__u128 product = (ov__u128)(key ^ hash->mask) * hash->factor;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
