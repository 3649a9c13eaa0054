/* query.c - what a counter answers, and how two become one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/counter.h"

static bool same_options(const struct ov_counter_options *a, const struct ov_counter_options *b)
{
    if (a->n_ignore != b->n_ignore || a->has_threshold != b->has_threshold ||
        a->pairs != b->pairs || a->max_labels != b->max_labels)
        return false;
    if (a->has_threshold && a->threshold != b->threshold)
        return false;
    return a->n_ignore == 0 || memcmp(a->ignore, b->ignore, a->n_ignore * sizeof *a->ignore) == 0;
}

/* ret_slots[i] is the slot in `counter` of the label that has slot i in `from`. */
static enum ov_status merge_labels(struct ov_counter *counter, const struct ov_counter *from,
                                   uint32_t *ret_slots)
{
    ret_slots[OV__SLOT_NONE] = OV__SLOT_NONE;
    counter->labels.slots[OV__SLOT_NONE].reference += from->labels.slots[OV__SLOT_NONE].reference;
    for (size_t i = 1; i < from->labels.n_slots; i++) {
        const struct ov__label label = from->labels.slots[i];
        enum ov_status status = ov__labels_slot(&counter->labels, label.value, &ret_slots[i]);
        if (status != OV_OK)
            return status;
        struct ov__label *sum = &counter->labels.slots[ret_slots[i]];
        sum->prediction += label.prediction;
        sum->reference += label.reference;
        sum->tp += label.tp;
    }
    return OV_OK;
}

static enum ov_status merge_pairs(struct ov_counter *counter, const struct ov_counter *from,
                                  const uint32_t *slots)
{
    enum ov_status status = OV_OK;
    for (size_t i = 0; status == OV_OK && i < from->pairs.n_buckets; i++) {
        const struct ov__pair pair = from->pairs.buckets[i];
        if (pair.n_voxels > 0)
            status = ov__pairs_add(&counter->pairs, slots[pair.prediction], slots[pair.reference],
                                   pair.n_voxels);
    }
    return status;
}

enum ov_status ov_counter_merge(struct ov_counter *counter, const struct ov_counter *from)
{
    if (!same_options(&counter->options, &from->options))
        return OV_EINVAL;
    if (from->n_voxels > INT64_MAX - counter->n_voxels)
        return OV_ESIZE;
    uint32_t *slots = calloc(from->labels.n_slots, sizeof *slots);
    if (slots == NULL)
        return OV_ENOMEM;
    counter->n_voxels += from->n_voxels;
    enum ov_status status = merge_labels(counter, from, slots);
    if (status == OV_OK)
        status = merge_pairs(counter, from, slots);
    free(slots);
    return status;
}

uint64_t ov_counter_ignored(const struct ov_counter *counter)
{
    return counter->labels.slots[OV__SLOT_NONE].reference;
}

uint64_t ov_counter_voxels(const struct ov_counter *counter)
{
    return counter->n_voxels - ov_counter_ignored(counter);
}

size_t ov_counter_n_labels(const struct ov_counter *counter)
{
    size_t n = 0;
    for (size_t i = 1; i < counter->labels.n_slots; i++)
        n += ov__label_is_found(&counter->labels.slots[i]);
    return n;
}

void ov_counter_labels(const struct ov_counter *counter, int64_t *ret_labels)
{
    size_t n = 0;
    for (size_t i = 1; i < counter->labels.n_slots; i++) {
        if (ov__label_is_found(&counter->labels.slots[i]))
            ret_labels[n++] = counter->labels.slots[i].value;
    }
    if (n > 0)
        qsort(ret_labels, n, sizeof *ret_labels, ov__label_compare);
}

struct ov_counts ov_counter_label(const struct ov_counter *counter, int64_t label)
{
    struct ov_counts counts = {.voxels = ov_counter_voxels(counter)};
    uint32_t slot = ov__labels_find(&counter->labels, label);
    if (slot != OV__SLOT_NONE) {
        counts.prediction = counter->labels.slots[slot].prediction;
        counts.reference = counter->labels.slots[slot].reference;
        counts.tp = counter->labels.slots[slot].tp;
    }
    return counts;
}

/*
 * A map from slots to 1 + the index in `labels`, 0 for slots of other labels. The caller frees it.
 */
static enum ov_status index_slots(const struct ov_counter *counter, const int64_t *labels,
                                  size_t n_labels, size_t **ret_index)
{
    if (!counter->options.pairs || (n_labels > 0 && labels == NULL))
        return OV_EINVAL;
    size_t *index = calloc(counter->labels.n_slots, sizeof *index);
    if (index == NULL)
        return OV_ENOMEM;
    for (size_t i = 0; i < n_labels; i++)
        index[ov__labels_find(&counter->labels, labels[i])] = i + 1;
    index[OV__SLOT_NONE] = 0;
    *ret_index = index;
    return OV_OK;
}

enum ov_status ov_counter_union(const struct ov_counter *counter, const int64_t *labels,
                                size_t n_labels, struct ov_counts *ret_counts)
{
    size_t *index;
    enum ov_status status = index_slots(counter, labels, n_labels, &index);
    if (status != OV_OK)
        return status;
    struct ov_counts counts = {.voxels = ov_counter_voxels(counter)};
    for (size_t i = 0; i < counter->pairs.n_buckets; i++) {
        const struct ov__pair *pair = &counter->pairs.buckets[i];
        uint64_t in_prediction = index[pair->prediction] > 0 ? pair->n_voxels : 0;
        uint64_t in_reference = index[pair->reference] > 0 ? pair->n_voxels : 0;
        counts.prediction += in_prediction;
        counts.reference += in_reference;
        counts.tp += in_prediction < in_reference ? in_prediction : in_reference;
    }
    free(index);
    *ret_counts = counts;
    return OV_OK;
}

enum ov_status ov_counter_confusion(const struct ov_counter *counter, const int64_t *labels,
                                    size_t n_labels, uint64_t *ret_matrix)
{
    size_t *index;
    enum ov_status status = ov__labels_distinct(labels, n_labels);
    if (status == OV_OK)
        status = index_slots(counter, labels, n_labels, &index);
    if (status != OV_OK)
        return status;
    for (size_t i = 0; i < n_labels * n_labels; i++)
        ret_matrix[i] = 0;
    for (size_t i = 0; i < counter->pairs.n_buckets; i++) {
        const struct ov__pair *pair = &counter->pairs.buckets[i];
        size_t column = index[pair->prediction];
        size_t row = index[pair->reference];
        if (row > 0 && column > 0)
            ret_matrix[(row - 1) * n_labels + column - 1] = pair->n_voxels;
    }
    free(index);
    return OV_OK;
}

size_t ov_counter_n_pairs(const struct ov_counter *counter)
{
    return counter->pairs.n_pairs;
}

void ov_counter_pairs(const struct ov_counter *counter, struct ov_pair *ret_pairs)
{
    const struct ov__label *slots = counter->labels.slots;
    size_t n = 0;
    for (size_t i = 0; i < counter->pairs.n_buckets; i++) {
        const struct ov__pair *pair = &counter->pairs.buckets[i];
        if (pair->n_voxels > 0)
            ret_pairs[n++] = (struct ov_pair){slots[pair->prediction].value,
                                              slots[pair->reference].value, pair->n_voxels};
    }
}
