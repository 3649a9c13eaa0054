/* labels.c - label -> slot by open addressing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/labels.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP_SLOTS = 32 };

/* The bucket that holds the value, or the free one where it belongs. */
static size_t bucket_of(const struct ov__labels *labels, int64_t value)
{
    size_t mask = 2 * labels->cap_slots - 1;
    size_t i = (size_t)ov__hash_key(&labels->hash, (uint64_t)value) & mask;
    while (labels->buckets[i] != OV__SLOT_NONE && labels->slots[labels->buckets[i]].value != value)
        i = (i + 1) & mask;
    return i;
}

enum ov_status ov__labels_init(struct ov__labels *labels, size_t limit, uint64_t seed)
{
    *labels = (struct ov__labels){
        .n_slots = 1, .cap_slots = FIRST_CAP_SLOTS, .limit = limit, .hash = ov__hash_seeded(seed)};
    labels->slots = calloc(FIRST_CAP_SLOTS, sizeof *labels->slots);
    labels->buckets = calloc((size_t)2 * FIRST_CAP_SLOTS, sizeof *labels->buckets);
    if (labels->slots == NULL || labels->buckets == NULL)
        return OV_ENOMEM;
    return OV_OK;
}

void ov__labels_done(struct ov__labels *labels)
{
    free(labels->slots);
    free(labels->buckets);
}

static enum ov_status grow(struct ov__labels *labels)
{
    size_t cap = 2 * labels->cap_slots;
    uint32_t *buckets = calloc(2 * cap, sizeof *buckets);
    if (buckets == NULL)
        return OV_ENOMEM;
    struct ov__label *slots = realloc(labels->slots, cap * sizeof *slots);
    if (slots == NULL) {
        free(buckets);
        return OV_ENOMEM;
    }
    free(labels->buckets);
    labels->slots = slots;
    labels->buckets = buckets;
    labels->cap_slots = cap;
    for (size_t i = 1; i < labels->n_slots; i++)
        buckets[bucket_of(labels, slots[i].value)] = (uint32_t)i;
    return OV_OK;
}

uint32_t ov__labels_find(const struct ov__labels *labels, int64_t value)
{
    return labels->buckets[bucket_of(labels, value)];
}

enum ov_status ov__labels_slot(struct ov__labels *labels, int64_t value, uint32_t *ret_slot)
{
    uint32_t slot = ov__labels_find(labels, value);
    if (slot == OV__SLOT_NONE) {
        if (labels->n_slots > labels->limit)
            return OV_EMANY;
        if (labels->n_slots == labels->cap_slots && grow(labels) != OV_OK)
            return OV_ENOMEM;
        slot = (uint32_t)labels->n_slots++;
        labels->slots[slot] = (struct ov__label){.value = value};
        labels->buckets[bucket_of(labels, value)] = slot;
    }
    *ret_slot = slot;
    return OV_OK;
}

bool ov__label_is_found(const struct ov__label *label)
{
    return label->prediction > 0 || label->reference > 0;
}

int ov__label_compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

enum ov_status ov__labels_distinct(const int64_t *values, size_t n)
{
    if (n == 0)
        return OV_OK;
    if (values == NULL)
        return OV_EINVAL;
    int64_t *sorted = calloc(n, sizeof *sorted);
    if (sorted == NULL)
        return OV_ENOMEM;
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, ov__label_compare);
    enum ov_status status = OV_OK;
    for (size_t i = 1; i < n; i++) {
        if (sorted[i] == sorted[i - 1])
            status = OV_EINVAL;
    }
    free(sorted);
    return status;
}
