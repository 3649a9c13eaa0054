/* shares.c - the bytes that each user has of the budget. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shares.h"

#include <assert.h>
#include <stdlib.h>

struct share {
    struct share *next;
    uint64_t user; /* a hash already */
    uint64_t n_bytes;
};

/* Where the user's share hangs; where one would, if there is none. */
static struct share **link_of(struct shares *shares, uint64_t user)
{
    struct share **link = &shares->buckets[user % SHARES_BUCKETS];

    while (*link != NULL && (*link)->user != user)
        link = &(*link)->next;
    return link;
}

uint64_t shares_limit(uint64_t n, uint64_t percent)
{
    uint64_t limit = n / 100 * percent + n % 100 * percent / 100;

    return limit > 0 ? limit : 1;
}

uint64_t shares_of(const struct shares *shares, uint64_t user)
{
    const struct share *share = shares->buckets[user % SHARES_BUCKETS];

    while (share != NULL && share->user != user)
        share = share->next;
    return share != NULL ? share->n_bytes : 0;
}

bool shares_take(struct shares *shares, uint64_t user, uint64_t n_bytes)
{
    struct share **link = link_of(shares, user);

    if (n_bytes == 0)
        return true;
    if (*link == NULL) {
        *link = calloc(1, sizeof(**link));
        if (*link == NULL)
            return false;
        (*link)->user = user;
    }
    (*link)->n_bytes += n_bytes;
    return true;
}

void shares_give(struct shares *shares, uint64_t user, uint64_t n_bytes)
{
    struct share **link = link_of(shares, user);
    struct share *share = *link;

    if (n_bytes == 0)
        return;
    assert(share != NULL && share->n_bytes >= n_bytes);
    share->n_bytes -= n_bytes;
    if (share->n_bytes > 0)
        return;
    *link = share->next;
    free(share);
}
