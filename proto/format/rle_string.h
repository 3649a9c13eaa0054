/* rle_string.h - the string that COCO and Encord write run lengths in. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_RLE_STRING_H
#define PROTO_FORMAT_RLE_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where decoding stands. at == end: there are no more counts. */
struct rle_string {
    const char *at;
    const char *end;
    int64_t counts[2]; /* the last but one, the last */
    size_t n;          /* counts decoded, up to 3 */
};

struct rle_string rle_string_of(const char *text, size_t n);

/*
 * A group of bits after another, the lowest first, of which the last has the sign: the number that
 * they are. NULL, or what is wrong with the string.
 */
const char *rle_string_groups(struct rle_string *string, int64_t *ret_number);

/*
 * The next count, which may be negative: from the fourth on, a string holds differences to the
 * count before the last. NULL, or what is wrong with the string.
 *
 * Most numbers are one character, which is 48 and five bits: those stay in registers.
 */
static inline const char *rle_string_next(struct rle_string *string, int64_t *ret_count)
{
    unsigned group = (unsigned)(unsigned char)*string->at - 48;
    int64_t count;

    if (group < 32) {
        string->at++;
        count = (int64_t)(group ^ 16) - 16;
    } else {
        const char *wrong = rle_string_groups(string, &count);

        if (wrong != NULL)
            return wrong;
    }
    if (string->n < 3)
        string->n++;
    else
        count += string->counts[0];
    string->counts[0] = string->counts[1];
    string->counts[1] = count;
    *ret_count = count;
    return NULL;
}

#endif
