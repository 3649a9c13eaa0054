/* label_sets.c - sets of labels, each numbered once. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/label_sets.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 64

/* Keyed by a seed that clients do not know, so that they cannot make labels collide. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

static uint64_t hash_of(const struct label_sets *sets, const int64_t *labels, size_t n)
{
    uint64_t hash = sets->seed;

    for (size_t i = 0; i < n; i++)
        hash = mix(hash, (uint64_t)labels[i]);
    return mix(hash, n);
}

const int64_t *label_sets_get(const struct label_sets *sets, size_t set, size_t *ret_n)
{
    *ret_n = sets->sets[set].n;
    return sets->labels + sets->sets[set].first;
}

/* The bucket of the set that holds these labels, or the free one where it belongs. */
static uint32_t *set_bucket(const struct label_sets *sets, const int64_t *labels, size_t n)
{
    size_t i = (size_t)hash_of(sets, labels, n) & (sets->n_buckets - 1);

    for (;; i = (i + 1) & (sets->n_buckets - 1)) {
        uint32_t set = sets->buckets[i];

        if (set == LABEL_SETS_FREE ||
            (sets->sets[set].n == n &&
             memcmp(sets->labels + sets->sets[set].first, labels, n * sizeof(*labels)) == 0))
            return &sets->buckets[i];
    }
}

static struct label_step *step_bucket(const struct label_sets *sets, uint32_t set, uint32_t layer)
{
    size_t i = (size_t)mix(sets->seed, (uint64_t)set << 32 | layer) & (sets->n_step_buckets - 1);

    for (;; i = (i + 1) & (sets->n_step_buckets - 1)) {
        struct label_step *step = &sets->steps[i];

        if (step->set == LABEL_SETS_FREE || (step->set == set && step->layer == layer))
            return step;
    }
}

/* A table of twice the buckets, all free; the caller moves the entries and frees the old one. */
static void *new_buckets(struct label_sets *sets, size_t n, size_t element_bytes,
                         struct problem *reterr)
{
    void *buckets = growth_new(&sets->growth, n, element_bytes, reterr);

    if (buckets != NULL)
        memset(buckets, 0xff, n * element_bytes);
    return buckets;
}

static bool grow_sets(struct label_sets *sets, struct problem *reterr)
{
    size_t n = sets->n_buckets > 0 ? 2 * sets->n_buckets : FIRST_BUCKETS;
    uint32_t *old = sets->buckets;
    uint32_t *buckets = new_buckets(sets, n, sizeof(*buckets), reterr);

    if (buckets == NULL)
        return false;
    sets->buckets = buckets;
    sets->n_buckets = n;
    for (uint32_t set = 0; set < sets->n_sets; set++)
        *set_bucket(sets, sets->labels + sets->sets[set].first, sets->sets[set].n) = set;
    free(old);
    return true;
}

static bool grow_steps(struct label_sets *sets, struct problem *reterr)
{
    size_t n_old = sets->n_step_buckets;
    size_t n = n_old > 0 ? 2 * n_old : FIRST_BUCKETS;
    struct label_step *old = sets->steps;
    struct label_step *steps = new_buckets(sets, n, sizeof(*steps), reterr);

    if (steps == NULL)
        return false;
    sets->steps = steps;
    sets->n_step_buckets = n;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i].set != LABEL_SETS_FREE)
            *step_bucket(sets, old[i].set, old[i].layer) = old[i];
    }
    free(old);
    return true;
}

/* Make room for `n` labels behind those of all sets. */
static bool reserve_labels(struct label_sets *sets, size_t n, struct problem *reterr)
{
    while (sets->n_labels + n > sets->cap_labels) {
        int64_t *labels = growth_room(&sets->growth, sets->labels, sets->cap_labels,
                                      &sets->cap_labels, sizeof(*labels), reterr);

        if (labels == NULL)
            return false;
        sets->labels = labels;
    }
    return true;
}

/* The set of the n labels that lie behind those of all sets; they stay there if it is new. */
static bool intern(struct label_sets *sets, size_t n, uint32_t *ret_set, struct problem *reterr)
{
    uint32_t *bucket = set_bucket(sets, sets->labels + sets->n_labels, n);
    struct label_set *larger;

    if (*bucket != LABEL_SETS_FREE) {
        *ret_set = *bucket;
        return true;
    }
    if (sets->n_sets == LABEL_SETS_MAX)
        return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, sets->growth.pointer,
                           "The layers overlap in more than %d different ways.", LABEL_SETS_MAX);
    larger = growth_room(&sets->growth, sets->sets, sets->n_sets, &sets->cap_sets, sizeof(*larger),
                         reterr);
    if (larger == NULL)
        return false;
    sets->sets = larger;
    sets->sets[sets->n_sets] = (struct label_set){sets->n_labels, n};
    sets->n_labels += n;
    *bucket = (uint32_t)sets->n_sets;
    *ret_set = (uint32_t)sets->n_sets++;
    return 2 * sets->n_sets < sets->n_buckets || grow_sets(sets, reterr);
}

/* Write the labels of a set, with one more or one less, behind those of all sets. */
static size_t copy_toggled(struct label_sets *sets, uint32_t set, int64_t label)
{
    size_t n;
    const int64_t *from = label_sets_get(sets, set, &n);
    int64_t *to = sets->labels + sets->n_labels;
    size_t below = 0;
    bool leaves;

    while (below < n && from[below] < label)
        below++;
    leaves = below < n && from[below] == label;
    memcpy(to, from, below * sizeof(*to));
    if (!leaves)
        to[below] = label;
    memcpy(to + below + !leaves, from + below + leaves, (n - below - leaves) * sizeof(*to));
    return leaves ? n - 1 : n + 1;
}

static bool make_step(struct label_sets *sets, uint32_t set, uint32_t layer, int64_t label,
                      uint32_t *ret_set, struct problem *reterr)
{
    if (2 * sets->n_steps >= sets->n_step_buckets && !grow_steps(sets, reterr))
        return false;
    if (!reserve_labels(sets, sets->sets[set].n + 1, reterr) ||
        !intern(sets, copy_toggled(sets, set, label), ret_set, reterr))
        return false;
    *step_bucket(sets, set, layer) = (struct label_step){set, layer, *ret_set};
    sets->n_steps++;
    return true;
}

bool label_sets_toggle(struct label_sets *sets, uint32_t set, uint32_t layer, int64_t label,
                       uint32_t *ret_set, struct problem *reterr)
{
    const struct label_step *step = sets->n_step_buckets > 0 ? step_bucket(sets, set, layer) : NULL;

    if (step == NULL || step->set == LABEL_SETS_FREE)
        return make_step(sets, set, layer, label, ret_set, reterr);
    *ret_set = step->next;
    return true;
}

bool label_sets_init(struct label_sets *sets, const struct env *env, const char *pointer,
                     struct problem *reterr)
{
    uint32_t empty;

    *sets = (struct label_sets){.growth = {.env = env, .pointer = pointer},
                                .seed = mix(env->hash_seed, 1)};
    return grow_sets(sets, reterr) && reserve_labels(sets, 1, reterr) &&
           intern(sets, 0, &empty, reterr);
}

void label_sets_done(struct label_sets *sets)
{
    free(sets->labels);
    free(sets->sets);
    free(sets->buckets);
    free(sets->steps);
    growth_done(&sets->growth);
}
