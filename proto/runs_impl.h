/* runs_impl.h - what the files that answer about runs share; for them alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_RUNS_IMPL_H
#define PROTO_RUNS_IMPL_H

#include <jansson.h>

#include "proto/kept.h"
#include "proto/runs.h"

struct rows {
    const struct env *env;
    uint64_t taken_bytes;
    struct rows_block *blocks; /* where texts and counts lie */
    struct case_row *cases;
    size_t n_cases;
    struct run_facts *runs;
    size_t n_runs;
    size_t cap;
};

/* "2026-01-31T12:00:00.000Z" */
json_t *run_time(uint64_t ms);

/* NaN is null. */
json_t *run_number(double value);

/* A JSON text that was kept; null where there is none, NULL where memory is out. */
json_t *run_stored(const char *text);

/* Name, revision, times, number of cases and info: a new reference. */
json_t *run_facts_json(const struct run_facts *run);

/* The names of the metrics asked for, with their values for some counts, put into an object. */
void run_put_metrics(json_t **object, const struct run_query *query,
                     const struct ov_counts *counts);

/* tp, fp, fn, prediction, reference. */
void run_put_counts(json_t **object, const struct ov_counts *counts);

/* "label": 3 for a class, and the name for either. */
void run_put_key(json_t **object, const struct kept_entry *entry);

/* A case; only the classes that a query selects. */
json_t *run_case_json(const struct case_row *row, const struct run_query *query);

/* Whether a query's label and region select an entry; all where it has neither. */
bool run_selects(const struct run_query *query, const struct kept_entry *entry);

/* Print a document and drop it; NULL for NULL, with reterr set. */
char *run_print(json_t *json, size_t *ret_bytes, struct problem *reterr);

/*
 * Print an array of objects as CSV and drop it. A column is a member, or "a.b" for one within; what
 * is not there stays empty. `columns` ends with NULL.
 */
char *run_csv(json_t *rows, const char *const *columns, size_t *ret_bytes, struct problem *reterr);

#endif
