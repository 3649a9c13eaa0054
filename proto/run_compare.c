/* run_compare.c - two runs over the cases that both have. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/run_series.h"

/* Cases that are listed: those missing on a side, those that changed most. */
#define MOST_MISSING 100
#define MOST_CHANGED 10

struct comparison {
    const struct run_pair *pair;
    const struct run_query *query;
    struct series_table tables[2];
    struct resamples resamples;
    struct change *changes; /* room for one per case */
    double *values;         /* and for their differences */
};

/* One class in one case of both runs, with a value on both sides. */
struct change {
    uint32_t row; /* of the first run */
    double a;
    double b;
};

static const char *name_of(const struct comparison *comparison, int side,
                           const struct sample *sample)
{
    return comparison->tables[side].rows->cases[sample->row].name;
}

static double value_of(const struct sample *sample, enum ov_metric metric)
{
    return ov_metric_value(metric, &sample->counts, NULL, 1);
}

/* Both series are in the order of names. Counts the pairs, and those of them without a value. */
static size_t match(const struct comparison *comparison, const struct series *a,
                    const struct series *b, enum ov_metric metric, size_t *ret_undefined)
{
    size_t n = 0;
    size_t i = 0;
    size_t j = 0;

    *ret_undefined = 0;
    while (b != NULL && i < a->n && j < b->n) {
        int order =
            strcmp(name_of(comparison, 0, &a->samples[i]), name_of(comparison, 1, &b->samples[j]));

        if (order == 0) {
            struct change change = {a->samples[i].row, value_of(&a->samples[i], metric),
                                    value_of(&b->samples[j], metric)};

            if (isnan(change.a) || isnan(change.b))
                (*ret_undefined)++;
            else
                comparison->changes[n++] = change;
        }
        i += order <= 0;
        j += order >= 0;
    }
    return n;
}

/* ---- resampling ------------------------------------------------------------------------------ */

static size_t column_of(const struct comparison *comparison, size_t series, size_t metric)
{
    return 2 * (series * comparison->query->n_metrics + metric);
}

static void fill(struct comparison *comparison, size_t series, size_t metric, size_t n)
{
    size_t column = column_of(comparison, series, metric);

    for (size_t i = 0; i < n; i++) {
        const struct change *change = &comparison->changes[i];
        double *row = comparison->resamples.rows +
                      comparison->tables[0].unit_of[change->row] * comparison->resamples.n_columns;

        row[column] += change->b - change->a;
        row[column + 1] += 1;
    }
}

static bool resample(struct comparison *comparison, struct problem *reterr)
{
    struct series_table *table = &comparison->tables[0];
    const struct run_query *query = comparison->query;
    struct resamples *resamples = &comparison->resamples;

    if (!resamples_new(table, 2 * table->n * query->n_metrics, query->n_resamples, resamples,
                       reterr))
        return false;
    for (size_t i = 0; i < table->n && resamples->n > 0; i++) {
        const struct series *other = series_find(&comparison->tables[1], &table->list[i].key);

        for (size_t m = 0; m < query->n_metrics; m++) {
            size_t undefined;

            fill(comparison, i, m,
                 match(comparison, &table->list[i], other, query->metrics[m], &undefined));
        }
    }
    return resamples_draw(table, query->seed, resamples, reterr);
}

static json_t *interval(const struct comparison *comparison, size_t series, size_t metric)
{
    const struct resamples *resamples = &comparison->resamples;
    size_t column = column_of(comparison, series, metric);

    for (size_t i = 0; i < resamples->n; i++) {
        const double *sums = resamples->sums + i * resamples->n_columns + column;

        resamples->values[i] = sums[1] > 0 ? sums[0] / sums[1] : NAN;
    }
    return resamples_interval(resamples->values, resamples->n);
}

/* ---- one class ------------------------------------------------------------------------------- */

static json_t *wilcoxon_json(const struct comparison *comparison, size_t n)
{
    struct ov_wilcoxon test;

    if (ov_wilcoxon(comparison->values, n, &test) != OV_OK)
        return NULL;
    return json_pack("{s:I, s:f, s:o, s:b}", "n", (json_int_t)test.n, "statistic", test.statistic,
                     "p", run_number(test.p), "exact", test.exact);
}

static void put_means(json_t **object, const struct comparison *comparison, size_t n)
{
    json_int_t wins = 0;
    json_int_t losses = 0;

    for (size_t i = 0; i < n; i++)
        comparison->values[i] = comparison->changes[i].a;
    json_put(object, "mean_a", run_number(ov_mean(comparison->values, n)));
    for (size_t i = 0; i < n; i++)
        comparison->values[i] = comparison->changes[i].b;
    json_put(object, "mean_b", run_number(ov_mean(comparison->values, n)));
    for (size_t i = 0; i < n; i++) {
        comparison->values[i] = comparison->changes[i].b - comparison->changes[i].a;
        wins += comparison->values[i] > 0;
        losses += comparison->values[i] < 0;
    }
    json_put(object, "difference", run_number(ov_mean(comparison->values, n)));
    json_put(object, "wins", json_integer(wins));
    json_put(object, "losses", json_integer(losses));
    json_put(object, "ties", json_integer((json_int_t)n - wins - losses));
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *left = a;
    const struct change *right = b;
    double one = fabs(left->b - left->a);
    double other = fabs(right->b - right->a);

    if (one < other || one > other)
        return one > other ? -1 : 1;
    return (left->row > right->row) - (left->row < right->row);
}

static json_t *changed_json(const struct comparison *comparison, size_t n)
{
    json_t *array = json_array();

    if (n > 0)
        qsort(comparison->changes, n, sizeof(*comparison->changes), compare_changes);
    for (size_t i = 0; i < n && i < MOST_CHANGED; i++) {
        const struct change *change = &comparison->changes[i];

        json_push(&array,
                  json_pack("{s:s, s:f, s:f, s:f}", "case",
                            comparison->tables[0].rows->cases[change->row].name, "a", change->a,
                            "b", change->b, "difference", change->b - change->a));
    }
    return array;
}

static json_t *metric_json(const struct comparison *comparison, size_t series, size_t metric)
{
    const struct series *a = &comparison->tables[0].list[series];
    size_t undefined;
    size_t n = match(comparison, a, series_find(&comparison->tables[1], &a->key),
                     comparison->query->metrics[metric], &undefined);
    json_t *object = json_pack("{s:I, s:I, s:b}", "n", (json_int_t)n, "undefined",
                               (json_int_t)undefined, "few", n < SERIES_FEW);

    put_means(&object, comparison, n);
    json_put(&object, "interval", interval(comparison, series, metric));
    json_put(&object, "wilcoxon", wilcoxon_json(comparison, n));
    json_put(&object, "changed", changed_json(comparison, n));
    return object;
}

static json_t *series_json(const struct comparison *comparison, size_t series)
{
    json_t *object = json_object();
    json_t *metrics = json_object();

    run_put_key(&object, &comparison->tables[0].list[series].key);
    for (size_t m = 0; m < comparison->query->n_metrics; m++)
        json_put(&metrics, ov_metric_name(comparison->query->metrics[m]),
                 metric_json(comparison, series, m));
    json_put(&object, "metrics", metrics);
    return object;
}

/* ---- the two runs ---------------------------------------------------------------------------- */

/* The cases of one side that the other lacks. Both are in the order of names. */
static json_t *missing_json(const struct rows *own, const struct rows *other, size_t *ret_both)
{
    json_t *names = json_array();
    json_int_t n = 0;
    size_t j = 0;

    *ret_both = 0;
    for (size_t i = 0; i < own->n_cases; i++) {
        const char *name = own->cases[i].name;

        while (j < other->n_cases && strcmp(other->cases[j].name, name) < 0)
            j++;
        if (j < other->n_cases && strcmp(other->cases[j].name, name) == 0)
            (*ret_both)++;
        else if (n++ < MOST_MISSING)
            json_push(&names, json_string(name));
    }
    return json_pack("{s:I, s:o}", "n", n, "cases", names);
}

static json_t *comparison_json(const struct comparison *comparison)
{
    const struct run_pair *pair = comparison->pair;
    json_t *classes = json_array();
    json_t *regions = json_array();
    json_t *only[2];
    size_t n_both = 0;

    for (int side = 0; side < 2; side++)
        only[side] = missing_json(pair->cases[side], pair->cases[1 - side], &n_both);
    for (size_t i = 0; i < comparison->tables[0].n; i++) {
        bool is_region = comparison->tables[0].list[i].key.is_region;

        if (series_find(&comparison->tables[1], &comparison->tables[0].list[i].key) != NULL)
            json_push(is_region ? &regions : &classes, series_json(comparison, i));
    }
    return json_pack(
        "{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "a", run_facts_json(pair->facts[0]), "b",
        run_facts_json(pair->facts[1]), "n_both", (json_int_t)n_both, "only_a", only[0], "only_b",
        only[1], "bootstrap",
        resamples_json(&comparison->tables[0], comparison->query, &comparison->resamples),
        "classes", classes, "regions", regions);
}

/* A row for each class or region and metric. */
static json_t *table_of(json_t *json)
{
    static const char *const kinds[] = {"classes", "regions"};
    json_t *table = json != NULL ? json_array() : NULL;

    for (size_t k = 0; k < 2; k++) {
        json_t *item;
        size_t index;

        json_array_foreach(json_object_get(json, kinds[k]), index, item)
        {
            const char *name;
            json_t *metric;

            json_object_foreach(json_object_get(item, "metrics"), name, metric)
            {
                json_t *row = json_object();

                json_merge(&row, item);
                json_merge(&row, metric);
                json_put(&row, "metric", json_string(name));
                json_push(&table, row);
            }
        }
    }
    json_decref(json);
    return table;
}

static char *print(const struct comparison *comparison, size_t *ret_bytes, struct problem *reterr)
{
    static const char *const columns[] = {"label",      "name",       "metric", "n",
                                          "undefined",  "mean_a",     "mean_b", "difference",
                                          "interval.0", "interval.1", "wins",   "losses",
                                          "ties",       "wilcoxon.p", NULL};
    json_t *json = comparison_json(comparison);

    if (!comparison->query->csv)
        return run_print(json, ret_bytes, reterr);
    return run_csv(table_of(json), columns, ret_bytes, reterr);
}

char *run_compare_print(const struct run_pair *pair, const struct run_query *query,
                        size_t *ret_bytes, struct problem *reterr)
{
    struct comparison comparison = {.pair = pair, .query = query};
    size_t n = pair->cases[0]->n_cases;
    char *text = NULL;

    if (series_collect(&comparison.tables[0], pair->cases[0], reterr) &&
        series_collect(&comparison.tables[1], pair->cases[1], reterr)) {
        comparison.changes = series_new(&comparison.tables[0], n, sizeof(struct change), reterr);
        comparison.values = series_new(&comparison.tables[0], n, sizeof(double), reterr);
        if (comparison.changes != NULL && comparison.values != NULL &&
            resample(&comparison, reterr))
            text = print(&comparison, ret_bytes, reterr);
    }
    resamples_done(&comparison.resamples);
    free(comparison.changes);
    free(comparison.values);
    series_done(&comparison.tables[0]);
    series_done(&comparison.tables[1]);
    return text;
}
