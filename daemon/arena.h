/* arena.h - memory for request bodies: recycled, on huge pages where large. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ARENA_H
#define DAEMON_ARENA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below this size malloc, from here on multiples of 2 MiB by mmap. */
#define ARENA_MAPPED_BYTES ((size_t)1 << 20)

struct arena {
    uint8_t *bytes;
    size_t cap;
};

#define ARENA_N_KEPT 64

/* Mapped arenas that nobody uses now; they count in the budget as kept (memory.h). */
struct arena_store {
    pthread_mutex_t mutex; /* the loop fills and uses it, but any thread may be short of memory */
    struct arena kept[ARENA_N_KEPT];
    size_t n_kept;
    size_t kept_bytes;
    size_t max_bytes;
};

void arena_store_init(struct arena_store *store, size_t max_bytes);
void arena_store_done(struct arena_store *store);

/* Give some n_bytes back to the system; false where nothing was kept. Any thread. */
bool arena_store_release(struct arena_store *store, size_t n_bytes);

size_t arena_size(size_t n_bytes); /* what an arena of n_bytes takes */

/* cap becomes arena_size(n_bytes). false where memory is out. */
bool arena_new(struct arena_store *store, size_t n_bytes, struct arena *ret_arena);
/* Contents stay; on failure so does the arena. */
bool arena_grow(struct arena_store *store, struct arena *arena, size_t n_bytes);
void arena_free(struct arena_store *store, struct arena *arena);

#endif
