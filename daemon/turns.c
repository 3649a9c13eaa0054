/* turns.c - who waits: users take turns, and each one's own are in order of arrival. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turns.h"

/* Where the user's first hangs; where one would, if there is none. */
static struct turn **link_of(struct turns *turns, uint64_t user)
{
    struct turn **link = &turns->first;

    while (*link != NULL && (*link)->user != user)
        link = &(*link)->next_user;
    return link;
}

static void append(struct turns *turns, struct turn *first)
{
    first->next_user = NULL;
    if (turns->last != NULL)
        turns->last->next_user = first;
    else
        turns->first = first;
    turns->last = first;
}

/* Takes a user's first out of the row of users; the user's next, now its first, or NULL. */
static struct turn *unlink_first(struct turns *turns, struct turn **link)
{
    struct turn *first = *link;
    struct turn *next = first->next;

    *link = first->next_user;
    if (turns->last == first) {
        turns->last = NULL;
        for (struct turn *at = turns->first; at != NULL; at = at->next_user)
            turns->last = at;
    }
    turns->n--;
    if (next != NULL) {
        next->last = first->last;
        next->n_own = first->n_own - 1;
    }
    return next;
}

void turns_add(struct turns *turns, struct turn *turn)
{
    struct turn *first = *link_of(turns, turn->user);

    turn->next = NULL;
    turns->n++;
    if (first != NULL) {
        first->last->next = turn;
        first->last = turn;
        first->n_own++;
        return;
    }
    turn->last = turn;
    turn->n_own = 1;
    append(turns, turn);
}

void turns_take(struct turns *turns, struct turn *turn)
{
    struct turn *next = unlink_first(turns, link_of(turns, turn->user));

    if (next != NULL)
        append(turns, next);
}

/* The user keeps its place in the row. */
static void remove_first(struct turns *turns, struct turn **link)
{
    struct turn *first = *link;
    struct turn *next = first->next;

    if (next == NULL) {
        unlink_first(turns, link);
        return;
    }
    *next = (struct turn){next->user, next->next, first->next_user, first->last, first->n_own - 1};
    *link = next;
    if (turns->last == first)
        turns->last = next;
    turns->n--;
}

bool turns_remove(struct turns *turns, const struct turn *turn)
{
    struct turn **link = link_of(turns, turn->user);
    struct turn *first = *link;
    struct turn *before = first;

    if (first == turn) {
        remove_first(turns, link);
        return true;
    }
    while (before != NULL && before->next != turn)
        before = before->next;
    if (before == NULL)
        return false;
    before->next = turn->next;
    if (first->last == turn)
        first->last = before;
    first->n_own--;
    turns->n--;
    return true;
}

size_t turns_of(const struct turns *turns, uint64_t user)
{
    for (const struct turn *at = turns->first; at != NULL; at = at->next_user) {
        if (at->user == user)
            return at->n_own;
    }
    return 0;
}
