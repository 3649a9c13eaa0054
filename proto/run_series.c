/* run_series.c - the cases of a run, class by class: what statistics are made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/run_series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "proto/json.h"

#define NONE UINT32_MAX

/* Additions that one answer may cost: some tenths of a second. */
#define MOST_ADDITIONS 400000000.0
#define LEAST_DRAWS    100

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL,
                       "There is no memory to summarise this run now.");
}

static bool take(struct series_table *table, size_t n_bytes)
{
    if (!table->env->memory_take(n_bytes))
        return false;
    table->taken_bytes += n_bytes;
    return true;
}

void *series_new(struct series_table *table, size_t n, size_t element_bytes, struct problem *reterr)
{
    void *array = NULL;

    if (n < SIZE_MAX / element_bytes - 1 && take(table, (n + 1) * element_bytes))
        array = calloc(n + 1, element_bytes);
    if (array == NULL)
        no_memory(reterr);
    return array;
}

/* Doubles an array that is full. */
static void *room(struct series_table *table, void *array, size_t n, size_t *cap,
                  size_t element_bytes)
{
    size_t wider = *cap > 0 ? 2 * *cap : 16;

    if (n < *cap)
        return array;
    if (!take(table, (wider - *cap) * element_bytes))
        return NULL;
    array = realloc(array, wider * element_bytes);
    if (array != NULL)
        *cap = wider;
    return array;
}

/* ---- classes --------------------------------------------------------------------------------- */

static size_t head_of(const struct kept_entry *key)
{
    return key->is_region ? XXH3_64bits(key->name, key->n_name) % SERIES_HEADS
                          : XXH3_64bits(&key->label, sizeof(key->label)) % SERIES_HEADS;
}

static bool is_same(const struct kept_entry *a, const struct kept_entry *b)
{
    if (a->is_region != b->is_region)
        return false;
    return a->is_region ? a->n_name == b->n_name && memcmp(a->name, b->name, a->n_name) == 0
                        : a->label == b->label;
}

const struct series *series_find(const struct series_table *table, const struct kept_entry *key)
{
    uint32_t at = table->heads[head_of(key)];

    while (at != NONE && !is_same(&table->list[at].key, key))
        at = table->list[at].next;
    return at != NONE ? &table->list[at] : NULL;
}

static struct series *add_series(struct series_table *table, const struct kept_entry *key,
                                 struct problem *reterr)
{
    uint64_t most = table->env->limits.labels + table->env->limits.regions;
    struct series *list;
    uint32_t *head = &table->heads[head_of(key)];

    if (table->n >= most) {
        problem_set(reterr, PROBLEM_TOO_MANY_LABELS, NULL,
                    "The cases of this run have more than %llu classes and regions together.",
                    (unsigned long long)most);
        return NULL;
    }
    list = room(table, table->list, table->n, &table->cap, sizeof(*list));
    if (list == NULL) {
        no_memory(reterr);
        return NULL;
    }
    table->list = list;
    list[table->n] = (struct series){.key = *key, .next = *head};
    *head = (uint32_t)table->n;
    return &list[table->n++];
}

static bool add_sample(struct series_table *table, const struct kept_entry *entry, size_t row,
                       struct problem *reterr)
{
    const struct series *found = series_find(table, entry);
    struct series *series =
        found != NULL ? &table->list[found - table->list] : add_series(table, entry, reterr);
    struct sample *samples;

    if (series == NULL)
        return false;
    samples = room(table, series->samples, series->n, &series->cap, sizeof(*samples));
    if (samples == NULL)
        return no_memory(reterr);
    series->samples = samples;
    samples[series->n++] = (struct sample){entry->counts, (uint32_t)row};
    return true;
}

static bool add_row(struct series_table *table, size_t row, struct problem *reterr)
{
    const struct case_row *kept = &table->rows->cases[row];
    struct kept_reader reader;
    struct kept_entry entry;

    kept_open(&reader, kept->counts, kept->n_counts);
    while (kept_next(&reader, &entry)) {
        if (!add_sample(table, &entry, row, reterr))
            return false;
    }
    return !reader.damaged || problem_set(reterr, PROBLEM_INTERNAL, NULL,
                                          "What is kept of case %s is damaged.", kept->name);
}

static int compare_series(const void *a, const void *b)
{
    const struct series *left = a;
    const struct series *right = b;

    if (left->key.is_region != right->key.is_region)
        return left->key.is_region ? 1 : -1;
    if (!left->key.is_region)
        return (left->key.label > right->key.label) - (left->key.label < right->key.label);
    return (left->samples->row > right->samples->row) - (left->samples->row < right->samples->row);
}

static void sort_series(struct series_table *table)
{
    if (table->n > 0)
        qsort(table->list, table->n, sizeof(*table->list), compare_series);
    memset(table->heads, 0xff, sizeof(table->heads));
    for (size_t i = 0; i < table->n; i++) {
        uint32_t *head = &table->heads[head_of(&table->list[i].key)];

        table->list[i].next = *head;
        *head = (uint32_t)i;
    }
}

/* ---- units ----------------------------------------------------------------------------------- */

#define GROUP_HEADS 4096

/* Groups by hash: the row that had it first stands for it. */
struct groups {
    uint32_t heads[GROUP_HEADS];
    uint32_t *next; /* for each row */
};

static uint32_t unit_of(struct series_table *table, struct groups *groups, size_t row)
{
    const struct case_row *cases = table->rows->cases;
    const char *group = cases[row].group;
    uint32_t *head;

    if (group == NULL)
        return (uint32_t)table->n_units++;
    head = &groups->heads[XXH3_64bits(group, strlen(group)) % GROUP_HEADS];
    for (uint32_t at = *head; at != NONE; at = groups->next[at]) {
        if (strcmp(cases[at].group, group) == 0)
            return table->unit_of[at];
    }
    groups->next[row] = *head;
    *head = (uint32_t)row;
    table->has_groups = true;
    return (uint32_t)table->n_units++;
}

static bool find_units(struct series_table *table, struct problem *reterr)
{
    size_t n = table->rows->n_cases;
    struct groups groups;
    bool ok;

    memset(groups.heads, 0xff, sizeof(groups.heads));
    groups.next = series_new(table, n, sizeof(*groups.next), reterr);
    table->unit_of = series_new(table, n, sizeof(*table->unit_of), reterr);
    ok = groups.next != NULL && table->unit_of != NULL;
    for (size_t i = 0; i < n && ok; i++)
        table->unit_of[i] = unit_of(table, &groups, i);
    free(groups.next);
    return ok;
}

bool series_collect(struct series_table *table, const struct rows *rows, struct problem *reterr)
{
    *table = (struct series_table){.env = rows->env, .rows = rows};
    memset(table->heads, 0xff, sizeof(table->heads));
    for (size_t i = 0; i < rows->n_cases; i++) {
        if (!add_row(table, i, reterr))
            return false;
    }
    sort_series(table);
    return find_units(table, reterr);
}

void series_done(struct series_table *table)
{
    for (size_t i = 0; i < table->n; i++)
        free(table->list[i].samples);
    free(table->list);
    free(table->unit_of);
    if (table->env != NULL)
        table->env->memory_give(table->taken_bytes);
    *table = (struct series_table){.env = NULL};
}

/* ---- resampling ------------------------------------------------------------------------------ */

static size_t bounded(size_t n_units, size_t n_columns, size_t wanted)
{
    double most = MOST_ADDITIONS / ((double)n_units * (double)n_columns);

    if ((double)wanted <= most)
        return wanted;
    return most < LEAST_DRAWS ? 0 : (size_t)most;
}

bool resamples_new(struct series_table *table, size_t n_columns, size_t wanted,
                   struct resamples *ret, struct problem *reterr)
{
    *ret = (struct resamples){.n_columns = n_columns};
    if (n_columns == 0 || table->n_units == 0)
        return true;
    ret->n = bounded(table->n_units, n_columns, wanted);
    if (ret->n == 0)
        return true;
    /* Twice the rows: they are drawn from a copy. */
    ret->rows = series_new(table, 2 * table->n_units * n_columns, sizeof(*ret->rows), reterr);
    ret->sums = series_new(table, ret->n * n_columns, sizeof(*ret->sums), reterr);
    ret->values = series_new(table, ret->n, sizeof(*ret->values), reterr);
    return ret->rows != NULL && ret->sums != NULL && ret->values != NULL;
}

bool resamples_draw(const struct series_table *table, uint64_t seed, struct resamples *resamples,
                    struct problem *reterr)
{
    return resamples->n == 0 ||
           ov_resample(resamples->rows, table->n_units, resamples->n_columns, seed, resamples->n,
                       resamples->sums) == OV_OK ||
           no_memory(reterr);
}

void resamples_done(struct resamples *resamples)
{
    free(resamples->rows);
    free(resamples->sums);
    free(resamples->values);
}

json_t *resamples_interval(double *values, size_t n)
{
    size_t n_defined = 0;

    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i]))
            values[n_defined++] = values[i];
    }
    if (n_defined == 0)
        return json_null();
    ov_sort(values, n_defined);
    return json_pack("[f, f]", ov_quantile(values, n_defined, 0.025),
                     ov_quantile(values, n_defined, 0.975));
}

json_t *resamples_json(const struct series_table *table, const struct run_query *query,
                       const struct resamples *resamples)
{
    if (resamples->n == 0)
        return json_null();
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:b}", "method", "percentile", "unit",
                     table->has_groups ? "group" : "case", "n_units", (json_int_t)table->n_units,
                     "resamples", (json_int_t)resamples->n, "seed", (json_int_t)query->seed,
                     "level", 0.95, "few", table->n_units < SERIES_FEW);
}
