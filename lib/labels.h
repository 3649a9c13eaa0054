/* labels.h - the table of labels met so far, each with its slot and its counts. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_LABELS_H
#define OV_LABELS_H

#include "lib/hash.h"
#include "lib/overlap.h"

struct ov__label {
    int64_t value;
    uint64_t prediction;
    uint64_t reference;
    uint64_t tp;
};

/*
 * Slot 0 is nobody's label. Its `reference` counts the ignored voxels; its `tp` is a sink that
 * takes the voxels where the masks differ, so that counting a run needs no branch.
 */
enum { OV__SLOT_NONE = 0 };

struct ov__labels {
    struct ov__label *slots; /* [n_slots] */
    size_t n_slots;          /* slot 0 included */
    size_t cap_slots;
    uint32_t *buckets; /* [2 * cap_slots], open addressing: a slot, or 0 where free */
    size_t limit;      /* labels, slot 0 not among them */
    struct ov__hash hash;
};

/* Errors: OV_ENOMEM. */
enum ov_status ov__labels_init(struct ov__labels *labels, size_t limit, uint64_t seed);
void ov__labels_done(struct ov__labels *labels);

/* The slot of a label, or OV__SLOT_NONE. */
uint32_t ov__labels_find(const struct ov__labels *labels, int64_t value);

/* The slot of a label, made where it is new. Errors: OV_EMANY, OV_ENOMEM. */
enum ov_status ov__labels_slot(struct ov__labels *labels, int64_t value, uint32_t *ret_slot);

/* `length` voxels of a slot each; a reference of slot 0 is ignored. */
static inline void ov__labels_count(struct ov__label *slots, uint32_t prediction,
                                    uint32_t reference, uint64_t length)
{
    slots[reference].reference += length;
    slots[prediction].prediction += reference != OV__SLOT_NONE ? length : 0;
    slots[prediction == reference ? prediction : OV__SLOT_NONE].tp += length;
}

/* Whether a label was met in a voxel that counts. */
bool ov__label_is_found(const struct ov__label *label);

/* Order for qsort. */
int ov__label_compare(const void *a, const void *b);

/* Whether some value appears twice. Errors: OV_EINVAL then, and for NULL with n > 0; OV_ENOMEM. */
enum ov_status ov__labels_distinct(const int64_t *values, size_t n);

#endif
