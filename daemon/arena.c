/* arena.c - memory for request bodies: recycled, on huge pages where large. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/memory.h"

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

void arena_store_init(struct arena_store *store, size_t max_bytes)
{
    *store = (struct arena_store){.max_bytes = max_bytes};
    pthread_mutex_init(&store->mutex, NULL);
}

/* With the mutex held. */
static struct arena take_out(struct arena_store *store, size_t index)
{
    struct arena arena = store->kept[index];

    store->kept[index] = store->kept[--store->n_kept];
    store->kept_bytes -= arena.cap;
    return arena;
}

/* Only of the very size: a larger one would take more than was taken from the budget for it. */
static bool reuse(struct arena_store *store, size_t cap, struct arena *ret_arena)
{
    size_t i = 0;
    bool found;

    pthread_mutex_lock(&store->mutex);
    while (i < store->n_kept && store->kept[i].cap != cap)
        i++;
    found = i < store->n_kept;
    if (found) {
        *ret_arena = take_out(store, i);
        memory_unkeep(cap);
    }
    pthread_mutex_unlock(&store->mutex);
    return found;
}

static bool keep(struct arena_store *store, const struct arena *arena)
{
    bool room;

    pthread_mutex_lock(&store->mutex);
    room = store->n_kept < ARENA_N_KEPT && arena->cap <= store->max_bytes - store->kept_bytes;
    if (room) {
        store->kept[store->n_kept++] = *arena;
        store->kept_bytes += arena->cap;
        memory_keep(arena->cap);
    }
    pthread_mutex_unlock(&store->mutex);
    return room;
}

/* Unmapped with the mutex held, so that who finds nothing left finds the budget up to date. */
bool arena_store_release(struct arena_store *store, size_t n_bytes)
{
    size_t released = 0;

    pthread_mutex_lock(&store->mutex);
    while (released < n_bytes && store->n_kept > 0) {
        struct arena arena = take_out(store, store->n_kept - 1);

        munmap(arena.bytes, arena.cap);
        memory_unkeep(arena.cap);
        released += arena.cap;
    }
    pthread_mutex_unlock(&store->mutex);
    return released > 0;
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
    if (!is_mapped(arena->cap))
        free(arena->bytes);
    else if (!keep(store, arena))
        munmap(arena->bytes, arena->cap);
    *arena = (struct arena){NULL, 0};
}

void arena_store_done(struct arena_store *store)
{
    arena_store_release(store, SIZE_MAX);
    pthread_mutex_destroy(&store->mutex);
}
