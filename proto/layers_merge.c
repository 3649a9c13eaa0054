/* layers_merge.c - the intervals of all layers, swept from the first voxel to the last. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/layers_impl.h"

#include <stdlib.h>
#include <string.h>

static int compare_spans(const void *a, const void *b)
{
    const struct span *left = a;
    const struct span *right = b;

    return (left->start > right->start) - (left->start < right->start);
}

static int compare_labels(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

static void sort_spans(struct layers *layers)
{
    for (size_t i = 1; i < layers->n_spans; i++) {
        if (layers->spans[i].start < layers->spans[i - 1].start) {
            qsort(layers->spans, layers->n_spans, sizeof(*layers->spans), compare_spans);
            return;
        }
    }
}

static bool sort_labels(struct layers *layers, struct problem *reterr)
{
    layers->sorted = growth_new(&layers->growth, layers->n_labels, sizeof(*layers->sorted), reterr);
    if (layers->sorted == NULL)
        return false;
    if (layers->n_labels > 0) {
        memcpy(layers->sorted, layers->labels, layers->n_labels * sizeof(*layers->sorted));
        qsort(layers->sorted, layers->n_labels, sizeof(*layers->sorted), compare_labels);
    }
    return true;
}

/* Append a run, or lengthen the last one where the set is the same. */
static bool add_run(struct layers *layers, uint32_t end, uint32_t set, struct problem *reterr)
{
    struct set_run *runs;

    if (layers->n_runs > 0 && layers->runs[layers->n_runs - 1].set == set) {
        layers->runs[layers->n_runs - 1].end = end;
        return true;
    }
    runs = growth_room(&layers->growth, layers->runs, layers->n_runs, &layers->cap_runs,
                       sizeof(*runs), reterr);
    if (runs == NULL)
        return false;
    layers->runs = runs;
    runs[layers->n_runs++] = (struct set_run){end, set};
    return true;
}

/* ---- many layers ----------------------------------------------------------------------------- */

/* The sweep: the intervals that cover the position, the one that ends first on top. */
struct sweep {
    struct layers *layers;
    struct problem *reterr;
    struct span *heap;
    size_t n_heap;
    size_t cap_heap;
    uint32_t *n_covers; /* by layer: the intervals in the heap */
    size_t next;        /* span that begins next */
    uint32_t set;
};

static void swap(struct span *a, struct span *b)
{
    struct span other = *a;

    *a = *b;
    *b = other;
}

static bool heap_push(struct sweep *sweep, const struct span *span)
{
    struct span *heap = growth_room(&sweep->layers->growth, sweep->heap, sweep->n_heap,
                                    &sweep->cap_heap, sizeof(*heap), sweep->reterr);
    size_t i = sweep->n_heap;

    if (heap == NULL)
        return false;
    sweep->heap = heap;
    heap[sweep->n_heap++] = *span;
    for (; i > 0 && heap[i].end < heap[(i - 1) / 2].end; i = (i - 1) / 2)
        swap(&heap[i], &heap[(i - 1) / 2]);
    return true;
}

static struct span heap_pop(struct sweep *sweep)
{
    struct span *heap = sweep->heap;
    struct span top = heap[0];
    size_t n = --sweep->n_heap;
    size_t i = 0;

    heap[0] = heap[n];
    for (;;) {
        size_t least = i;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++) {
            if (heap[child].end < heap[least].end)
                least = child;
        }
        if (least == i)
            return top;
        swap(&heap[i], &heap[least]);
        i = least;
    }
}

static bool toggle(struct sweep *sweep, uint32_t layer)
{
    return label_sets_toggle(&sweep->layers->sets, sweep->set, layer, sweep->layers->labels[layer],
                             &sweep->set, sweep->reterr);
}

/* Ends come before beginnings, so that no set appears that no voxel has for long. */
static bool step_to(struct sweep *sweep, uint32_t position)
{
    const struct layers *layers = sweep->layers;

    while (sweep->n_heap > 0 && sweep->heap[0].end == position) {
        uint32_t layer = heap_pop(sweep).layer;

        if (--sweep->n_covers[layer] == 0 && !toggle(sweep, layer))
            return false;
    }
    for (; sweep->next < layers->n_spans && layers->spans[sweep->next].start == position;
         sweep->next++) {
        const struct span *span = &layers->spans[sweep->next];

        if (!heap_push(sweep, span) ||
            (sweep->n_covers[span->layer]++ == 0 && !toggle(sweep, span->layer)))
            return false;
    }
    return true;
}

/* The next position at which something begins or ends; the mask's end where nothing does. */
static uint32_t next_position(const struct sweep *sweep)
{
    const struct layers *layers = sweep->layers;
    uint32_t position = (uint32_t)layers->n_voxels;

    if (sweep->next < layers->n_spans)
        position = layers->spans[sweep->next].start;
    if (sweep->n_heap > 0 && sweep->heap[0].end < position)
        position = sweep->heap[0].end;
    return position;
}

static bool sweep_all(struct sweep *sweep)
{
    struct layers *layers = sweep->layers;
    uint32_t position = 0;

    while (position < layers->n_voxels) {
        uint32_t next;
        size_t n;

        if (!step_to(sweep, position))
            return false;
        next = next_position(sweep);
        if (!add_run(layers, next, sweep->set, sweep->reterr))
            return false;
        label_sets_get(&layers->sets, sweep->set, &n);
        layers->overlap = layers->overlap || n > 1;
        position = next;
    }
    return true;
}

static bool has_label_zero(const struct layers *layers)
{
    int64_t zero = 0;

    return layers->n_labels > 0 && bsearch(&zero, layers->sorted, layers->n_labels,
                                           sizeof(*layers->sorted), compare_labels) != NULL;
}

static bool merge_many(struct layers *layers, struct problem *reterr)
{
    struct sweep sweep = {.layers = layers, .reterr = reterr};
    bool ok;

    sweep.n_covers = growth_new(&layers->growth, layers->n_labels, sizeof(*sweep.n_covers), reterr);
    if (sweep.n_covers == NULL)
        return false;
    memset(sweep.n_covers, 0, layers->n_labels * sizeof(*sweep.n_covers));
    ok = sweep_all(&sweep);
    layers->is_disjoint = !layers->overlap && !has_label_zero(layers);
    free(sweep.heap);
    free(sweep.n_covers);
    return ok;
}

/* ---- one layer ------------------------------------------------------------------------------- */

/* Join what touches or overlaps. */
static bool merge_one(struct layers *layers, struct problem *reterr)
{
    struct ov_interval *intervals =
        growth_new(&layers->growth, layers->n_spans, sizeof(*intervals), reterr);
    size_t n = 0;

    if (intervals == NULL)
        return false;
    for (size_t i = 0; i < layers->n_spans; i++) {
        struct span span = layers->spans[i];

        if (n > 0 && span.start <= intervals[n - 1].end) {
            if (span.end > intervals[n - 1].end)
                intervals[n - 1].end = span.end;
        } else {
            intervals[n++] = (struct ov_interval){span.start, span.end};
        }
    }
    layers->intervals = intervals;
    layers->n_intervals = n;
    layers->is_disjoint = layers->labels[0] != 0;
    return label_sets_toggle(&layers->sets, 0, 0, layers->labels[0], &layers->only, reterr);
}

bool layers_merge(struct layers *layers, struct problem *reterr)
{
    bool ok;

    sort_spans(layers);
    ok = sort_labels(layers, reterr) &&
         (layers->n_labels == 1 ? merge_one(layers, reterr) : merge_many(layers, reterr));
    free(layers->spans);
    layers->spans = NULL;
    return ok;
}
