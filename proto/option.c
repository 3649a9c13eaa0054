/* option.c - the options of a score: one table for JSON members and query parameters. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/option.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond these the weights of f_beta are no longer exact enough to mean anything. */
#define BETA_MIN 1e-6
#define BETA_MAX 1e6

static bool bad_value(struct problem *reterr, const char *pointer, const char *wanted)
{
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer, "%s must be %s.", pointer + 2,
                       wanted);
}

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request's options.");
}

bool option_label(const json_t *json, const char *pointer, int64_t *ret_label,
                  struct problem *reterr)
{
    json_int_t label = json_integer_value(json);

    if (!json_is_integer(json))
        return bad_value(reterr, pointer, "an integer");
    if (label < OV_LABEL_MIN || label > OV_LABEL_MAX)
        return problem_set(reterr, PROBLEM_LABEL_OUT_OF_RANGE, pointer,
                           "Label %lld is outside -2147483648..4294967295.", (long long)label);
    *ret_label = label;
    return true;
}

static int compare_labels(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* A label that is there twice. Sorts the labels. */
static bool has_duplicate(int64_t *labels, size_t n, int64_t *ret_label)
{
    qsort(labels, n, sizeof(*labels), compare_labels);
    for (size_t i = 1; i < n; i++) {
        if (labels[i] == labels[i - 1]) {
            *ret_label = labels[i];
            return true;
        }
    }
    return false;
}

/* Checks a copy, as the order is the caller's. */
static bool are_distinct(const int64_t *labels, size_t n, const char *pointer,
                         struct problem *reterr)
{
    int64_t *copy = malloc((n + 1) * sizeof(*copy));
    int64_t twice = 0;
    bool ok;

    if (copy == NULL)
        return no_memory(reterr);
    memcpy(copy, labels, n * sizeof(*copy));
    ok = !has_duplicate(copy, n, &twice);
    free(copy);
    return ok || problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer, "%s names label %lld twice.",
                             pointer + 2, (long long)twice);
}

static bool read_labels(const struct option_value *value, int64_t *labels, size_t n,
                        struct problem *reterr)
{
    for (size_t i = 0; i < n; i++) {
        struct json_pointer at = json_pointer_at(value->pointer.text, i);

        if (!option_label(json_array_get(value->json, i), at.text, &labels[i], reterr))
            return false;
    }
    return are_distinct(labels, n, value->pointer.text, reterr);
}

bool option_labels(const struct option_value *value, uint64_t most, int64_t **ret_labels,
                   size_t *ret_n, struct problem *reterr)
{
    const char *pointer = value->pointer.text;
    size_t n = json_array_size(value->json);
    int64_t *labels;

    if (!json_is_array(value->json))
        return bad_value(reterr, pointer, "an array of integers");
    if (n > most)
        return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, pointer,
                           "%zu labels; the limit is %zu.", n, (size_t)most);
    labels = calloc(n + 1, sizeof(*labels));
    if (labels == NULL)
        return no_memory(reterr);
    if (!read_labels(value, labels, n, reterr)) {
        free(labels);
        return false;
    }
    *ret_labels = labels;
    *ret_n = n;
    return true;
}

/* 7 or {"label": 7, "name": "liver"}. */
static bool named_label(const json_t *json, const char *pointer, struct named_label *ret_label,
                        struct problem *reterr)
{
    const json_t *name = json_object_get(json, "name");

    if (!json_is_object(json))
        return option_label(json, pointer, &ret_label->label, reterr);
    if (json_object_size(json) != 1 + (name != NULL) || (name != NULL && !json_is_string(name)))
        return bad_value(reterr, pointer, "an integer or {\"label\": integer, \"name\": string}");
    ret_label->name = json_string_value(name);
    return option_label(json_object_get(json, "label"), pointer, &ret_label->label, reterr);
}

static bool read_named_labels(struct request *request, const struct option_value *value,
                              struct problem *reterr)
{
    int64_t *labels = calloc(request->n_labels + 1, sizeof(*labels));
    bool ok = true;

    if (labels == NULL)
        return no_memory(reterr);
    for (size_t i = 0; ok && i < request->n_labels; i++) {
        struct json_pointer at = json_pointer_at(value->pointer.text, i);

        ok = named_label(json_array_get(value->json, i), at.text, &request->labels[i], reterr);
        labels[i] = request->labels[i].label;
    }
    ok = ok && are_distinct(labels, request->n_labels, value->pointer.text, reterr);
    free(labels);
    return ok;
}

static bool parse_labels(struct request *request, const struct option_value *value,
                         struct problem *reterr)
{
    const char *pointer = value->pointer.text;
    size_t n = json_array_size(value->json);
    const char *word = json_string_value(value->json);

    if (word != NULL && strcmp(word, "auto") == 0)
        return true;
    if (!json_is_array(value->json) || n == 0)
        return bad_value(reterr, pointer, "\"auto\" or an array of at least one label");
    if (n > value->limits->labels)
        return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, pointer,
                           "%zu labels; the limit is %zu (limits.labels).", n,
                           (size_t)value->limits->labels);
    request->labels = calloc(n, sizeof(*request->labels));
    if (request->labels == NULL)
        return no_memory(reterr);
    request->labels_auto = false;
    request->n_labels = n;
    return read_named_labels(request, value, reterr);
}

static bool parse_regions(struct request *request, const struct option_value *value,
                          struct problem *reterr)
{
    size_t n = json_object_size(value->json);
    const char *name;
    json_t *labels;

    if (!json_is_object(value->json))
        return bad_value(reterr, value->pointer.text, "an object of arrays of labels");
    if (n > value->limits->regions)
        return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, value->pointer.text,
                           "%zu regions; the limit is %zu (limits.regions).", n,
                           (size_t)value->limits->regions);
    request->regions = calloc(n + 1, sizeof(*request->regions));
    if (request->regions == NULL)
        return no_memory(reterr);
    json_object_foreach(value->json, name, labels)
    {
        struct region *region = &request->regions[request->n_regions++];
        struct option_value of = {labels, json_pointer_to(value->pointer.text, name),
                                  value->limits};

        region->name = name;
        if (!option_labels(&of, value->limits->labels, &region->labels, &region->n_labels, reterr))
            return false;
        if (region->n_labels == 0)
            return bad_value(reterr, of.pointer.text, "an array of at least one label");
    }
    return true;
}

static bool parse_ignore(struct request *request, const struct option_value *value,
                         struct problem *reterr)
{
    return option_labels(value, value->limits->labels, &request->ignore, &request->n_ignore,
                         reterr);
}

static bool parse_background(struct request *request, const struct option_value *value,
                             struct problem *reterr)
{
    request->has_background = !json_is_null(value->json);
    return !request->has_background ||
           option_label(value->json, value->pointer.text, &request->background, reterr);
}

static bool add_metric(struct request *request, const char *name, const char *pointer,
                       struct problem *reterr)
{
    enum ov_metric metric;

    if (name != NULL && strcmp(name, "generalised_dice") == 0 && !request->generalised_dice) {
        request->generalised_dice = true;
        return true;
    }
    if (name == NULL || ov_metric_find(name, &metric) != OV_OK)
        return bad_value(reterr, pointer, "a metric that /v1/info lists, given once");
    for (size_t i = 0; i < request->n_metrics; i++) {
        if (request->metrics[i] == metric)
            return bad_value(reterr, pointer, "given once");
    }
    request->metrics[request->n_metrics++] = metric;
    return true;
}

static bool parse_metrics(struct request *request, const struct option_value *value,
                          struct problem *reterr)
{
    size_t n = json_array_size(value->json);

    if (!json_is_array(value->json) || n == 0)
        return bad_value(reterr, value->pointer.text, "an array of names");
    request->n_metrics = 0;
    for (size_t i = 0; i < n; i++) {
        struct json_pointer at = json_pointer_at(value->pointer.text, i);

        if (!add_metric(request, json_string_value(json_array_get(value->json, i)), at.text,
                        reterr))
            return false;
    }
    return true;
}

static bool parse_beta(struct request *request, const struct option_value *value,
                       struct problem *reterr)
{
    request->beta = json_number_value(value->json);
    return (request->beta >= BETA_MIN && request->beta <= BETA_MAX) ||
           bad_value(reterr, value->pointer.text, "a number from 0.000001 to 1000000");
}

static bool empty_word(const json_t *json, const char *pointer, double *ret_value,
                       struct problem *reterr)
{
    static const char *const words[] = {"null", "zero", "one"};
    static const double values[] = {(double)NAN, 0, 1};
    const char *word = json_string_value(json);

    for (size_t i = 0; word != NULL && i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret_value = values[i];
            return true;
        }
    }
    return bad_value(reterr, pointer, "\"null\", \"zero\" or \"one\"");
}

static bool parse_empty(struct request *request, const struct option_value *value,
                        struct problem *reterr)
{
    const char *name;
    json_t *word;

    if (!json_is_object(value->json))
        return empty_word(value->json, value->pointer.text, &request->empty.both_empty, reterr);
    json_object_foreach(value->json, name, word)
    {
        struct json_pointer at = json_pointer_to(value->pointer.text, name);
        double *policy = strcmp(name, "both_empty") == 0         ? &request->empty.both_empty
                         : strcmp(name, "reference_empty") == 0  ? &request->empty.reference_empty
                         : strcmp(name, "prediction_empty") == 0 ? &request->empty.prediction_empty
                                                                 : NULL;

        if (policy == NULL)
            return problem_set(reterr, PROBLEM_BAD_PARAMETER, at.text,
                               "There is no such state; there are both_empty, reference_empty "
                               "and prediction_empty.");
        if (!empty_word(word, at.text, policy, reterr))
            return false;
    }
    return true;
}

static bool parse_threshold(struct request *request, const struct option_value *value,
                            struct problem *reterr)
{
    request->has_threshold = !json_is_null(value->json);
    request->threshold = json_number_value(value->json);
    return !request->has_threshold || json_is_number(value->json) ||
           bad_value(reterr, value->pointer.text, "a number or null");
}

/* One of two words. */
static bool choose(const struct option_value *value, const char *no, const char *yes, bool *ret,
                   struct problem *reterr)
{
    const char *word = json_string_value(value->json);

    *ret = word != NULL && strcmp(word, yes) == 0;
    return *ret || (word != NULL && strcmp(word, no) == 0) ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                       "%s must be \"%s\" or \"%s\".", value->pointer.text + 2, no, yes);
}

static bool parse_geometry(struct request *request, const struct option_value *value,
                           struct problem *reterr)
{
    return choose(value, "check", "ignore", &request->ignore_geometry, reterr);
}

static bool parse_axes(struct request *request, const struct option_value *value,
                       struct problem *reterr)
{
    return choose(value, "as-is", "reverse", &request->reverse_axes, reterr);
}

static bool parse_overlap(struct request *request, const struct option_value *value,
                          struct problem *reterr)
{
    return choose(value, "layers", "error", &request->refuse_overlap, reterr);
}

static bool parse_confusion(struct request *request, const struct option_value *value,
                            struct problem *reterr)
{
    request->confusion = json_is_true(value->json);
    return json_is_boolean(value->json) || bad_value(reterr, value->pointer.text, "true or false");
}

static bool parse_keep(struct request *request, const struct option_value *value,
                       struct problem *reterr)
{
    const char *word = json_string_value(value->json);

    request->keep_overlay = word != NULL && strcmp(word, "overlay") == 0;
    return request->keep_overlay || bad_value(reterr, value->pointer.text, "\"overlay\"");
}

static const struct option options[] = {
    {{"prediction", QUERY_NONE}, option_prediction},
    {{"reference", QUERY_NONE}, option_reference},
    {{"labels", QUERY_LABELS}, parse_labels},
    {{"regions", QUERY_NONE}, parse_regions},
    {{"ignore", QUERY_LABELS}, parse_ignore},
    {{"background", QUERY_LABEL}, parse_background},
    {{"metrics", QUERY_WORDS}, parse_metrics},
    {{"beta", QUERY_NUMBER}, parse_beta},
    {{"empty", QUERY_WORD}, parse_empty},
    {{"threshold", QUERY_NUMBER}, parse_threshold},
    {{"geometry", QUERY_WORD}, parse_geometry},
    {{"axes", QUERY_WORD}, parse_axes},
    {{"overlap", QUERY_WORD}, parse_overlap},
    {{"confusion", QUERY_BOOL}, parse_confusion},
    {{"case", QUERY_NONE}, option_case},
    {{"keep", QUERY_WORD}, parse_keep},
};

const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i].name.text, name) == 0)
            return &options[i];
    }
    return NULL;
}
