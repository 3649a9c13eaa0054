/* fuzz_kept.c - any bytes as the packed counts of a case: read, packed again, compared, printed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/kept.h"
#include "proto/runs.h"

#define MOST 4096

static bool is_same(const struct kept_entry *a, const struct kept_entry *b)
{
    return a->is_region == b->is_region && a->label == b->label && a->n_name == b->n_name &&
           (a->n_name == 0 || memcmp(a->name, b->name, a->n_name) == 0) &&
           memcmp(&a->counts, &b->counts, sizeof(a->counts)) == 0;
}

/* What was read is packed to bytes that are read to the same. */
static void pack_again(const struct kept_entry *entries, size_t n, uint64_t n_voxels)
{
    uint8_t *bytes = malloc(kept_room(entries, n));
    size_t n_bytes;
    struct kept_reader reader;
    struct kept_entry entry;

    if (bytes == NULL)
        abort();
    n_bytes = kept_pack(n_voxels, entries, n, bytes);
    if (n_bytes > kept_room(entries, n))
        __builtin_trap();
    kept_open(&reader, bytes, n_bytes);
    for (size_t i = 0; i < n; i++) {
        if (!kept_next(&reader, &entry) || !is_same(&entry, &entries[i]))
            __builtin_trap();
    }
    if (kept_next(&reader, &entry) || reader.damaged || reader.at != reader.end ||
        !kept_is_alike(bytes, n_bytes, bytes, n_bytes))
        __builtin_trap();
    free(bytes);
}

static void print(const uint8_t *bytes, size_t n)
{
    const struct score_input input = {.n_parameters = 0};
    const struct run_facts run = {.name = "r"};
    const struct case_row row = {.name = "c", .counts = bytes, .n_counts = n};
    struct problem problem = {0};
    struct run_query query;
    size_t n_text;
    char *text;

    if (!run_query_parse(&input, RUN_VIEW_CASE, &query, &problem))
        __builtin_trap();
    text = run_case_print(&run, &row, &query, &n_text, &problem);
    if ((text == NULL) == (problem.code == PROBLEM_NONE))
        __builtin_trap();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct kept_entry entries[MOST];
    struct kept_reader reader;
    size_t n_read = 0;

    kept_open(&reader, data, n);
    while (n_read < MOST && kept_next(&reader, &entries[n_read]))
        n_read++;
    if (!reader.damaged && n_read < MOST)
        pack_again(entries, n_read, reader.n_voxels);
    kept_is_alike(data, n / 2, data + n / 2, n - n / 2);
    print(data, n);
    return 0;
}
