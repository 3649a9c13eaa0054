/* kept.h - the counts of one case as they are kept: packed into some bytes, and read again. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_KEPT_H
#define PROTO_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/overlap.h"

/*
 * A byte for the version, 1; then LEB128 integers: voxels, the number of entries, and for each
 *   2 z + 0      z: a class's label, zigzag    or   2 * 0 + 1 for a region
 *   n            bytes of its name, which follow; 0 for none
 *   prediction, reference, tp
 * Packed by kept_pack alone; read as if it came from a stranger, because files get damaged.
 */
struct kept_entry {
    bool is_region;
    int64_t label;    /* of a class */
    const char *name; /* not NUL-terminated */
    size_t n_name;
    struct ov_counts counts;
};

/* The most that kept_pack writes for some entries. */
size_t kept_room(const struct kept_entry *entries, size_t n);

/* Returns how many bytes were written. */
size_t kept_pack(uint64_t n_voxels, const struct kept_entry *entries, size_t n, uint8_t *bytes);

/* Reads entries one by one; borrowed. */
struct kept_reader {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t n_voxels;
    uint64_t n_left;
    bool damaged;
};

void kept_open(struct kept_reader *reader, const uint8_t *bytes, size_t n);
bool kept_next(struct kept_reader *reader, struct kept_entry *ret_entry);

/* Whether two packed cases have the same classes and regions in the same order. */
bool kept_is_alike(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b);

#endif
