/* scalar.c - run ends in plain C, for every machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>

#include "lib/kernels/kernels.h"

#define TARGET
#define TABLE ov__kernels_scalar
#define NAME  "scalar"

#define INLINE static inline TARGET __attribute__((always_inline))

typedef uint64_t pair __attribute__((vector_size(16)));

INLINE uint64_t load(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

INLINE pair load_pair(const unsigned char *bytes)
{
    pair words;
    memcpy(&words, bytes, sizeof words);
    return words;
}

/* A bit for each byte of a word that is not 0: the first in memory is bit 0. */
INLINE uint64_t bits_of(uint64_t word)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7fu;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    uint64_t high = (((word & low) + low) | word) & ~low;
    return (high >> 7) * 0x0102040810204080u >> 56;
}

INLINE uint64_t changes(const unsigned char *bytes, size_t width)
{
    pair differing = {0};
    UNROLL
    for (size_t i = 0; i < 64; i += 16)
        differing |= load_pair(bytes + i) ^ load_pair(bytes + i + width);
    if ((differing[0] | differing[1]) == 0)
        return 0;
    uint64_t mask = 0;
    UNROLL
    for (size_t i = 0; i < 64; i += 8)
        mask |= bits_of(load(bytes + i) ^ load(bytes + i + width)) << i;
    for (size_t n = 1; n < width; n *= 2)
        mask |= mask >> n;
    return mask;
}

INLINE bool is_uniform(const unsigned char *bytes, size_t width)
{
    return memcmp(bytes, bytes + width, 256) == 0;
}

INLINE bool is_filled(const unsigned char *bytes, size_t width)
{
    unsigned char element[16];
    UNROLL
    for (size_t i = 0; i < 16; i += width)
        memcpy(element + i, bytes, width);
    pair first = load_pair(element), differing = {0};
    UNROLL
    for (size_t i = 0; i < 256; i += 16)
        differing |= load_pair(bytes + i) ^ first;
    return ((differing[0] | differing[1]) == 0) & (memcmp(bytes, bytes + 256, width) == 0);
}

#include "lib/kernels/scan.h"
