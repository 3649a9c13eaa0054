/* run_list.c - lists: the runs, and the cases of a run, filtered, sorted and in pages. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "proto/json.h"
#include "proto/runs_impl.h"

/* ---- runs ------------------------------------------------------------------------------------ */

static json_t *cursor_of_runs(const struct rows *runs, size_t n)
{
    if (n >= runs->n_runs)
        return json_null();
    return json_sprintf("%" PRIu64, runs->runs[n - 1].revision);
}

char *run_list_print(const struct rows *runs, const struct run_query *query, size_t *ret_bytes,
                     struct problem *reterr)
{
    static const char *const columns[] = {"run", "revision", "created", "updated", "n_cases", NULL};
    size_t n = runs->n_runs < query->limit ? runs->n_runs : query->limit;
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        json_push(&array, run_facts_json(&runs->runs[i]));
    if (query->csv)
        return run_csv(array, columns, ret_bytes, reterr);
    return run_print(json_pack("{s:o, s:o}", "runs", array, "next", cursor_of_runs(runs, n)),
                     ret_bytes, reterr);
}

/* ---- which cases, and in which order --------------------------------------------------------- */

/* Where a case stands in the order asked for: by key, then by name. NaN comes last. */
struct place {
    double key;
    const struct case_row *row;
};

static bool has_tag(const struct case_row *row, const char *tag, bool *failed)
{
    json_t *meta = run_stored(row->meta);
    json_t *value;
    size_t index;
    bool found = false;

    *failed = *failed || meta == NULL;
    json_array_foreach(json_object_get(meta, "tags"), index, value)
    {
        found = found || strcmp(json_string_value(value), tag) == 0;
    }
    json_decref(meta);
    return found;
}

static bool passes(const struct case_row *row, const struct run_query *query, bool *failed)
{
    struct kept_reader reader;
    struct kept_entry entry;

    if (query->group != NULL && (row->group == NULL || strcmp(row->group, query->group) != 0))
        return false;
    if (query->tag != NULL && !has_tag(row, query->tag, failed))
        return false;
    if (!query->has_label && query->region == NULL)
        return true;
    kept_open(&reader, row->counts, row->n_counts);
    while (kept_next(&reader, &entry)) {
        if (run_selects(query, &entry))
            return query->state == NULL ||
                   strcmp(ov_state_name(ov_state(&entry.counts)), query->state) == 0;
    }
    return false;
}

/* The metric of what was selected, or its mean over the classes that have a value. */
static double metric_of(const struct case_row *row, const struct run_query *query)
{
    struct kept_reader reader;
    struct kept_entry entry;
    double sum = 0;
    size_t n = 0;

    kept_open(&reader, row->counts, row->n_counts);
    while (kept_next(&reader, &entry)) {
        double value = ov_metric_value(query->sort_metric, &entry.counts, NULL, 1);

        if (isnan(value) || !run_selects(query, &entry) ||
            (entry.is_region && query->region == NULL))
            continue;
        sum += value;
        n++;
    }
    return n > 0 ? sum / (double)n : NAN;
}

static double key_of(const struct case_row *row, const struct run_query *query)
{
    double key = query->sort == RUN_SORT_KEPT   ? (double)row->kept_ms
                 : query->sort == RUN_SORT_NAME ? 0
                                                : metric_of(row, query);

    return query->descending ? -key : key;
}

/* Names go down with the order only where they are the order. */
static int compare_places(const struct place *a, const struct place *b, bool names_descend)
{
    int by_name = strcmp(a->row->name, b->row->name);

    if (isnan(a->key) != isnan(b->key))
        return isnan(a->key) ? 1 : -1;
    if (a->key < b->key || a->key > b->key)
        return a->key < b->key ? -1 : 1;
    return names_descend ? -by_name : by_name;
}

static int compare_up(const void *a, const void *b)
{
    return compare_places(a, b, false);
}

static int compare_down(const void *a, const void *b)
{
    return compare_places(a, b, true);
}

/* ---- pages ----------------------------------------------------------------------------------- */

static bool names_descend(const struct run_query *query)
{
    return query->sort == RUN_SORT_NAME && query->descending;
}

/* What a cursor belongs to: all of the query but the page itself. */
static uint64_t hash_of(const char *run, const struct run_query *query)
{
    char text[1024];
    int n = snprintf(text, sizeof(text), "%s %d %d %d %d %" PRId64, run, (int)query->sort,
                     query->sort == RUN_SORT_METRIC ? (int)query->sort_metric : 0,
                     query->descending, query->has_label, query->label);
    uint64_t hash = XXH3_64bits(text, (size_t)n);
    const char *const texts[] = {query->region, query->group, query->tag, query->state};

    for (size_t i = 0; i < 4; i++)
        hash = XXH3_64bits_withSeed(texts[i] != NULL ? texts[i] : "",
                                    texts[i] != NULL ? strlen(texts[i]) + 1 : 0, hash);
    return hash;
}

static json_t *cursor_after(const char *run, const struct run_query *query,
                            const struct place *place)
{
    uint64_t bits;

    memcpy(&bits, &place->key, sizeof(bits));
    return json_sprintf("%016" PRIx64 "%016" PRIx64 "%s", hash_of(run, query), bits,
                        place->row->name);
}

/* 16 hexadecimal digits. */
static uint64_t read_hex(const char *text)
{
    char digits[17];

    memcpy(digits, text, 16);
    digits[16] = '\0';
    return strtoull(digits, NULL, 16);
}

/* The place that a page begins after; its row has only a name. */
static bool read_cursor(const char *run, const struct run_query *query, struct case_row *row,
                        struct place *ret_place, struct problem *reterr)
{
    uint64_t bits;

    if (strspn(query->cursor, "0123456789abcdef") >= 32 &&
        read_hex(query->cursor) == hash_of(run, query)) {
        bits = read_hex(query->cursor + 16);
        row->name = query->cursor + 32;
        memcpy(&ret_place->key, &bits, sizeof(bits));
    }
    return *row->name != '\0' || problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                                             "The cursor is not one that this query gave.");
}

struct page {
    struct place *places; /* those that pass, in order from the page's first */
    size_t n;
    size_t n_all; /* of all pages */
};

static bool make_page(const struct run_facts *run, const struct rows *cases,
                      const struct run_query *query, struct page *ret, struct problem *reterr)
{
    struct case_row last = {.name = ""};
    struct place after = {.row = &last};
    int (*compare)(const void *, const void *) = names_descend(query) ? compare_down : compare_up;
    bool failed = false;
    size_t n = 0;

    if (query->cursor != NULL && !read_cursor(run->name, query, &last, &after, reterr))
        return false;
    ret->places = malloc((cases->n_cases + 1) * sizeof(*ret->places));
    if (ret->places == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the list.");
    for (size_t i = 0; i < cases->n_cases; i++) {
        struct place place = {.row = &cases->cases[i]};

        if (!passes(place.row, query, &failed))
            continue;
        ret->n_all++;
        place.key = key_of(place.row, query);
        if (query->cursor == NULL || compare(&place, &after) > 0)
            ret->places[n++] = place;
    }
    qsort(ret->places, n, sizeof(*ret->places), compare);
    ret->n = n;
    return !failed || problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the list.");
}

/* ---- cases ----------------------------------------------------------------------------------- */

/* A table has a row for each class and region of a case. */
static void flatten(json_t **table, json_t *item, const char *kind)
{
    json_t *scored;
    size_t index;

    json_array_foreach(json_object_get(item, kind), index, scored)
    {
        json_t *row = json_object();

        json_merge(&row, item);
        json_object_del(row, "classes");
        json_object_del(row, "regions");
        json_merge(&row, scored);
        json_push(table, row);
    }
}

static char *print_table(json_t *array, const struct run_query *query, size_t *ret_bytes,
                         struct problem *reterr)
{
    static const char *const fixed[] = {"case",  "group", "tags",       "kept",
                                        "label", "name",  "state",      "tp",
                                        "fp",    "fn",    "prediction", "reference"};
    const char *columns[sizeof(fixed) / sizeof(fixed[0]) + OV_N_METRICS + 1] = {NULL};
    size_t n = sizeof(fixed) / sizeof(fixed[0]);
    json_t *table = array != NULL ? json_array() : NULL;
    json_t *item;
    size_t index;

    memcpy(columns, fixed, sizeof(fixed));
    for (size_t i = 0; i < query->n_metrics; i++)
        columns[n++] = ov_metric_name(query->metrics[i]);
    json_array_foreach(array, index, item)
    {
        flatten(&table, item, "classes");
        flatten(&table, item, "regions");
    }
    json_decref(array);
    return run_csv(table, columns, ret_bytes, reterr);
}

static char *print_page(const struct run_facts *run, const struct page *page,
                        const struct run_query *query, size_t *ret_bytes, struct problem *reterr)
{
    size_t n = page->n < query->limit ? page->n : query->limit;
    json_t *array = json_array();
    json_t *next;

    for (size_t i = 0; i < n; i++) {
        json_t *item = run_case_json(page->places[i].row, query);

        if (query->sort == RUN_SORT_METRIC)
            json_put(&item, "value",
                     run_number(query->descending ? -page->places[i].key : page->places[i].key));
        json_push(&array, item);
    }
    if (query->csv)
        return print_table(array, query, ret_bytes, reterr);
    next = page->n > n ? cursor_after(run->name, query, &page->places[n - 1]) : json_null();
    return run_print(json_pack("{s:s, s:I, s:I, s:o, s:o}", "run", run->name, "revision",
                               (json_int_t)run->revision, "n", (json_int_t)page->n_all, "cases",
                               array, "next", next),
                     ret_bytes, reterr);
}

char *run_cases_print(const struct run_facts *run, const struct rows *cases,
                      const struct run_query *query, size_t *ret_bytes, struct problem *reterr)
{
    struct page page = {NULL, 0, 0};
    char *text = NULL;

    if (make_page(run, cases, query, &page, reterr))
        text = print_page(run, &page, query, ret_bytes, reterr);
    free(page.places);
    return text;
}
