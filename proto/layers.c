/* layers.c - labels that may overlap: intervals per label, merged to runs of label sets. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/layers_impl.h"

#include <stdlib.h>
#include <string.h>

static bool set_too_many(const char *pointer, uint64_t n_voxels, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_TOO_MANY_VOXELS, pointer,
                       "A mask of layers or runs has %llu voxels; the limit is %u.",
                       (unsigned long long)n_voxels, LAYERS_MAX_VOXELS);
}

struct layers *layers_new(const struct env *env, const char *pointer, uint64_t n_voxels,
                          struct problem *reterr)
{
    struct layers *layers;

    if (n_voxels > LAYERS_MAX_VOXELS) {
        set_too_many(pointer, n_voxels, reterr);
        return NULL;
    }
    layers = calloc(1, sizeof(*layers));
    if (layers == NULL) {
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, pointer, "No memory for the mask's layers.");
        return NULL;
    }
    layers->growth = (struct growth){.env = env, .pointer = pointer};
    layers->n_voxels = n_voxels;
    if (!label_sets_init(&layers->sets, env, pointer, reterr)) {
        layers_free(layers);
        return NULL;
    }
    return layers;
}

void layers_free(struct layers *layers)
{
    if (layers == NULL)
        return;
    free(layers->labels);
    free(layers->sorted);
    free(layers->buckets);
    free(layers->spans);
    free(layers->runs);
    free(layers->intervals);
    label_sets_done(&layers->sets);
    growth_done(&layers->growth);
    free(layers);
}

/* ---- labels ---------------------------------------------------------------------------------- */

/* The bucket of a label, or the free one (0) where it belongs; others hold 1 + the layer. */
static uint32_t *bucket_of(const struct layers *layers, int64_t label)
{
    uint64_t hash = ((uint64_t)label ^ layers->growth.env->hash_seed) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(hash >> 32) & (layers->n_buckets - 1);

    for (;; i = (i + 1) & (layers->n_buckets - 1)) {
        uint32_t layer = layers->buckets[i];

        if (layer == 0 || layers->labels[layer - 1] == label)
            return &layers->buckets[i];
    }
}

static bool grow_buckets(struct layers *layers, struct problem *reterr)
{
    size_t n = layers->n_buckets > 0 ? 2 * layers->n_buckets : 16;
    uint32_t *buckets = growth_new(&layers->growth, n, sizeof(*buckets), reterr);

    if (buckets == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        buckets[i] = 0;
    free(layers->buckets);
    layers->buckets = buckets;
    layers->n_buckets = n;
    for (uint32_t layer = 0; layer < layers->n_labels; layer++)
        *bucket_of(layers, layers->labels[layer]) = layer + 1;
    return true;
}

static bool add_label(struct layers *layers, int64_t label, struct problem *reterr)
{
    int64_t *labels;

    if (label < OV_LABEL_MIN || label > OV_LABEL_MAX)
        return problem_set(reterr, PROBLEM_LABEL_OUT_OF_RANGE, layers->growth.pointer,
                           "A layer has the label %lld, which is outside "
                           "-2147483648..4294967295.",
                           (long long)label);
    if (layers->n_labels == OV_MAX_LABELS)
        return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, layers->growth.pointer,
                           "The mask has layers of more than %d labels.", OV_MAX_LABELS);
    labels = growth_room(&layers->growth, layers->labels, layers->n_labels, &layers->cap_labels,
                         sizeof(*labels), reterr);
    if (labels == NULL)
        return false;
    layers->labels = labels;
    labels[layers->n_labels++] = label;
    if (2 * layers->n_labels > layers->n_buckets)
        return grow_buckets(layers, reterr);
    *bucket_of(layers, label) = (uint32_t)layers->n_labels;
    return true;
}

static bool find_layer(struct layers *layers, int64_t label, struct problem *reterr)
{
    if ((layers->n_buckets == 0 || *bucket_of(layers, label) == 0) &&
        !add_label(layers, label, reterr))
        return false;
    layers->last = *bucket_of(layers, label) - 1;
    return true;
}

/* The label's layer becomes the last, made where it is new. Most often it is the last already. */
static inline bool turn_to(struct layers *layers, int64_t label, struct problem *reterr)
{
    return (layers->n_labels > 0 && layers->labels[layers->last] == label) ||
           find_layer(layers, label, reterr);
}

bool layers_declare(struct layers *layers, int64_t label, struct problem *reterr)
{
    return turn_to(layers, label, reterr);
}

/* ---- intervals ------------------------------------------------------------------------------- */

static bool add_span(struct layers *layers, struct span span, struct problem *reterr)
{
    if (layers->spans == NULL || layers->n_spans == layers->cap_spans) {
        struct span *spans = growth_room(&layers->growth, layers->spans, layers->n_spans,
                                         &layers->cap_spans, sizeof(*spans), reterr);

        if (spans == NULL)
            return false;
        layers->spans = spans;
    }
    layers->spans[layers->n_spans++] = span;
    return true;
}

bool layers_add(struct layers *layers, int64_t label, uint64_t start, uint64_t length,
                struct problem *reterr)
{
    struct span *last = layers->n_spans > 0 ? &layers->spans[layers->n_spans - 1] : NULL;

    if (start > layers->n_voxels || length > layers->n_voxels - start)
        return problem_set(reterr, PROBLEM_BAD_MASK, layers->growth.pointer,
                           "A run of %llu voxels from voxel %llu on leaves the mask's %llu voxels.",
                           (unsigned long long)length, (unsigned long long)start,
                           (unsigned long long)layers->n_voxels);
    if (!turn_to(layers, label, reterr))
        return false;
    if (length == 0)
        return true;
    if (last != NULL && last->layer == layers->last && last->end == start) {
        last->end = (uint32_t)(start + length);
        return true;
    }
    return add_span(
        layers, (struct span){(uint32_t)start, (uint32_t)(start + length), layers->last}, reterr);
}

/* ---- padding --------------------------------------------------------------------------------- */

static void shift_intervals(struct layers *layers, uint32_t before)
{
    for (size_t i = 0; i < layers->n_intervals; i++) {
        layers->intervals[i].start += before;
        layers->intervals[i].end += before;
    }
}

/* Room for a run at each end. */
static bool grow_runs(struct layers *layers, struct problem *reterr)
{
    for (size_t i = 0; i < 2; i++) {
        struct set_run *runs = growth_room(&layers->growth, layers->runs, layers->n_runs + i,
                                           &layers->cap_runs, sizeof(*runs), reterr);

        if (runs == NULL)
            return false;
        layers->runs = runs;
    }
    return true;
}

/* A run of nothing goes on; else one is put in. */
static void pad_runs(struct layers *layers, uint32_t before, uint32_t n_voxels)
{
    struct set_run *runs = layers->runs;

    for (size_t i = 0; i < layers->n_runs; i++)
        runs[i].end += before;
    if (before > 0 && runs[0].set != 0) {
        memmove(runs + 1, runs, layers->n_runs++ * sizeof(*runs));
        runs[0] = (struct set_run){before, 0};
    }
    if (runs[layers->n_runs - 1].set == 0)
        runs[layers->n_runs - 1].end = n_voxels;
    else if (runs[layers->n_runs - 1].end < n_voxels)
        runs[layers->n_runs++] = (struct set_run){n_voxels, 0};
}

bool layers_pad(struct layers *layers, uint64_t before, uint64_t after, struct problem *reterr)
{
    uint64_t n_voxels;

    if (__builtin_add_overflow(layers->n_voxels, before, &n_voxels) ||
        __builtin_add_overflow(n_voxels, after, &n_voxels) || n_voxels > LAYERS_MAX_VOXELS)
        return set_too_many(layers->growth.pointer, n_voxels, reterr);
    if (layers->intervals == NULL && !grow_runs(layers, reterr))
        return false;
    if (layers->intervals != NULL)
        shift_intervals(layers, (uint32_t)before);
    else
        pad_runs(layers, (uint32_t)before, (uint32_t)n_voxels);
    layers->n_voxels = n_voxels;
    return true;
}

/* ---- after layers_merge ---------------------------------------------------------------------- */

bool layers_overlap(const struct layers *layers)
{
    return layers->overlap;
}

bool layers_is_disjoint(const struct layers *layers)
{
    return layers->is_disjoint;
}

void layers_hand_out_labels(struct layers *layers)
{
    layers->hands_out_labels = true;
}

int64_t layers_largest(const struct layers *layers)
{
    if (!layers->hands_out_labels)
        return (int64_t)layers->sets.n_sets - 1;
    return layers->n_labels > 0 && layers->sorted[layers->n_labels - 1] > 0
               ? layers->sorted[layers->n_labels - 1]
               : 0;
}

static int64_t handed_out(const struct layers *layers, uint32_t set)
{
    size_t n;
    const int64_t *labels = label_sets_get(&layers->sets, set, &n);

    if (!layers->hands_out_labels)
        return set;
    return n > 0 ? labels[n - 1] : 0;
}

/* The run that begins at the position: an interval, or what lies before it. */
static struct set_run next_of_one(struct layers *layers)
{
    const struct ov_interval *interval = &layers->intervals[layers->i_next];

    if (layers->i_next == layers->n_intervals)
        return (struct set_run){(uint32_t)layers->n_voxels, 0};
    if (layers->position < interval->start)
        return (struct set_run){interval->start, 0};
    layers->i_next++;
    return (struct set_run){interval->end, layers->only};
}

void layers_next(struct layers *layers, struct ov_run *room, size_t cap, size_t *ret_n)
{
    size_t n = 0;

    for (; n < cap && layers->position < layers->n_voxels; n++) {
        struct set_run run =
            layers->intervals != NULL ? next_of_one(layers) : layers->runs[layers->i_next++];

        room[n] = (struct ov_run){handed_out(layers, run.set), run.end - layers->position};
        layers->position = run.end;
    }
    *ret_n = n;
}

size_t layers_n_runs(const struct layers *layers)
{
    return layers->intervals != NULL ? 2 * layers->n_intervals + 1 : layers->n_runs;
}

size_t layers_n_sets(const struct layers *layers)
{
    return layers->sets.n_sets;
}

const int64_t *layers_set(const struct layers *layers, size_t set, size_t *ret_n)
{
    return label_sets_get(&layers->sets, set, ret_n);
}

size_t layers_n_labels(const struct layers *layers)
{
    return layers->n_labels;
}

const int64_t *layers_labels(const struct layers *layers)
{
    return layers->sorted;
}

const struct ov_interval *layers_intervals(const struct layers *layers, size_t *ret_n)
{
    *ret_n = layers->n_intervals;
    return layers->intervals;
}
