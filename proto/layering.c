/* layering.c - what a request makes of masks whose labels may overlap. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "proto/score.h"

static struct layers *layers_at(const struct score *score, int which)
{
    return reader_header(score->readers[which])->layers;
}

/* Where no labels overlap and nothing else has label 0, layers are one label map. */
static bool is_label_map(const struct score *score)
{
    const struct request *request = &score->request;

    if (!request->has_background || request->background != 0)
        return false;
    for (int i = 0; i < SCORE_N_MASKS; i++) {
        if (layers_at(score, i) != NULL && !layers_is_disjoint(layers_at(score, i)))
            return false;
    }
    return true;
}

static bool has_layer(const struct layers *layers, int64_t label)
{
    for (size_t i = 0; i < layers_n_labels(layers); i++) {
        if (layers_labels(layers)[i] == label)
            return true;
    }
    return false;
}

/* What cannot be said of labels that overlap, or is not wanted. */
static bool check_mask(const struct score *score, int which, struct problem *reterr)
{
    const struct request *request = &score->request;
    const struct layers *layers = layers_at(score, which);
    const char *pointer = which == SCORE_PREDICTION ? "#/prediction" : "#/reference";

    if (layers == NULL)
        return true;
    if (request->has_background && has_layer(layers, request->background))
        return problem_set(reterr, PROBLEM_OVERLAP, pointer,
                           "A layer has label %lld, which is the background, that is, where there "
                           "is no layer; \"background\": null makes it a label like others.",
                           (long long)request->background);
    if (!layers_overlap(layers))
        return true;
    if (request->refuse_overlap)
        return problem_set(reterr, PROBLEM_OVERLAP, pointer,
                           "Some voxels have several labels, and \"overlap\" is \"error\".");
    return !request->has_threshold ||
           problem_set(reterr, PROBLEM_OVERLAP, pointer,
                       "Some voxels have several labels, of which a threshold makes no one.");
}

static bool is_ignored(const struct request *request, const int64_t *labels, size_t n)
{
    for (size_t i = 0; i < request->n_ignore; i++) {
        for (size_t j = 0; j < n; j++) {
            if (labels[j] == request->ignore[i])
                return true;
        }
    }
    return false;
}

/* The sets of the reference that hold an ignored label. */
static bool ignore_sets(struct score *score, struct problem *reterr)
{
    const struct request *request = &score->request;
    const struct layers *layers = layers_at(score, SCORE_REFERENCE);
    size_t n_sets = layers_n_sets(layers);

    score->ignored_sets = malloc(n_sets * sizeof(*score->ignored_sets));
    if (score->ignored_sets == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for what is ignored.");
    for (size_t set = 0; set < n_sets; set++) {
        size_t n;
        const int64_t *labels = layers_set(layers, set, &n);

        if (n == 0 && request->has_background) {
            labels = &request->background;
            n = 1;
        }
        if (is_ignored(request, labels, n))
            score->ignored_sets[score->n_ignored_sets++] = (int64_t)set;
    }
    return true;
}

bool layering_make(struct score *score, struct problem *reterr)
{
    bool label_map = is_label_map(score) || score->request.has_threshold;
    const struct request *request = &score->request;

    if (!check_mask(score, SCORE_PREDICTION, reterr) || !check_mask(score, SCORE_REFERENCE, reterr))
        return false;
    score->found.has_background = request->has_background;
    score->found.background = request->background;
    for (int i = 0; i < SCORE_N_MASKS && label_map; i++) {
        if (layers_at(score, i) != NULL)
            reader_hand_out_labels(score->readers[i]);
    }
    if (label_map)
        return true;
    score->found.prediction = layers_at(score, SCORE_PREDICTION);
    score->found.reference = layers_at(score, SCORE_REFERENCE);
    if (request->confusion && found_has_sets(&score->found))
        return problem_set(reterr, PROBLEM_OVERLAP, "#/confusion",
                           "A confusion matrix needs one label for each voxel; a mask here is made "
                           "of layers that overlap, or has no background of label 0.");
    return score->found.reference == NULL || request->n_ignore == 0 || ignore_sets(score, reterr);
}
