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

bool classes_may_have(const struct score *score, int64_t label)
{
    const struct request *request = &score->request;

    if (request->labels_auto || (request->has_background && label == request->background))
        return !is_left_out(request, label);
    for (size_t i = 0; i < request->n_labels; i++) {
        if (request->labels[i].label == label)
            return true;
    }
    return false;
}

static bool classes_auto(struct score *score, struct problem *reterr)
{
    const struct found *found = &score->found;

    score->classes = calloc(found->n + 1, sizeof(*score->classes));
    if (score->classes == NULL)
        return no_memory(reterr);
    for (size_t i = 0; i < found->n; i++) {
        int64_t label = found->list[i].label;

        if (is_left_out(&score->request, label))
            continue;
        if (score->n_classes == score->env->limits.labels)
            return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, NULL,
                               "The masks hold more than %zu labels (limits.labels) beside the "
                               "background; name the ones to score in \"labels\".",
                               (size_t)score->env->limits.labels);
        score->classes[score->n_classes++].label = label;
    }
    return true;
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
        if (!found_union(&score->found, region->labels, region->n_labels, &region->counts))
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

/* Under a threshold, what a mask has layers of are no longer its labels. */
static bool found_labels(struct score *score)
{
    const struct layers *declared[SCORE_N_MASKS] = {NULL, NULL};

    for (int i = 0; i < SCORE_N_MASKS && !score->request.has_threshold; i++)
        declared[i] = reader_header(score->readers[i])->layers;
    return found_make(&score->found, declared);
}

bool classes_make(struct score *score, struct problem *reterr)
{
    const struct request *request = &score->request;

    if (!found_labels(score))
        return no_memory(reterr);
    if (!(request->labels_auto ? classes_auto(score, reterr) : classes_asked(score, reterr)))
        return false;
    for (size_t i = 0; i < score->n_classes; i++) {
        struct scored *class = &score->classes[i];

        class->counts = found_label(&score->found, class->label);
        if (class->name == NULL)
            class->name = names_of(score->names, class->label);
    }
    if (request->confusion && n_with_background(score) > score->env->limits.confusion_labels)
        return problem_set(
            reterr, PROBLEM_TOO_MANY_LABELS, "#/confusion",
            "A confusion matrix of %zu labels; the limit is %zu (limits.confusion_labels).",
            n_with_background(score), (size_t)score->env->limits.confusion_labels);
    return regions_make(score, reterr);
}
