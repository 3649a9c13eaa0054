/* response.c - counts into the JSON of an answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "proto/score.h"
#include "proto/writer.h"

/* An answer being written. */
struct printer {
    struct writer writer;
    const struct score *score;
    const struct request *request;
};

static void put_counts(struct printer *print, const struct ov_counts *counts)
{
    struct writer *writer = &print->writer;

    writer_put_count(writer, "tp", counts->tp);
    writer_put_count(writer, "fp", counts->prediction - counts->tp);
    writer_put_count(writer, "fn", counts->reference - counts->tp);
    writer_put_count(writer, "prediction", counts->prediction);
    writer_put_count(writer, "reference", counts->reference);
}

static double value_of(const struct request *request, enum ov_metric metric,
                       const struct ov_counts *counts)
{
    return ov_metric_value(metric, counts, &request->empty, request->beta);
}

static void put_metrics(struct printer *print, const struct ov_counts *counts)
{
    const struct request *request = print->request;

    for (size_t i = 0; i < request->n_metrics; i++)
        writer_put_real(&print->writer, ov_metric_name(request->metrics[i]),
                        value_of(request, request->metrics[i], counts));
}

/* Whether a class does better than calling every voxel foreground; null where it has no score. */
static void put_trivial(struct printer *print, const struct ov_counts *counts)
{
    struct writer *writer = &print->writer;
    struct ov_counts everything = ov_trivial(counts);
    double dice = ov_metric_value(OV_DICE, &everything, NULL, 1);
    double own = value_of(print->request, OV_DICE, counts);

    writer_put(writer, "trivial");
    writer_open(writer, '{');
    writer_put_real(writer, "dice", dice);
    writer_put_real(writer, "iou", ov_metric_value(OV_IOU, &everything, NULL, 1));
    if (isnan(own) || isnan(dice))
        writer_put_null(writer, "beaten");
    else
        writer_put_bool(writer, "beaten", own > dice);
    writer_close(writer, '}');
}

static void put_labels(struct printer *print, const int64_t *labels, size_t n)
{
    writer_put(&print->writer, "labels");
    writer_integers(&print->writer, labels, n);
}

static void write_scored(struct printer *print, const struct scored *scored)
{
    struct writer *writer = &print->writer;

    writer_open(writer, '{');
    if (scored->labels == NULL)
        writer_put_integer(writer, "label", scored->label);
    writer_put_string(writer, "name", scored->name);
    if (scored->labels != NULL)
        put_labels(print, scored->labels, scored->n_labels);
    writer_put_string(writer, "state", ov_state_name(ov_state(&scored->counts)));
    put_counts(print, &scored->counts);
    put_metrics(print, &scored->counts);
    put_trivial(print, &scored->counts);
    writer_close(writer, '}');
}

static void put_scored(struct printer *print, const char *name, const struct scored *scored,
                       size_t n)
{
    writer_put(&print->writer, name);
    writer_open(&print->writer, '[');
    for (size_t i = 0; i < n; i++)
        write_scored(print, &scored[i]);
    writer_close(&print->writer, ']');
}

/* The mean of one metric over the classes that have a value for it. */
static double mean_of(const struct score *score, enum ov_metric metric, size_t *ret_n)
{
    double sum = 0;

    *ret_n = 0;
    for (size_t i = 0; i < score->n_classes; i++) {
        double value = value_of(&score->request, metric, &score->classes[i].counts);

        if (isnan(value))
            continue;
        sum += value;
        (*ret_n)++;
    }
    return *ret_n > 0 ? sum / (double)*ret_n : NAN;
}

static void put_mean(struct printer *print)
{
    const struct score *score = print->score;
    const struct request *request = print->request;
    struct writer *writer = &print->writer;
    size_t n_defined[OV_N_METRICS];
    size_t n_dice;

    writer_put(writer, "mean");
    writer_open(writer, '{');
    for (size_t i = 0; i < request->n_metrics; i++)
        writer_put_real(writer, ov_metric_name(request->metrics[i]),
                        mean_of(score, request->metrics[i], &n_defined[i]));
    mean_of(score, OV_DICE, &n_dice);
    writer_put_count(writer, "n", score->n_classes);
    writer_put_count(writer, "n_defined", n_dice);
    writer_put(writer, "defined");
    writer_open(writer, '{');
    for (size_t i = 0; i < request->n_metrics; i++)
        writer_put_count(writer, ov_metric_name(request->metrics[i]), n_defined[i]);
    writer_close(writer, '}');
    writer_close(writer, '}');
}

static void put_micro(struct printer *print)
{
    const struct score *score = print->score;
    struct ov_counts sum = {0};

    for (size_t i = 0; i < score->n_classes; i++)
        sum = ov_counts_sum(sum, score->classes[i].counts);
    writer_put(&print->writer, "micro");
    writer_open(&print->writer, '{');
    put_counts(print, &sum);
    put_metrics(print, &sum);
    writer_close(&print->writer, '}');
}

static void put_background(struct printer *print)
{
    int64_t label = print->request->background;
    struct ov_counts counts;

    if (!print->request->has_background) {
        writer_put_null(&print->writer, "background");
        return;
    }
    counts = found_label(&print->score->found, label);
    writer_put(&print->writer, "background");
    writer_open(&print->writer, '{');
    writer_put_integer(&print->writer, "label", label);
    put_counts(print, &counts);
    writer_close(&print->writer, '}');
}

static void put_generalised(struct printer *print)
{
    const struct score *score = print->score;
    struct writer *writer = &print->writer;
    struct ov_counts *counts = calloc(score->n_classes + 1, sizeof(*counts));

    if (counts == NULL) {
        writer_done(writer);
        return;
    }
    for (size_t i = 0; i < score->n_classes; i++)
        counts[i] = score->classes[i].counts;
    writer_put(writer, "generalised_dice");
    writer_open(writer, '{');
    writer_put_real(writer, "square",
                    ov_generalised_dice(counts, score->n_classes, OV_WEIGHT_SQUARE));
    writer_put_real(writer, "simple",
                    ov_generalised_dice(counts, score->n_classes, OV_WEIGHT_SIMPLE));
    writer_put_real(writer, "uniform",
                    ov_generalised_dice(counts, score->n_classes, OV_WEIGHT_UNIFORM));
    writer_close(writer, '}');
    free(counts);
}

static void put_matrix(struct printer *print, const uint64_t *matrix, size_t n)
{
    struct writer *writer = &print->writer;

    writer_put(writer, "matrix");
    writer_open(writer, '[');
    for (size_t i = 0; i < n; i++)
        writer_counts(writer, matrix + i * n, n);
    writer_close(writer, ']');
}

static void put_confusion(struct printer *print)
{
    const struct score *score = print->score;
    size_t most = score->n_classes + 1;
    int64_t *labels = malloc(most * sizeof(*labels));
    uint64_t *matrix = calloc(most * most, sizeof(*matrix));
    size_t n = labels != NULL ? classes_and_background(score, labels) : 0;

    if (labels != NULL && matrix != NULL &&
        ov_counter_confusion(score->counter, labels, n, matrix) == OV_OK) {
        writer_put(&print->writer, "confusion");
        writer_open(&print->writer, '{');
        put_labels(print, labels, n);
        put_matrix(print, matrix, n);
        writer_close(&print->writer, '}');
    } else {
        writer_done(&print->writer);
    }
    free(labels);
    free(matrix);
}

static int compare_labels(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* Labels that were found but not scored: the typing error in a label list shows here. */
static size_t write_unlisted(struct printer *print, const int64_t *listed, size_t n_listed)
{
    const struct found *found = &print->score->found;
    struct writer *writer = &print->writer;
    size_t n = 0;

    for (size_t i = 0; i < found->n; i++) {
        const struct found_label *entry = &found->list[i];

        if (bsearch(&entry->label, listed, n_listed, sizeof(*listed), compare_labels) != NULL)
            continue;
        if (n++ >= print->score->env->limits.labels)
            continue;
        writer_open(writer, '{');
        writer_put_integer(writer, "label", entry->label);
        writer_put_count(writer, "prediction", entry->counts.prediction);
        writer_put_count(writer, "reference", entry->counts.reference);
        writer_close(writer, '}');
    }
    return n;
}

static void put_unlisted(struct printer *print)
{
    const struct score *score = print->score;
    int64_t *listed = malloc((score->n_classes + 1) * sizeof(*listed));
    size_t n_listed, n;

    if (listed == NULL) {
        writer_done(&print->writer);
        return;
    }
    n_listed = classes_and_background(score, listed);
    qsort(listed, n_listed, sizeof(*listed), compare_labels);
    writer_put(&print->writer, "unlisted");
    writer_open(&print->writer, '[');
    n = write_unlisted(print, listed, n_listed);
    writer_close(&print->writer, ']');
    writer_put_count(&print->writer, "n_unlisted", n);
    free(listed);
}

static void put_timing(struct printer *print, double queue_s, double total_s)
{
    struct writer *writer = &print->writer;

    writer_put(writer, "timing");
    writer_open(writer, '{');
    writer_put_real(writer, "queue", queue_s);
    writer_put_real(writer, "decode", (double)print->score->decode_ns / 1e9);
    writer_put_real(writer, "count", (double)print->score->count_ns / 1e9);
    writer_put_real(writer, "total", total_s);
    writer_close(writer, '}');
}

static void write_answer(struct printer *print)
{
    const struct score *score = print->score;
    const struct pair *pair = &score->pair;
    struct writer *writer = &print->writer;

    writer_put_counts(writer, "shape", pair->shape, (size_t)pair->ndim);
    writer_put_count(writer, "voxels", pair->n_voxels);
    writer_put_count(writer, "ignored", ov_counter_ignored(score->counter));
    writer_put_string(writer, "geometry", geometry_name(pair->geometry));
    put_background(print);
    put_scored(print, "classes", score->classes, score->n_classes);
    put_scored(print, "regions", score->regions, score->request.n_regions);
    put_mean(print);
    put_micro(print);
    if (score->request.generalised_dice)
        put_generalised(print);
    if (score->request.confusion)
        put_confusion(print);
    put_unlisted(print);
    provenance_put(score, &print->writer);
}

char *score_print(const struct score *score, double queue_s, double total_s, size_t *ret_bytes,
                  struct problem *reterr)
{
    struct printer print = {.score = score, .request = &score->request};
    char *text;

    writer_init(&print.writer);
    writer_open(&print.writer, '{');
    write_answer(&print);
    put_timing(&print, queue_s, total_s);
    writer_close(&print.writer, '}');
    text = writer_take(&print.writer, ret_bytes);
    if (text == NULL)
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the answer.");
    return text;
}
