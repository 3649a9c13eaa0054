/* run_series.h - the cases of a run, class by class: what statistics are made of. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_RUN_SERIES_H
#define PROTO_RUN_SERIES_H

#include "proto/runs_impl.h"

/* One class in one case. */
struct sample {
    struct ov_counts counts;
    uint32_t row; /* of the case */
};

/* One class or region in all cases that have it, in the order of the rows. */
struct series {
    struct kept_entry key; /* as the first case has it; its counts mean nothing */
    struct sample *samples;
    size_t n;
    size_t cap;
    uint32_t next; /* of the same hash; UINT32_MAX for none */
};

#define SERIES_HEADS 1024

struct series_table {
    const struct env *env;
    const struct rows *rows;
    uint64_t taken_bytes;
    struct series *list; /* classes by label, then regions as they came */
    size_t n;
    size_t cap;
    uint32_t heads[SERIES_HEADS];
    uint32_t *unit_of; /* for each row, the unit it is resampled with: its group, or the case */
    size_t n_units;
    bool has_groups;
};

/* series_done frees either way. */
bool series_collect(struct series_table *table, const struct rows *rows, struct problem *reterr);
void series_done(struct series_table *table);

/* Memory within the budget, until series_done gives it back; the caller frees it. */
void *series_new(struct series_table *table, size_t n, size_t element_bytes,
                 struct problem *reterr);

/* The series of the same class or region; NULL for none. */
const struct series *series_find(const struct series_table *table, const struct kept_entry *key);

/* ---- resampling ------------------------------------------------------------------------------ */

/* Sums of columns over the units that each resample drew. */
struct resamples {
    double *rows; /* [n_units][n_columns]: filled in by the caller, then drawn from */
    double *sums; /* [n][n_columns] */
    double *values;
    size_t n_columns;
    size_t n; /* as many as asked for, or fewer where that would take too long; 0 for none */
};

/* Zeroed rows for n_columns. resamples_done frees either way. */
bool resamples_new(struct series_table *table, size_t n_columns, size_t wanted,
                   struct resamples *ret, struct problem *reterr);
bool resamples_draw(const struct series_table *table, uint64_t seed, struct resamples *resamples,
                    struct problem *reterr);
void resamples_done(struct resamples *resamples);

/* [low, high] of 95 % of values [n], some NaN, which are passed over; sorts them. null for none. */
json_t *resamples_interval(double *values, size_t n);

/* What was drawn, and how: method, unit, seed. */
json_t *resamples_json(const struct series_table *table, const struct run_query *query,
                       const struct resamples *resamples);

/* Fewer than this say little, and are marked. */
#define SERIES_FEW 10

#endif
