/* rle_string.c - the string that COCO and Encord write run lengths in. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/rle_string.h"

/* Five bits a character: what a mask of 2^32 pixels can need, and its sign. */
#define GROUPS_MAX 7

/* A character is 48 and its group of bits; this bit of it says that another group follows. */
#define GROUP_ZERO 48
#define GROUP_MORE 0x20
#define GROUP_SIGN 0x10

struct rle_string rle_string_of(const char *text, size_t n)
{
    return (struct rle_string){.at = text, .end = text + n};
}

const char *rle_string_groups(struct rle_string *string, int64_t *ret_number)
{
    uint64_t bits = 0;
    unsigned group = GROUP_MORE;
    unsigned n_bits = 0;

    while (group & GROUP_MORE) {
        if (string->at == string->end)
            return "the string ends within a count";
        if (n_bits == 5 * GROUPS_MAX)
            return "a count takes more than 7 characters";
        group = (unsigned)(unsigned char)*string->at++ - GROUP_ZERO;
        if (group > 63)
            return "a character is outside '0' to 'o'";
        bits |= (uint64_t)(group & 31) << n_bits;
        n_bits += 5;
    }
    if (group & GROUP_SIGN)
        bits |= UINT64_MAX << n_bits;
    *ret_number = (int64_t)bits;
    return NULL;
}
