/* memory.h - the byte budget of bodies and masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MEMORY_H
#define DAEMON_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* One budget per process: struct env's functions have no argument to name another. */
void memory_set_budget(uint64_t n_bytes);
uint64_t memory_budget(void);
uint64_t memory_used(void); /* without what is kept */

/* Any thread. What is taken is given back by whoever took it. */
bool memory_take(uint64_t n_bytes);
void memory_give(uint64_t n_bytes);

/*
 * Memory kept for later use counts too, but gives way: where a take fails, give_way is called, on
 * that thread, to give up n_bytes of it. true: it did give up some. Set it before there are
 * threads.
 */
void memory_keep(uint64_t n_bytes);
void memory_unkeep(uint64_t n_bytes);
void memory_on_shortage(bool (*give_way)(void *user, uint64_t n_bytes), void *user);

/*
 * Have malloc keep what is freed, up to 512 KiB in each of its heaps. By itself it would keep 128
 * KiB until it has seen larger blocks and, by chance of where blocks lie, grow and shrink for every
 * request: two system calls, and a page fault for every 4 KiB.
 */
void memory_hold(void);

/*
 * The memory this process may use: the machine's, or less where a cgroup (v2 or v1) says so.
 *   root   where the system's files are, "" but in tests
 */
uint64_t memory_limit(const char *root);

#endif
