/* growth.c - arrays that grow with what a client sent, within the memory budget. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/growth.h"

#include <stdlib.h>

#define FIRST_ELEMENTS 64

bool growth_take(struct growth *growth, uint64_t n_bytes, struct problem *reterr)
{
    const struct env *env = growth->env;
    uint64_t needed_bytes;

    if (__builtin_add_overflow(growth->taken_bytes, n_bytes, &needed_bytes) ||
        needed_bytes > env->budget_bytes)
        return problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, growth->pointer,
                           "The request takes more than %llu bytes beside its body; there are %llu "
                           "for all requests together (limits.budget_bytes).",
                           (unsigned long long)(n_bytes + growth->taken_bytes - 1),
                           (unsigned long long)env->budget_bytes);
    if (!env->memory_take(n_bytes))
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, growth->pointer,
                           "The memory budget has no %llu bytes left for this request.",
                           (unsigned long long)n_bytes);
    growth->taken_bytes = needed_bytes;
    return true;
}

static void *resize(struct growth *growth, void *array, size_t old_bytes, size_t new_bytes,
                    struct problem *reterr)
{
    void *larger;

    if (!growth_take(growth, new_bytes - old_bytes, reterr))
        return NULL;
    larger = realloc(array, new_bytes);
    if (larger == NULL)
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, growth->pointer,
                    "No memory for what this request holds.");
    return larger;
}

static void *too_large(const struct growth *growth, struct problem *reterr)
{
    problem_set(reterr, PROBLEM_DECODED_TOO_LARGE, growth->pointer,
                "The request needs more memory than there is.");
    return NULL;
}

void *growth_room(struct growth *growth, void *array, size_t n, size_t *cap, size_t element_bytes,
                  struct problem *reterr)
{
    size_t larger = *cap > 0 ? *cap : FIRST_ELEMENTS / 2;
    size_t n_bytes;
    void *result;

    if (n < *cap)
        return array;
    if (__builtin_mul_overflow(larger, 2, &larger) ||
        __builtin_mul_overflow(larger, element_bytes, &n_bytes))
        return too_large(growth, reterr);
    result = resize(growth, array, *cap * element_bytes, n_bytes, reterr);
    if (result != NULL)
        *cap = larger;
    return result;
}

void *growth_new(struct growth *growth, size_t n, size_t element_bytes, struct problem *reterr)
{
    size_t n_bytes;

    if (__builtin_mul_overflow(n, element_bytes, &n_bytes))
        return too_large(growth, reterr);
    return resize(growth, NULL, 0, n_bytes > 0 ? n_bytes : 1, reterr);
}

void growth_done(struct growth *growth)
{
    if (growth->taken_bytes > 0)
        growth->env->memory_give(growth->taken_bytes);
    growth->taken_bytes = 0;
}
