/* inner.c - what is compressed inside a file, which may be compressed itself. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/inner.h"

#include <stdlib.h>

/* All that is left of the file, decoded. */
static bool read_rest(struct inner *inner, struct coding *outer, size_t *ret_n,
                      struct problem *reterr)
{
    uint64_t limit = inner->growth.env->limits.decoded_bytes;
    size_t n = 0, n_here, n_asked;

    do {
        uint8_t *room = growth_room(&inner->growth, inner->room, n, &inner->cap, 1, reterr);

        if (room == NULL)
            return false;
        inner->room = room;
        n_asked = inner->cap - n;
        if (!coding_read_some(outer, room + n, n_asked, &n_here, reterr))
            return false;
        n += n_here;
        if (n > limit)
            return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, inner->growth.pointer,
                               "The compressed data inside the file takes more than %llu bytes; "
                               "that is the limit (limits.decoded_bytes).",
                               (unsigned long long)limit);
    } while (n_here == n_asked);
    *ret_n = n;
    return true;
}

bool inner_open(struct inner *inner, enum coding_kind kind, struct coding **stream,
                size_t *ret_n_bytes, struct problem *reterr)
{
    const uint8_t *bytes = coding_borrow_rest(*stream, ret_n_bytes);
    struct coding *decoded;

    if (bytes == NULL && !read_rest(inner, *stream, ret_n_bytes, reterr))
        return false;
    decoded = coding_new(kind, bytes != NULL ? bytes : inner->room, *ret_n_bytes,
                         inner->growth.pointer, reterr);
    if (decoded == NULL)
        return false;
    inner->outer = *stream;
    *stream = decoded;
    return true;
}

bool inner_is_open(const struct inner *inner)
{
    return inner->outer != NULL;
}

void inner_done(struct inner *inner)
{
    coding_free(inner->outer);
    free(inner->room);
    growth_done(&inner->growth);
}
