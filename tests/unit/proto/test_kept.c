/* test_kept.c - what is packed comes back, and what is damaged is noticed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "proto/kept.h"

#define MANY (UINT64_C(1) << 62)

static const struct kept_entry entries[] = {
    {false, 1, "liver", 5, {1000, 300, 200, 100}},
    {false, 0, NULL, 0, {1000, 0, 0, 0}},
    {false, OV_LABEL_MIN, NULL, 0, {1000, 1000, 1000, 1000}},
    {false, OV_LABEL_MAX, "\xc3\xa4", 2, {1000, 127, 128, 0}},
    {true, 0, "whole tumour", 12, {1000, 500, 500, 0}},
};

#define N (sizeof(entries) / sizeof(entries[0]))

static uint8_t packed[512];
static size_t n_packed;

static int pack_all(void **state)
{
    (void)state;
    n_packed = kept_pack(1000, entries, N, packed);
    return n_packed > kept_room(entries, N);
}

static void assert_same(const struct kept_entry *a, const struct kept_entry *b)
{
    assert_int_equal(a->is_region, b->is_region);
    assert_int_equal(a->label, b->label);
    assert_int_equal(a->n_name, b->n_name);
    if (a->n_name > 0)
        assert_memory_equal(a->name, b->name, a->n_name);
    assert_memory_equal(&a->counts, &b->counts, sizeof(a->counts));
}

static void what_is_packed_comes_back(void **state)
{
    struct kept_reader reader;
    struct kept_entry entry;

    (void)state;
    kept_open(&reader, packed, n_packed);
    for (size_t i = 0; i < N; i++) {
        assert_true(kept_next(&reader, &entry));
        assert_same(&entry, &entries[i]);
    }
    assert_false(kept_next(&reader, &entry) || reader.damaged);
}

static void the_largest_counts_fit(void **state)
{
    struct kept_entry large = {false, 5, NULL, 0, {MANY, MANY, MANY, MANY}};
    struct kept_reader reader;
    struct kept_entry entry;
    uint8_t bytes[128];
    size_t n = kept_pack(MANY, &large, 1, bytes);

    (void)state;
    assert_true(n <= kept_room(&large, 1));
    kept_open(&reader, bytes, n);
    assert_true(kept_next(&reader, &entry));
    assert_same(&entry, &large);
}

/* Reads a copy of exactly n bytes, so that a sanitizer sees a byte too many. */
static bool read_all(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n + (n == 0));
    struct kept_reader reader;
    struct kept_entry entry;
    bool ok;

    memcpy(copy, bytes, n);
    kept_open(&reader, copy, n);
    while (kept_next(&reader, &entry)) {
        assert_true(entry.counts.tp <= entry.counts.prediction);
        assert_true(entry.counts.tp <= entry.counts.reference);
        assert_true(entry.counts.prediction <= entry.counts.voxels);
    }
    ok = !reader.damaged;
    free(copy);
    return ok;
}

static void every_truncation_is_noticed(void **state)
{
    (void)state;
    for (size_t n = 0; n < n_packed; n++)
        assert_false(read_all(packed, n));
}

static void flipped_bits_never_give_impossible_counts(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < 8 * n_packed; bit++) {
        uint8_t copy[sizeof(packed)];

        memcpy(copy, packed, n_packed);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        read_all(copy, n_packed);
    }
}

static void cases_are_alike_by_their_classes_alone(void **state)
{
    struct kept_entry changed[N];
    uint8_t bytes[512];
    size_t n;

    (void)state;
    memcpy(changed, entries, sizeof(changed));
    changed[0].counts.tp = 1;
    changed[0].n_name = 0;
    n = kept_pack(1000, changed, N, bytes);
    assert_true(kept_is_alike(packed, n_packed, bytes, n));
    n = kept_pack(1000, changed, N - 1, bytes);
    assert_false(kept_is_alike(packed, n_packed, bytes, n));
    assert_false(kept_is_alike(bytes, n, packed, n_packed));
    changed[1].label = 2;
    n = kept_pack(1000, changed, N, bytes);
    assert_false(kept_is_alike(packed, n_packed, bytes, n));
    assert_false(kept_is_alike(packed, n_packed, packed, n_packed - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_comes_back),
        cmocka_unit_test(the_largest_counts_fit),
        cmocka_unit_test(every_truncation_is_noticed),
        cmocka_unit_test(flipped_bits_never_give_impossible_counts),
        cmocka_unit_test(cases_are_alike_by_their_classes_alone),
    };

    return cmocka_run_group_tests(tests, pack_all, NULL);
}
