/* turns.h - who waits: users take turns, and each one's own are in order of arrival. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_TURNS_H
#define DAEMON_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of what waits. */
struct turn {
    uint64_t user; /* set before turns_add; the rest is ours while it waits */
    struct turn *next;
    struct turn *next_user; /* these three only of a user's first */
    struct turn *last;
    size_t n_own;
};

/* Zeroed, it is empty. Finding one costs a step for each user, and one for each of the user's. */
struct turns {
    struct turn *first; /* whose turn it is; the next one's is at next_user */
    struct turn *last;
    size_t n;
};

void turns_add(struct turns *turns, struct turn *turn);

/* A user's first has had its turn: the user's next comes after all others'. */
void turns_take(struct turns *turns, struct turn *turn);

/* Waits no more, without a turn; false where it does not wait here. */
bool turns_remove(struct turns *turns, const struct turn *turn);

size_t turns_of(const struct turns *turns, uint64_t user);

#endif
