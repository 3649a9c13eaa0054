/* run_summary.c - what a run comes to, class by class. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/run_series.h"

/* Metrics whose values are there in the same cases: where not both masks are empty. */
#define BY_POLICY(symbol, name, low, high, policy) [symbol] = (policy),
static const bool by_policy[OV_N_METRICS] = {OV_METRIC_MAP(BY_POLICY)};
#undef BY_POLICY

/*
 * Columns that are resampled for each class: counts, those of all voxels only where a metric may
 * want them; for each metric a sum of values and their number, which metrics may share.
 */
enum { COLUMN_PREDICTION, COLUMN_REFERENCE, COLUMN_TP, COLUMN_N_COUNTS };

struct columns {
    size_t voxels; /* 0 for none */
    size_t sum[OV_N_METRICS];
    size_t n_defined[OV_N_METRICS];
    size_t n;
};

struct summary {
    const struct run_facts *run;
    const struct run_query *query;
    struct series_table table;
    struct resamples resamples;
    double *values; /* room for one value per case */
    struct columns columns;
};

static double value_of(const struct sample *sample, enum ov_metric metric)
{
    return ov_metric_value(metric, &sample->counts, NULL, 1);
}

/* ---- resampling ------------------------------------------------------------------------------ */

static struct columns lay_out(const struct run_query *query)
{
    struct columns columns = {.n = COLUMN_N_COUNTS};
    size_t shared = 0;

    for (size_t m = 0; m < query->n_metrics; m++) {
        bool shares = by_policy[query->metrics[m]];

        columns.sum[m] = columns.n++;
        columns.n_defined[m] = shares && shared != 0 ? shared : columns.n++;
        shared = shares ? columns.n_defined[m] : shared;
        columns.voxels = shares || columns.voxels != 0 ? columns.voxels : columns.n++;
    }
    return columns;
}

static void fill_row(double *row, const struct sample *sample, const struct run_query *query,
                     const struct columns *columns)
{
    bool counted = false;

    row[COLUMN_PREDICTION] += (double)sample->counts.prediction;
    row[COLUMN_REFERENCE] += (double)sample->counts.reference;
    row[COLUMN_TP] += (double)sample->counts.tp;
    for (size_t m = 0; m < query->n_metrics; m++) {
        double value = value_of(sample, query->metrics[m]);

        if (isnan(value))
            continue;
        row[columns->sum[m]] += value;
        row[columns->n_defined[m]] += !by_policy[query->metrics[m]] || !counted;
        counted = counted || by_policy[query->metrics[m]];
    }
    if (columns->voxels != 0)
        row[columns->voxels] += (double)sample->counts.voxels;
}

/* Only where groups are given: cases of one patient are alike, and who is one only they tell. */
static bool resample(struct summary *summary, struct problem *reterr)
{
    struct series_table *table = &summary->table;
    struct resamples *resamples = &summary->resamples;
    size_t wanted = table->has_groups ? summary->query->n_resamples : 0;

    summary->columns = lay_out(summary->query);
    if (!resamples_new(table, table->n * summary->columns.n, wanted, resamples, reterr))
        return false;
    for (size_t i = 0; i < table->n && resamples->n > 0; i++) {
        const struct series *series = &table->list[i];

        for (size_t j = 0; j < series->n; j++)
            fill_row(resamples->rows +
                         table->unit_of[series->samples[j].row] * resamples->n_columns +
                         i * summary->columns.n,
                     &series->samples[j], summary->query, &summary->columns);
    }
    return resamples_draw(table, summary->query->seed, resamples, reterr);
}

static const double *drawn(const struct summary *summary, size_t series, size_t resample)
{
    return summary->resamples.sums + resample * summary->resamples.n_columns +
           series * summary->columns.n;
}

static json_t *interval_of_mean(const struct summary *summary, size_t series, size_t metric)
{
    for (size_t i = 0; i < summary->resamples.n; i++) {
        const double *sums = drawn(summary, series, i);
        double n = sums[summary->columns.n_defined[metric]];

        summary->resamples.values[i] = n > 0 ? sums[summary->columns.sum[metric]] / n : NAN;
    }
    return resamples_interval(summary->resamples.values, summary->resamples.n);
}

static json_t *interval_of_dataset(const struct summary *summary, size_t series,
                                   enum ov_metric metric)
{
    for (size_t i = 0; i < summary->resamples.n; i++) {
        const double *sums = drawn(summary, series, i);
        double voxels = summary->columns.voxels != 0
                            ? sums[summary->columns.voxels]
                            : sums[COLUMN_PREDICTION] + sums[COLUMN_REFERENCE];
        struct ov_counts counts = {.voxels = (uint64_t)voxels,
                                   .prediction = (uint64_t)sums[COLUMN_PREDICTION],
                                   .reference = (uint64_t)sums[COLUMN_REFERENCE],
                                   .tp = (uint64_t)sums[COLUMN_TP]};

        summary->resamples.values[i] = ov_metric_value(metric, &counts, NULL, 1);
    }
    return resamples_interval(summary->resamples.values, summary->resamples.n);
}

/* ---- one class ------------------------------------------------------------------------------- */

/* The defined values of a metric, and the case that has the smallest. */
static size_t gather(const struct summary *summary, const struct series *series,
                     enum ov_metric metric, const char **ret_worst)
{
    double least = INFINITY;
    size_t n = 0;

    *ret_worst = NULL;
    for (size_t i = 0; i < series->n; i++) {
        double value = value_of(&series->samples[i], metric);

        if (isnan(value))
            continue;
        if (value < least)
            *ret_worst = summary->table.rows->cases[series->samples[i].row].name;
        least = value < least ? value : least;
        summary->values[n++] = value;
    }
    return n;
}

static json_t *metric_json(const struct summary *summary, size_t at, size_t metric,
                           double *ret_mean)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"min", 0},      {"p5", 0.05}, {"q1", 0.25},
                     {"median", 0.5}, {"q3", 0.75}, {"max", 1}};
    const char *worst;
    size_t n = gather(summary, &summary->table.list[at], summary->query->metrics[metric], &worst);
    json_t *object;

    *ret_mean = ov_mean(summary->values, n);
    object = json_pack("{s:I, s:o, s:o}", "defined", (json_int_t)n, "mean", run_number(*ret_mean),
                       "sd", run_number(ov_deviation(summary->values, n)));
    ov_sort(summary->values, n);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
        json_put(&object, quantiles[i].name,
                 run_number(ov_quantile(summary->values, n, quantiles[i].q)));
    json_put(&object, "min_case", worst != NULL ? json_string(worst) : json_null());
    json_put(&object, "interval", interval_of_mean(summary, at, metric));
    return object;
}

static json_t *dataset_json(const struct summary *summary, size_t at)
{
    const struct series *series = &summary->table.list[at];
    const struct run_query *query = summary->query;
    struct ov_counts counts = {0};
    json_t *object = json_object();
    json_t *intervals = json_object();

    for (size_t i = 0; i < series->n; i++)
        counts = ov_counts_sum(counts, series->samples[i].counts);
    run_put_counts(&object, &counts);
    run_put_metrics(&object, query, &counts);
    for (size_t m = 0; m < query->n_metrics; m++)
        json_put(&intervals, ov_metric_name(query->metrics[m]),
                 interval_of_dataset(summary, at, query->metrics[m]));
    json_put(&object, "intervals", intervals);
    return object;
}

static json_t *states_json(const struct series *series)
{
    json_int_t n[OV_STATE_PREDICTION_EMPTY + 1] = {0};
    json_t *object = json_object();

    for (size_t i = 0; i < series->n; i++)
        n[ov_state(&series->samples[i].counts)]++;
    for (int i = OV_STATE_OK; i <= OV_STATE_PREDICTION_EMPTY; i++)
        json_put(&object, ov_state_name((enum ov_state)i), json_integer(n[i]));
    return object;
}

/* What calling every voxel foreground would have come to, over the cases that have a score. */
static json_t *trivial_json(const struct summary *summary, const struct series *series)
{
    double own = 0;
    double dice = 0;
    double iou = 0;
    double n = 0;

    for (size_t i = 0; i < series->n; i++) {
        struct ov_counts everything = ov_trivial(&series->samples[i].counts);
        double value = value_of(&series->samples[i], OV_DICE);

        if (isnan(value))
            continue;
        own += value;
        dice += ov_metric_value(OV_DICE, &everything, NULL, 1);
        iou += ov_metric_value(OV_IOU, &everything, NULL, 1);
        n++;
    }
    (void)summary;
    return json_pack("{s:o, s:o, s:o}", "dice", run_number(dice / n), "iou", run_number(iou / n),
                     "beaten", n > 0 ? json_boolean(own > dice) : json_null());
}

static json_t *series_json(const struct summary *summary, size_t at, double *means)
{
    const struct series *series = &summary->table.list[at];
    const struct run_query *query = summary->query;
    json_t *object = json_object();
    json_t *metrics = json_object();

    run_put_key(&object, &series->key);
    json_put(&object, "n", json_integer((json_int_t)series->n));
    json_put(&object, "few", json_boolean(series->n < SERIES_FEW));
    json_put(&object, "states", states_json(series));
    for (size_t m = 0; m < query->n_metrics; m++)
        json_put(&metrics, ov_metric_name(query->metrics[m]),
                 metric_json(summary, at, m, &means[m]));
    json_put(&object, "metrics", metrics);
    json_put(&object, "dataset", dataset_json(summary, at));
    json_put(&object, "trivial", trivial_json(summary, series));
    return object;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Means of the classes' means; regions are unions of classes and would count twice. */
static json_t *mean_json(const struct run_query *query, const double *sums, const size_t *n)
{
    json_t *object = json_object();

    for (size_t m = 0; m < query->n_metrics; m++)
        json_put(&object, ov_metric_name(query->metrics[m]),
                 run_number(n[m] > 0 ? sums[m] / (double)n[m] : NAN));
    return object;
}

static json_t *summary_json(const struct summary *summary)
{
    double sums[OV_N_METRICS] = {0};
    size_t n[OV_N_METRICS] = {0};
    double means[OV_N_METRICS];
    json_t *object = run_facts_json(summary->run);
    json_t *classes = json_array();
    json_t *regions = json_array();

    for (size_t i = 0; i < summary->table.n; i++) {
        bool is_region = summary->table.list[i].key.is_region;

        json_push(is_region ? &regions : &classes, series_json(summary, i, means));
        for (size_t m = 0; m < summary->query->n_metrics && !is_region; m++) {
            if (isnan(means[m]))
                continue;
            sums[m] += means[m];
            n[m]++;
        }
    }
    json_put(&object, "n_groups",
             summary->table.has_groups ? json_integer((json_int_t)summary->table.n_units)
                                       : json_null());
    json_put(&object, "mean", mean_json(summary->query, sums, n));
    json_put(&object, "bootstrap",
             resamples_json(&summary->table, summary->query, &summary->resamples));
    json_put(&object, "classes", classes);
    json_put(&object, "regions", regions);
    return object;
}

/* A row for each class or region and metric. */
static json_t *table_of(json_t *json, const struct run_query *query)
{
    static const char *const kinds[] = {"classes", "regions"};
    json_t *table = json != NULL ? json_array() : NULL;

    for (size_t k = 0; k < 2; k++) {
        json_t *item;
        size_t index;

        json_array_foreach(json_object_get(json, kinds[k]), index, item)
        {
            for (size_t m = 0; m < query->n_metrics; m++) {
                const char *name = ov_metric_name(query->metrics[m]);
                json_t *row = json_object();

                json_merge(&row, item);
                json_put(&row, "metric", json_string(name));
                json_put(&row, "of_cases",
                         json_incref(json_object_get(json_object_get(item, "metrics"), name)));
                json_put(&row, "of_dataset",
                         json_incref(json_object_get(json_object_get(item, "dataset"), name)));
                json_push(&table, row);
            }
        }
    }
    json_decref(json);
    return table;
}

static char *print(const struct summary *summary, size_t *ret_bytes, struct problem *reterr)
{
    static const char *const columns[] = {"label",
                                          "name",
                                          "n",
                                          "states.both_empty",
                                          "states.reference_empty",
                                          "states.prediction_empty",
                                          "metric",
                                          "of_cases.defined",
                                          "of_cases.mean",
                                          "of_cases.sd",
                                          "of_cases.interval.0",
                                          "of_cases.interval.1",
                                          "of_cases.min",
                                          "of_cases.p5",
                                          "of_cases.q1",
                                          "of_cases.median",
                                          "of_cases.q3",
                                          "of_cases.max",
                                          "of_cases.min_case",
                                          "of_dataset",
                                          "trivial.beaten",
                                          NULL};
    json_t *json = summary_json(summary);

    if (!summary->query->csv)
        return run_print(json, ret_bytes, reterr);
    return run_csv(table_of(json, summary->query), columns, ret_bytes, reterr);
}

char *run_summary_print(const struct run_facts *run, const struct rows *cases,
                        const struct run_query *query, size_t *ret_bytes, struct problem *reterr)
{
    struct summary summary = {.run = run, .query = query};
    char *text = NULL;

    if (series_collect(&summary.table, cases, reterr)) {
        summary.values = series_new(&summary.table, cases->n_cases, sizeof(double), reterr);
        if (summary.values != NULL && resample(&summary, reterr))
            text = print(&summary, ret_bytes, reterr);
    }
    resamples_done(&summary.resamples);
    free(summary.values);
    series_done(&summary.table);
    return text;
}
