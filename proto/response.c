/* response.c - counts into the JSON of an answer. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/score.h"

/* An answer being built. Once memory is out ok stays false: no answer lacks a member. */
struct printer {
    const struct score *score;
    const struct request *request;
    bool ok;
};

static void put(struct printer *print, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0)
        print->ok = false;
}

static void push(struct printer *print, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        print->ok = false;
}

/* JSON has no NaN: a score without a value is null. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static void set_counts(struct printer *print, json_t *object, const struct ov_counts *counts)
{
    put(print, object, "tp", count(counts->tp));
    put(print, object, "fp", count(counts->prediction - counts->tp));
    put(print, object, "fn", count(counts->reference - counts->tp));
    put(print, object, "prediction", count(counts->prediction));
    put(print, object, "reference", count(counts->reference));
}

static double value_of(const struct request *request, enum ov_metric metric,
                       const struct ov_counts *counts)
{
    return ov_metric_value(metric, counts, &request->empty, request->beta);
}

static void set_metrics(struct printer *print, json_t *object, const struct ov_counts *counts)
{
    const struct request *request = print->request;

    for (size_t i = 0; i < request->n_metrics; i++)
        put(print, object, ov_metric_name(request->metrics[i]),
            number(value_of(request, request->metrics[i], counts)));
}

static json_t *shape_json(struct printer *print, int ndim, const uint64_t *shape)
{
    json_t *array = json_array();

    for (int i = 0; i < ndim; i++)
        push(print, array, count(shape[i]));
    return array;
}

/* Whether a class does better than calling every voxel foreground; null where it has no score. */
static json_t *trivial(const struct request *request, const struct ov_counts *counts)
{
    struct ov_counts everything = ov_trivial(counts);
    double dice = ov_metric_value(OV_DICE, &everything, NULL, 1);
    double own = value_of(request, OV_DICE, counts);

    return json_pack("{s:o, s:o, s:o}", "dice", number(dice), "iou",
                     number(ov_metric_value(OV_IOU, &everything, NULL, 1)), "beaten",
                     isnan(own) || isnan(dice) ? json_null() : json_boolean(own > dice));
}

static json_t *labels_json(struct printer *print, const int64_t *labels, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        push(print, array, json_integer(labels[i]));
    return array;
}

static json_t *scored_json(struct printer *print, const struct scored *scored)
{
    json_t *object = json_object();

    if (scored->labels == NULL)
        put(print, object, "label", json_integer(scored->label));
    put(print, object, "name", scored->name != NULL ? json_string(scored->name) : json_null());
    if (scored->labels != NULL)
        put(print, object, "labels", labels_json(print, scored->labels, scored->n_labels));
    put(print, object, "state", json_string(ov_state_name(ov_state(&scored->counts))));
    set_counts(print, object, &scored->counts);
    set_metrics(print, object, &scored->counts);
    put(print, object, "trivial", trivial(print->request, &scored->counts));
    return object;
}

static json_t *all_scored(struct printer *print, const struct scored *scored, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        push(print, array, scored_json(print, &scored[i]));
    return array;
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

static json_t *mean_json(struct printer *print)
{
    const struct score *score = print->score;
    const struct request *request = print->request;
    json_t *object = json_object();
    json_t *defined = json_object();
    size_t n_defined;

    for (size_t i = 0; i < request->n_metrics; i++) {
        const char *name = ov_metric_name(request->metrics[i]);

        put(print, object, name, number(mean_of(score, request->metrics[i], &n_defined)));
        put(print, defined, name, count(n_defined));
    }
    mean_of(score, OV_DICE, &n_defined);
    put(print, object, "n", count(score->n_classes));
    put(print, object, "n_defined", count(n_defined));
    put(print, object, "defined", defined);
    return object;
}

static json_t *micro_json(struct printer *print)
{
    const struct score *score = print->score;
    struct ov_counts sum = {0};
    json_t *object = json_object();

    for (size_t i = 0; i < score->n_classes; i++)
        sum = ov_counts_sum(sum, score->classes[i].counts);
    set_counts(print, object, &sum);
    set_metrics(print, object, &sum);
    return object;
}

static json_t *background_json(struct printer *print)
{
    int64_t label = print->request->background;
    struct ov_counts counts;
    json_t *object;

    if (!print->request->has_background)
        return json_null();
    counts = found_label(&print->score->found, label);
    object = json_pack("{s:I}", "label", (json_int_t)label);
    set_counts(print, object, &counts);
    return object;
}

static json_t *generalised_json(const struct score *score)
{
    struct ov_counts *counts = calloc(score->n_classes + 1, sizeof(*counts));
    json_t *object;

    if (counts == NULL)
        return NULL;
    for (size_t i = 0; i < score->n_classes; i++)
        counts[i] = score->classes[i].counts;
    object = json_pack(
        "{s:o, s:o, s:o}", "square",
        number(ov_generalised_dice(counts, score->n_classes, OV_WEIGHT_SQUARE)), "simple",
        number(ov_generalised_dice(counts, score->n_classes, OV_WEIGHT_SIMPLE)), "uniform",
        number(ov_generalised_dice(counts, score->n_classes, OV_WEIGHT_UNIFORM)));
    free(counts);
    return object;
}

static json_t *matrix_json(struct printer *print, const uint64_t *matrix, size_t n)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *row = json_array();

        for (size_t j = 0; j < n; j++)
            push(print, row, count(matrix[i * n + j]));
        push(print, rows, row);
    }
    return rows;
}

static json_t *confusion_json(struct printer *print)
{
    const struct score *score = print->score;
    size_t most = score->n_classes + 1;
    int64_t *labels = malloc(most * sizeof(*labels));
    uint64_t *matrix = calloc(most * most, sizeof(*matrix));
    json_t *object = NULL;

    if (labels != NULL && matrix != NULL) {
        size_t n = classes_and_background(score, labels);

        if (ov_counter_confusion(score->counter, labels, n, matrix) == OV_OK)
            object = json_pack("{s:o, s:o}", "labels", labels_json(print, labels, n), "matrix",
                               matrix_json(print, matrix, n));
    }
    free(labels);
    free(matrix);
    return object;
}

static int compare_labels(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* Labels that were found but not scored: the typing error in a label list shows here. */
static json_t *unlisted(struct printer *print, const int64_t *listed, size_t n_listed,
                        size_t *ret_n)
{
    const struct found *found = &print->score->found;
    json_t *array = json_array();

    *ret_n = 0;
    for (size_t i = 0; i < found->n; i++) {
        const struct found_label *entry = &found->list[i];

        if (bsearch(&entry->label, listed, n_listed, sizeof(*listed), compare_labels) != NULL)
            continue;
        if ((*ret_n)++ >= print->score->env->limits.labels)
            continue;
        push(print, array,
             json_pack("{s:I, s:o, s:o}", "label", (json_int_t)entry->label, "prediction",
                       count(entry->counts.prediction), "reference",
                       count(entry->counts.reference)));
    }
    return array;
}

static void set_unlisted(struct printer *print, json_t *answer)
{
    const struct score *score = print->score;
    int64_t *listed = malloc((score->n_classes + 1) * sizeof(*listed));
    size_t n = 0;
    json_t *array = NULL;

    if (listed != NULL) {
        size_t n_listed = classes_and_background(score, listed);

        qsort(listed, n_listed, sizeof(*listed), compare_labels);
        array = unlisted(print, listed, n_listed, &n);
    }
    put(print, answer, "unlisted", array);
    put(print, answer, "n_unlisted", count(n));
    free(listed);
}

/* What a mask holds that is no mask: it was passed over, but not in silence. */
static json_t *skipped_json(struct printer *print, const struct reader *reader)
{
    json_t *object = json_object();
    const char *what;
    uint64_t n;

    for (size_t i = 0; (what = reader_skipped(reader, i, &n)) != NULL; i++)
        put(print, object, what, count(n));
    return object;
}

static json_t *input_json(struct printer *print, const struct reader *reader)
{
    const struct mask_header *header = reader_header(reader);
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:o, s:s}", "format", format_name(header->format), "encoding",
                  coding_name(header->coding), "dtype", ov_dtype_name(header->encoding.dtype),
                  "shape", shape_json(print, header->ndim, header->shape), "order",
                  header->order == OV_ORDER_C ? "C" : "F");
    uint64_t n;

    if (header->layers != NULL) {
        put(print, object, "dtype", json_null());
        put(print, object, "layers", count(layers_n_labels(header->layers)));
    }
    if (header->layers != NULL || reader_skipped(reader, 0, &n) != NULL)
        put(print, object, "skipped", skipped_json(print, reader));
    if (header->is_open_ended) {
        put(print, object, "added_slices",
            json_pack("[o, o]", count(header->added[0]), count(header->added[1])));
    }
    return object;
}

static void set_provenance(struct printer *print, json_t *answer)
{
    const struct score *score = print->score;
    json_t *options = request_echo(&score->request);
    json_t *inputs =
        json_pack("{s:o, s:o}", "prediction", input_json(print, score->readers[SCORE_PREDICTION]),
                  "reference", input_json(print, score->readers[SCORE_REFERENCE]));
    struct signature signature = {""};
    bool is_shared =
        score->request.prediction.segment != NULL || score->request.reference.segment != NULL;

    /* Of shared memory it would cost another pass, and say what may be different by then. */
    if (!is_shared)
        signature = signature_make(score, options, inputs);
    print->ok = print->ok && (is_shared || signature.text[0] != '\0');
    put(print, answer, "inputs", inputs);
    put(print, answer, "options", options);
    put(print, answer, "signature", is_shared ? json_null() : json_string(signature.text));
}

static json_t *answer_json(struct printer *print, double queue_s, double total_s)
{
    const struct score *score = print->score;
    const struct request *request = print->request;
    const struct pair *pair = &score->pair;
    json_t *answer =
        json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "shape",
                  shape_json(print, pair->ndim, pair->shape), "voxels", count(pair->n_voxels),
                  "ignored", count(ov_counter_ignored(score->counter)), "geometry",
                  geometry_name(pair->geometry), "background", background_json(print), "classes",
                  all_scored(print, score->classes, score->n_classes), "regions",
                  all_scored(print, score->regions, request->n_regions), "mean", mean_json(print),
                  "micro", micro_json(print));

    if (answer == NULL)
        return NULL;
    if (request->generalised_dice)
        put(print, answer, "generalised_dice", generalised_json(score));
    if (request->confusion)
        put(print, answer, "confusion", confusion_json(print));
    set_unlisted(print, answer);
    set_provenance(print, answer);
    put(print, answer, "timing",
        json_pack("{s:f, s:f, s:f, s:f}", "queue", queue_s, "decode",
                  (double)score->decode_ns / 1e9, "count", (double)score->count_ns / 1e9, "total",
                  total_s));
    return answer;
}

char *score_print(const struct score *score, double queue_s, double total_s, size_t *ret_bytes,
                  struct problem *reterr)
{
    struct printer print = {score, &score->request, true};
    json_t *answer = answer_json(&print, queue_s, total_s);
    char *text = answer != NULL && print.ok ? json_print(answer, ret_bytes) : NULL;

    json_decref(answer);
    if (text == NULL)
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the answer.");
    return text;
}
