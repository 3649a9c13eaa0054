/* growth.h - arrays that grow with what a client sent, within the memory budget. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_GROWTH_H
#define PROTO_GROWTH_H

#include "proto/env.h"
#include "proto/problem.h"

/* What some arrays have taken from the budget together. */
struct growth {
    const struct env *env;
    const char *pointer; /* names the source in problems; borrowed */
    uint64_t taken_bytes;
};

/*
 * Make room for one element more than n in an array of *cap elements: doubled where it is full.
 * NULL, with reterr set, where memory is out; the array is as it was then.
 */
void *growth_room(struct growth *growth, void *array, size_t n, size_t *cap, size_t element_bytes,
                  struct problem *reterr);

/*
 * Take memory from the budget for what is allocated elsewhere. Problems: PROBLEM_OUT_OF_MEMORY
 * where it is out now, PROBLEM_DECODED_TOO_LARGE where there never will be so much.
 */
bool growth_take(struct growth *growth, uint64_t n_bytes, struct problem *reterr);

/* Room for n elements that will not grow: NULL as above. */
void *growth_new(struct growth *growth, size_t n, size_t element_bytes, struct problem *reterr);

/* Give everything back to the budget; the arrays are freed by whoever owns them. */
void growth_done(struct growth *growth);

#endif
