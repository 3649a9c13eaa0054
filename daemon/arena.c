/* arena.c - memory for request bodies: recycled, on huge pages where large. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)

static bool is_mapped(size_t cap)
{
    return cap >= ARENA_MAPPED_BYTES;
}

size_t arena_size(size_t n_bytes)
{
    if (n_bytes < ARENA_MAPPED_BYTES)
        return n_bytes > 0 ? n_bytes : 1;
    return (n_bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
}

/* Aligned, as kernels before 6.7 do not align by themselves and then give small pages. */
static uint8_t *map(size_t cap)
{
    uint8_t *whole =
        mmap(NULL, cap + HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (whole == MAP_FAILED)
        return NULL;
    before = (HUGE_BYTES - (uintptr_t)whole % HUGE_BYTES) % HUGE_BYTES;
    if (before > 0)
        munmap(whole, before);
    munmap(whole + before + cap, HUGE_BYTES - before);
    madvise(whole + before, cap, MADV_HUGEPAGE);
    return whole + before;
}

/* The smallest kept arena that is large enough but not wasteful. */
static bool reuse(struct arena_store *store, size_t cap, struct arena *ret_arena)
{
    size_t best = store->n_kept;

    for (size_t i = 0; i < store->n_kept; i++) {
        size_t found = store->kept[i].cap;

        if (found == cap || (found > cap && found / 2 <= cap)) {
            if (best == store->n_kept || found < store->kept[best].cap)
                best = i;
        }
    }
    if (best == store->n_kept)
        return false;
    *ret_arena = store->kept[best];
    store->kept_bytes -= ret_arena->cap;
    store->kept[best] = store->kept[--store->n_kept];
    return true;
}

bool arena_new(struct arena_store *store, size_t n_bytes, struct arena *ret_arena)
{
    size_t cap = arena_size(n_bytes);
    uint8_t *bytes;

    if (is_mapped(cap) && reuse(store, cap, ret_arena))
        return true;
    bytes = is_mapped(cap) ? map(cap) : malloc(cap);
    if (bytes == NULL)
        return false;
    *ret_arena = (struct arena){bytes, cap};
    return true;
}

static bool move(struct arena_store *store, struct arena *arena, size_t n_bytes)
{
    struct arena larger;

    if (!arena_new(store, n_bytes, &larger))
        return false;
    memcpy(larger.bytes, arena->bytes, arena->cap);
    arena_free(store, arena);
    *arena = larger;
    return true;
}

static bool grow_mapped(struct arena *arena, size_t cap)
{
    void *bytes = mremap(arena->bytes, arena->cap, cap, MREMAP_MAYMOVE);

    if (bytes == MAP_FAILED)
        return false;
    *arena = (struct arena){bytes, cap};
    return true;
}

static bool grow_small(struct arena *arena, size_t cap)
{
    uint8_t *bytes = realloc(arena->bytes, cap);

    if (bytes == NULL)
        return false;
    arena->bytes = bytes;
    arena->cap = cap;
    return true;
}

bool arena_grow(struct arena_store *store, struct arena *arena, size_t n_bytes)
{
    size_t cap = arena_size(n_bytes);

    if (cap <= arena->cap)
        return true;
    if (is_mapped(cap) != is_mapped(arena->cap))
        return move(store, arena, n_bytes);
    return is_mapped(cap) ? grow_mapped(arena, cap) : grow_small(arena, cap);
}

void arena_free(struct arena_store *store, struct arena *arena)
{
    if (!is_mapped(arena->cap)) {
        free(arena->bytes);
    } else if (store->n_kept < ARENA_N_KEPT && arena->cap <= store->max_bytes - store->kept_bytes) {
        store->kept[store->n_kept++] = *arena;
        store->kept_bytes += arena->cap;
    } else {
        munmap(arena->bytes, arena->cap);
    }
    *arena = (struct arena){NULL, 0};
}

void arena_store_done(struct arena_store *store)
{
    for (size_t i = 0; i < store->n_kept; i++)
        munmap(store->kept[i].bytes, store->kept[i].cap);
    store->n_kept = 0;
    store->kept_bytes = 0;
}
