/* found.c - the labels that two masks hold, with their counts, whatever the masks are made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/found.h"

#include <stdlib.h>
#include <string.h>

static int compare_found(const void *a, const void *b)
{
    const struct found_label *left = a;
    const struct found_label *right = b;

    return (left->label > right->label) - (left->label < right->label);
}

bool found_has_sets(const struct found *found)
{
    return found->prediction != NULL || found->reference != NULL;
}

/* ---- what a counted value stands for --------------------------------------------------------- */

/* The labels of a value that the counter has: a set's, or the value itself. */
struct members {
    const int64_t *labels;
    size_t n;
    int64_t one; /* where labels points to a single one */
};

static void members_of(const struct found *found, const struct layers *layers, int64_t value,
                       struct members *ret)
{
    ret->labels = &ret->one;
    ret->n = 1;
    ret->one = value;
    if (layers == NULL)
        return;
    ret->labels = layers_set(layers, (size_t)value, &ret->n);
    if (ret->n == 0 && found->has_background) {
        ret->labels = &ret->one;
        ret->n = 1;
        ret->one = found->background;
    }
}

static bool has_member(const struct members *members, int64_t label)
{
    for (size_t i = 0; i < members->n; i++) {
        if (members->labels[i] == label)
            return true;
    }
    return false;
}

static bool shares_a_label(const struct members *members, const int64_t *labels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (has_member(members, labels[i]))
            return true;
    }
    return false;
}

/* ---- the list of labels ---------------------------------------------------------------------- */

/* Labels being gathered, each perhaps many times. */
struct gathering {
    struct found_label *list;
    size_t n;
    size_t cap;
};

static void sort_out(struct gathering *all)
{
    size_t n = 0;

    if (all->n > 0)
        qsort(all->list, all->n, sizeof(*all->list), compare_found);
    for (size_t i = 0; i < all->n; i++) {
        if (n == 0 || all->list[i].label != all->list[n - 1].label)
            all->list[n++] = all->list[i];
    }
    all->n = n;
}

/* Duplicates go before the list grows, so that it stays in proportion to the labels. */
static bool gather(struct gathering *all, const int64_t *labels, size_t n)
{
    if (all->n + n > all->cap) {
        size_t cap;
        struct found_label *list;

        sort_out(all);
        cap = 2 * (all->n + n) + 64;
        list = realloc(all->list, cap * sizeof(*list));
        if (list == NULL)
            return false;
        all->list = list;
        all->cap = cap;
    }
    for (size_t i = 0; i < n; i++)
        all->list[all->n++] = (struct found_label){.label = labels[i]};
    return true;
}

static bool gather_pairs(const struct found *found, struct gathering *all)
{
    for (size_t i = 0; i < found->n_pairs; i++) {
        struct members members;

        members_of(found, found->prediction, found->pairs[i].prediction, &members);
        if (!gather(all, members.labels, members.n))
            return false;
        members_of(found, found->reference, found->pairs[i].reference, &members);
        if (!gather(all, members.labels, members.n))
            return false;
    }
    return true;
}

static bool gather_counted(const struct found *found, struct gathering *all)
{
    size_t n = ov_counter_n_labels(found->counter);
    int64_t *labels = malloc((n + 1) * sizeof(*labels));
    bool ok = labels != NULL;

    if (ok) {
        ov_counter_labels(found->counter, labels);
        ok = gather(all, labels, n);
    }
    free(labels);
    return ok;
}

static bool gather_all(const struct found *found, const struct layers *const *declared,
                       struct gathering *all)
{
    for (int i = 0; i < 2; i++) {
        if (declared[i] != NULL &&
            !gather(all, layers_labels(declared[i]), layers_n_labels(declared[i])))
            return false;
    }
    return found_has_sets(found) ? gather_pairs(found, all) : gather_counted(found, all);
}

/* ---- their counts ---------------------------------------------------------------------------- */

static struct found_label *find(const struct found *found, int64_t label)
{
    struct found_label key = {.label = label};

    return found->n == 0 ? NULL : bsearch(&key, found->list, found->n, sizeof(key), compare_found);
}

static void count_pair(const struct found *found, const struct ov_pair *pair)
{
    struct members prediction;
    struct members reference;

    members_of(found, found->prediction, pair->prediction, &prediction);
    members_of(found, found->reference, pair->reference, &reference);
    for (size_t i = 0; i < prediction.n; i++) {
        struct ov_counts *counts = &find(found, prediction.labels[i])->counts;

        counts->prediction += pair->n_voxels;
        if (has_member(&reference, prediction.labels[i]))
            counts->tp += pair->n_voxels;
    }
    for (size_t i = 0; i < reference.n; i++)
        find(found, reference.labels[i])->counts.reference += pair->n_voxels;
}

static bool read_pairs(struct found *found)
{
    if (!found_has_sets(found))
        return true;
    found->n_pairs = ov_counter_n_pairs(found->counter);
    found->pairs = malloc((found->n_pairs + 1) * sizeof(*found->pairs));
    if (found->pairs == NULL)
        return false;
    ov_counter_pairs(found->counter, found->pairs);
    return true;
}

bool found_make(struct found *found, const struct layers *const *declared)
{
    struct gathering all = {.list = NULL};

    if (!read_pairs(found) || !gather_all(found, declared, &all)) {
        free(all.list);
        return false;
    }
    sort_out(&all);
    found->list = all.list;
    found->n = all.n;
    for (size_t i = 0; i < found->n; i++) {
        struct found_label *entry = &found->list[i];

        entry->counts.voxels = ov_counter_voxels(found->counter);
        if (!found_has_sets(found))
            entry->counts = ov_counter_label(found->counter, entry->label);
    }
    for (size_t i = 0; i < found->n_pairs; i++)
        count_pair(found, &found->pairs[i]);
    return true;
}

void found_done(struct found *found)
{
    free(found->list);
    free(found->pairs);
}

struct ov_counts found_label(const struct found *found, int64_t label)
{
    const struct found_label *entry = find(found, label);

    return entry != NULL ? entry->counts
                         : (struct ov_counts){.voxels = ov_counter_voxels(found->counter)};
}

bool found_union(const struct found *found, const int64_t *labels, size_t n_labels,
                 struct ov_counts *ret_counts)
{
    struct ov_counts counts = {.voxels = ov_counter_voxels(found->counter)};

    if (!found_has_sets(found))
        return ov_counter_union(found->counter, labels, n_labels, ret_counts) == OV_OK;
    for (size_t i = 0; i < found->n_pairs; i++) {
        const struct ov_pair *pair = &found->pairs[i];
        struct members members;
        bool in_prediction;
        bool in_reference;

        members_of(found, found->prediction, pair->prediction, &members);
        in_prediction = shares_a_label(&members, labels, n_labels);
        members_of(found, found->reference, pair->reference, &members);
        in_reference = shares_a_label(&members, labels, n_labels);
        counts.prediction += in_prediction ? pair->n_voxels : 0;
        counts.reference += in_reference ? pair->n_voxels : 0;
        counts.tp += in_prediction && in_reference ? pair->n_voxels : 0;
    }
    *ret_counts = counts;
    return true;
}
