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
 * The next count, which may be negative: from the fourth on, a string holds differences to the
 * count before the last. NULL, or what is wrong with the string.
 */
const char *rle_string_next(struct rle_string *string, int64_t *ret_count);

#endif
