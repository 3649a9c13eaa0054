/* kept.c - the counts of one case as they are kept: packed into some bytes, and read again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/kept.h"

#include <string.h>

#define VERSION      1
#define LEB128_BYTES ((size_t)10) /* of 64 bits */

static uint8_t *put(uint8_t *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)value;
    return at;
}

static uint64_t get(struct kept_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    reader->damaged = true;
    return 0;
}

/* Labels have 33 bits and a sign, so that there is room for one bit more. */
static uint64_t zigzag(int64_t label)
{
    return label < 0 ? 2 * (uint64_t)(-(label + 1)) + 1 : 2 * (uint64_t)label;
}

static int64_t unzigzag(uint64_t value)
{
    int64_t half = (int64_t)(value >> 1);

    return value & 1 ? -half - 1 : half;
}

size_t kept_room(const struct kept_entry *entries, size_t n)
{
    size_t room = 1 + 2 * LEB128_BYTES;

    for (size_t i = 0; i < n; i++)
        room += 5 * LEB128_BYTES + entries[i].n_name;
    return room;
}

size_t kept_pack(uint64_t n_voxels, const struct kept_entry *entries, size_t n, uint8_t *bytes)
{
    uint8_t *at = bytes;

    *at++ = VERSION;
    at = put(at, n_voxels);
    at = put(at, n);
    for (size_t i = 0; i < n; i++) {
        const struct kept_entry *entry = &entries[i];

        at = put(at, entry->is_region ? 1 : 2 * zigzag(entry->label));
        at = put(at, entry->n_name);
        if (entry->n_name > 0)
            memcpy(at, entry->name, entry->n_name);
        at += entry->n_name;
        at = put(at, entry->counts.prediction);
        at = put(at, entry->counts.reference);
        at = put(at, entry->counts.tp);
    }
    return (size_t)(at - bytes);
}

void kept_open(struct kept_reader *reader, const uint8_t *bytes, size_t n)
{
    *reader = (struct kept_reader){.at = bytes, .end = bytes + n};
    if (n == 0 || *reader->at++ != VERSION) {
        reader->damaged = true;
        return;
    }
    reader->n_voxels = get(reader);
    reader->n_left = get(reader);
}

/* The sizes that any two masks can have together: all else would make nonsense of the scores. */
static bool is_sane(const struct ov_counts *counts)
{
    uint64_t most = counts->prediction < counts->reference ? counts->prediction : counts->reference;

    return counts->voxels <= INT64_MAX && counts->prediction <= counts->voxels &&
           counts->reference <= counts->voxels && counts->tp <= most &&
           counts->prediction - counts->tp <= counts->voxels - counts->reference;
}

bool kept_next(struct kept_reader *reader, struct kept_entry *ret_entry)
{
    struct kept_entry entry;
    uint64_t key;

    if (reader->damaged || reader->n_left == 0)
        return false;
    key = get(reader);
    entry.is_region = key & 1;
    entry.label = entry.is_region ? 0 : unzigzag(key >> 1);
    entry.n_name = (size_t)get(reader);
    entry.name = (const char *)reader->at;
    if (entry.n_name > (size_t)(reader->end - reader->at)) {
        reader->damaged = true;
        return false;
    }
    reader->at += entry.n_name;
    entry.counts.voxels = reader->n_voxels;
    entry.counts.prediction = get(reader);
    entry.counts.reference = get(reader);
    entry.counts.tp = get(reader);
    reader->damaged = reader->damaged || !is_sane(&entry.counts);
    if (reader->damaged)
        return false;
    reader->n_left--;
    *ret_entry = entry;
    return true;
}

static bool is_same(const struct kept_entry *a, const struct kept_entry *b)
{
    return a->is_region == b->is_region && a->label == b->label &&
           (!a->is_region || (a->n_name == b->n_name && memcmp(a->name, b->name, a->n_name) == 0));
}

bool kept_is_alike(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b)
{
    struct kept_reader left;
    struct kept_reader right;
    struct kept_entry one;
    struct kept_entry other;

    kept_open(&left, a, n_a);
    kept_open(&right, b, n_b);
    while (kept_next(&left, &one)) {
        if (!kept_next(&right, &other) || !is_same(&one, &other))
            return false;
    }
    return !kept_next(&right, &other) && !left.damaged && !right.damaged;
}
