/* classes.c - from a counter to the classes and regions that are scored. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "proto/score.h"

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the classes.");
}

/* Labels that "auto" leaves out: found, but not a class that anyone means. */
static bool is_left_out(const struct request *request, int64_t label)
{
    if (request->has_background && label == request->background)
        return true;
    /* Under a threshold, ignored values are the reference's own and no longer labels. */
    for (size_t i = 0; i < request->n_ignore && !request->has_threshold; i++) {
        if (request->ignore[i] == label)
            return true;
    }
    return false;
}

static bool classes_found(struct score *score, const int64_t *labels, size_t n,
                          struct problem *reterr)
{
    for (size_t i = 0; i < n; i++) {
        if (is_left_out(&score->request, labels[i]))
            continue;
        if (score->n_classes == score->env->limits.labels)
            return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, NULL,
                               "The masks hold more than %zu labels beside the background; name "
                               "the ones to score in \"labels\".",
                               (size_t)score->env->limits.labels);
        score->classes[score->n_classes++].label = labels[i];
    }
    return true;
}

static bool classes_auto(struct score *score, struct problem *reterr)
{
    size_t n = ov_counter_n_labels(score->counter);
    int64_t *labels = malloc((n + 1) * sizeof(*labels));
    bool ok;

    score->classes = calloc(n + 1, sizeof(*score->classes));
    if (labels == NULL || score->classes == NULL) {
        free(labels);
        return no_memory(reterr);
    }
    ov_counter_labels(score->counter, labels);
    ok = classes_found(score, labels, n, reterr);
    free(labels);
    return ok;
}

static bool classes_asked(struct score *score, struct problem *reterr)
{
    const struct request *request = &score->request;

    score->classes = calloc(request->n_labels, sizeof(*score->classes));
    if (score->classes == NULL)
        return no_memory(reterr);
    score->n_classes = request->n_labels;
    for (size_t i = 0; i < request->n_labels; i++) {
        score->classes[i].label = request->labels[i].label;
        score->classes[i].name = request->labels[i].name;
    }
    return true;
}

static bool regions_make(struct score *score, struct problem *reterr)
{
    const struct request *request = &score->request;

    score->regions = calloc(request->n_regions + 1, sizeof(*score->regions));
    if (score->regions == NULL)
        return no_memory(reterr);
    for (size_t i = 0; i < request->n_regions; i++) {
        struct scored *region = &score->regions[i];

        region->name = request->regions[i].name;
        region->labels = request->regions[i].labels;
        region->n_labels = request->regions[i].n_labels;
        if (ov_counter_union(score->counter, region->labels, region->n_labels, &region->counts) !=
            OV_OK)
            return no_memory(reterr);
    }
    return true;
}

static bool is_class(const struct score *score, int64_t label)
{
    for (size_t i = 0; i < score->n_classes; i++) {
        if (score->classes[i].label == label)
            return true;
    }
    return false;
}

static bool adds_background(const struct score *score)
{
    return score->request.has_background && !is_class(score, score->request.background);
}

static size_t n_with_background(const struct score *score)
{
    return score->n_classes + adds_background(score);
}

size_t classes_and_background(const struct score *score, int64_t *ret_labels)
{
    size_t n = 0;

    if (adds_background(score))
        ret_labels[n++] = score->request.background;
    for (size_t i = 0; i < score->n_classes; i++)
        ret_labels[n++] = score->classes[i].label;
    return n;
}

bool classes_make(struct score *score, struct problem *reterr)
{
    const struct request *request = &score->request;

    if (!(request->labels_auto ? classes_auto(score, reterr) : classes_asked(score, reterr)))
        return false;
    for (size_t i = 0; i < score->n_classes; i++)
        score->classes[i].counts = ov_counter_label(score->counter, score->classes[i].label);
    if (request->confusion && n_with_background(score) > score->env->limits.confusion_labels)
        return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, "#/confusion",
                           "A confusion matrix of %zu labels; the limit is %zu.",
                           n_with_background(score), (size_t)score->env->limits.confusion_labels);
    return regions_make(score, reterr);
}
