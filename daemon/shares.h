/* shares.h - the bytes that each user has of the budget. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SHARES_H
#define DAEMON_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARES_BUCKETS 64

/* Zeroed, nobody has any. Who has none takes no memory. */
struct shares {
    struct share *buckets[SHARES_BUCKETS];
};

/* Of what there is n of, what one user may have; at least one. */
uint64_t shares_limit(uint64_t n, uint64_t percent);

uint64_t shares_of(const struct shares *shares, uint64_t user);

/* false where memory is out */
bool shares_take(struct shares *shares, uint64_t user, uint64_t n_bytes);
void shares_give(struct shares *shares, uint64_t user, uint64_t n_bytes);

#endif
