/* whole.c - all the bytes of a mask file at once, for formats that are not read front to back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/whole.h"

#include <stdlib.h>

#define FIRST_BYTES ((size_t)64 << 10)

static bool no_memory(const char *pointer, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, pointer,
                       "There is no memory to decompress a mask that has to be whole.");
}

/* Twice the room. Both halves of the move count, as both exist for a while. */
static bool grow(struct whole *whole, size_t *cap, const char *pointer, struct problem *reterr)
{
    size_t larger_cap = *cap > 0 ? 2 * *cap : FIRST_BYTES;
    uint8_t *larger;

    if (!whole->env->memory_take(larger_cap))
        return no_memory(pointer, reterr);
    larger = realloc(whole->decoded, larger_cap);
    if (larger == NULL) {
        whole->env->memory_give(larger_cap);
        return no_memory(pointer, reterr);
    }
    if (*cap > 0)
        whole->env->memory_give(*cap);
    whole->decoded = larger;
    whole->taken_bytes = larger_cap;
    *cap = larger_cap;
    return true;
}

static bool decode(struct whole *whole, const char *pointer, struct coding *stream,
                   struct problem *reterr)
{
    uint64_t most = whole->env->limits.decoded_bytes;
    size_t cap = 0, n_here = 0;

    do {
        if (!grow(whole, &cap, pointer, reterr) ||
            !coding_read_some(stream, whole->decoded + whole->n_bytes, cap - whole->n_bytes,
                              &n_here, reterr))
            return false;
        whole->n_bytes += n_here;
        if (whole->n_bytes > most)
            return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, pointer,
                               "The file is more than %llu bytes long when decompressed, which is "
                               "the limit (limits.decoded_bytes).",
                               (unsigned long long)most);
    } while (whole->n_bytes == cap);
    whole->bytes = whole->decoded;
    return true;
}

bool whole_init(struct whole *whole, const struct reader *reader, struct coding *stream,
                struct problem *reterr)
{
    const struct source *source = reader__source(reader);

    *whole = (struct whole){.env = reader__env(reader)};
    whole->bytes = coding_borrow_rest(stream, &whole->n_bytes);
    if (whole->bytes != NULL)
        return true;
    whole->n_bytes = 0;
    if (decode(whole, source->pointer, stream, reterr))
        return true;
    whole_done(whole);
    return false;
}

void whole_done(struct whole *whole)
{
    free(whole->decoded);
    if (whole->taken_bytes > 0)
        whole->env->memory_give(whole->taken_bytes);
    *whole = (struct whole){.bytes = NULL};
}
