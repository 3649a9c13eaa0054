/* allocation.h - allocations that fail on request; the linker sends those of the code here. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAULT_ALLOCATION_H
#define TESTS_FAULT_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>

/* By --wrap: those of lib and proto; jansson's come by its own hook. Included by one file a
 * program. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);

static long allocations_left = -1; /* before one fails; negative: none will */

static bool fails(void)
{
    return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t n)
{
    return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t n)
{
    return fails() ? NULL : __real_realloc(old, n);
}

#endif
