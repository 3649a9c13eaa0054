/* growth.c - arrays that grow with what a client sent, within the memory budget. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/growth.h"

#include <stdlib.h>

#define FIRST_ELEMENTS 64

static void *no_memory(const struct growth *growth, size_t n_bytes, struct problem *reterr)
{
    problem_set(reterr, PROBLEM_OUT_OF_MEMORY, growth->pointer,
                "The memory budget has no %zu bytes left for what this mask holds.", n_bytes);
    return NULL;
}

static void *resize(struct growth *growth, void *array, size_t old_bytes, size_t new_bytes,
                    struct problem *reterr)
{
    void *larger;

    if (!growth->env->memory_take(new_bytes - old_bytes))
        return no_memory(growth, new_bytes, reterr);
    larger = realloc(array, new_bytes);
    if (larger == NULL) {
        growth->env->memory_give(new_bytes - old_bytes);
        return no_memory(growth, new_bytes, reterr);
    }
    growth->taken_bytes += new_bytes - old_bytes;
    return larger;
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
        return no_memory(growth, SIZE_MAX, reterr);
    result = resize(growth, array, *cap * element_bytes, n_bytes, reterr);
    if (result != NULL)
        *cap = larger;
    return result;
}

void *growth_new(struct growth *growth, size_t n, size_t element_bytes, struct problem *reterr)
{
    size_t n_bytes;

    if (__builtin_mul_overflow(n, element_bytes, &n_bytes))
        return no_memory(growth, SIZE_MAX, reterr);
    return resize(growth, NULL, 0, n_bytes > 0 ? n_bytes : 1, reterr);
}

void growth_done(struct growth *growth)
{
    if (growth->taken_bytes > 0)
        growth->env->memory_give(growth->taken_bytes);
    growth->taken_bytes = 0;
}
