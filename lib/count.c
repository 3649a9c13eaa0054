/* count.c - two label maps -> counts per label, exact integers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tiles.h"

/* The ignored labels, ascending and each once, so that equal sets compare equal. */
static enum ov_status copy_ignore(struct ov_counter *counter)
{
    struct ov_counter_options *options = &counter->options;
    if (options->n_ignore == 0)
        return OV_OK;
    int64_t *ignore = calloc(options->n_ignore, sizeof *ignore);
    if (ignore == NULL)
        return OV_ENOMEM;
    memcpy(ignore, options->ignore, options->n_ignore * sizeof *ignore);
    qsort(ignore, options->n_ignore, sizeof *ignore, ov__label_compare);
    size_t n = 1;
    for (size_t i = 1; i < options->n_ignore; i++) {
        if (ignore[i] != ignore[n - 1])
            ignore[n++] = ignore[i];
    }
    counter->ignore = ignore;
    options->ignore = ignore;
    options->n_ignore = n;
    return OV_OK;
}

static enum ov_status init(struct ov_counter *counter)
{
    struct ov_counter_options *options = &counter->options;
    enum ov_status status = copy_ignore(counter);
    if (status == OV_OK)
        status = ov__labels_init(&counter->labels, options->max_labels, options->hash_seed);
    if (status == OV_OK && options->pairs)
        status = ov__pairs_init(&counter->pairs, options->hash_seed);
    ov__stream_init(&counter->prediction, &counter->labels, NULL, 0);
    ov__stream_init(&counter->reference, &counter->labels, counter->ignore, options->n_ignore);
    return status;
}

static bool is_sound(const struct ov_counter_options *options)
{
    return (options->n_ignore == 0 || options->ignore != NULL) &&
           options->max_labels <= OV_MAX_LABELS &&
           !(options->has_threshold && isnan(options->threshold));
}

enum ov_status ov_counter_new(const struct ov_counter_options *options,
                              struct ov_counter **ret_counter)
{
    if (options != NULL && !is_sound(options))
        return OV_EINVAL;
    struct ov_counter *counter = malloc(sizeof *counter);
    if (counter == NULL)
        return OV_ENOMEM;
    /* Not the streams, which follow: their windows are large and filled before they are read. */
    memset(counter, 0, offsetof(struct ov_counter, prediction));
    if (options != NULL)
        counter->options = *options;
    if (counter->options.max_labels == 0)
        counter->options.max_labels = OV_MAX_LABELS;
    enum ov_status status = init(counter);
    if (status != OV_OK) {
        ov_counter_free(counter);
        return status;
    }
    *ret_counter = counter;
    return OV_OK;
}

void ov_counter_free(struct ov_counter *counter)
{
    if (counter == NULL)
        return;
    free(counter->ignore);
    free(counter->scratch);
    ov__voxels_done(&counter->voxels);
    ov__labels_done(&counter->labels);
    ov__pairs_done(&counter->pairs);
    free(counter);
}

/* Two cursors over the windows of the two streams, and the voxel that both have reached. */
struct join {
    struct ov__stream *prediction;
    struct ov__stream *reference;
    size_t i_prediction;
    size_t i_reference;
    uint64_t position;
};

static inline bool has_window(const struct join *join)
{
    return join->i_prediction < join->prediction->n_window &&
           join->i_reference < join->reference->n_window;
}

/*
 * Take the next joint run. Nothing here branches on the data: which stream ends first is as good
 * as random at the border of a structure.
 */
static inline uint64_t next_run(struct join *join, uint32_t *ret_prediction,
                                uint32_t *ret_reference)
{
    uint64_t end_prediction = join->prediction->end[join->i_prediction];
    uint64_t end_reference = join->reference->end[join->i_reference];
    uint64_t end = end_prediction < end_reference ? end_prediction : end_reference;
    *ret_prediction = join->prediction->slot[join->i_prediction];
    *ret_reference = join->reference->slot[join->i_reference];
    join->i_prediction += end_prediction == end;
    join->i_reference += end_reference == end;
    uint64_t length = end - join->position;
    join->position = end;
    return length;
}

/* The cursors are copied so that the compiler sees that counting does not change them. */
static inline __attribute__((always_inline)) enum ov_status join_windows(struct ov_counter *counter,
                                                                         struct join *join,
                                                                         bool in_pairs)
{
    struct join local = *join;
    enum ov_status status = OV_OK;
    while (status == OV_OK && has_window(&local)) {
        uint32_t prediction, reference;
        uint64_t length = next_run(&local, &prediction, &reference);
        ov__labels_count(counter->labels.slots, prediction, reference, length);
        if (in_pairs && reference != OV__SLOT_NONE)
            status = ov__pairs_add(&counter->pairs, prediction, reference, length);
    }
    *join = local;
    return status;
}

static enum ov_status refill_consumed(struct ov__stream *stream, size_t *i)
{
    if (*i < stream->n_window)
        return OV_OK;
    *i = 0;
    return ov__stream_refill(stream);
}

enum ov_status ov__counter_add_sound(struct ov_counter *counter, const struct ov_piece *prediction,
                                     const struct ov_piece *reference)
{
    if (prediction->n_voxels > INT64_MAX - counter->n_voxels)
        return OV_ESIZE;
    struct join join = {.prediction = &counter->prediction, .reference = &counter->reference};
    ov__stream_open(join.prediction, prediction, &counter->options);
    ov__stream_open(join.reference, reference, &counter->options);
    counter->n_voxels += prediction->n_voxels;
    if (ov__tiles_are_alike(counter))
        return ov__tiles_add(counter);
    enum ov_status status = OV_OK;
    while (status == OV_OK && join.position < prediction->n_voxels) {
        status = refill_consumed(join.prediction, &join.i_prediction);
        if (status == OV_OK)
            status = refill_consumed(join.reference, &join.i_reference);
        if (status == OV_OK)
            status = counter->options.pairs ? join_windows(counter, &join, true)
                                            : join_windows(counter, &join, false);
    }
    return status;
}

static bool runs_sum_to(const struct ov_piece *piece)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < piece->n_runs; i++) {
        if (__builtin_add_overflow(sum, piece->runs[i].length, &sum))
            return false;
    }
    return sum == piece->n_voxels;
}

static enum ov_status check_piece(const struct ov_piece *piece)
{
    if (piece->tile != NULL && piece->runs != NULL)
        return OV_EINVAL;
    if (piece->tile != NULL)
        return ov_dtype_bytes(piece->encoding.dtype) == 0 ? OV_EDTYPE : OV_OK;
    if (piece->runs != NULL)
        return runs_sum_to(piece) ? OV_OK : OV_EINVAL;
    return piece->n_voxels == 0 ? OV_OK : OV_EINVAL;
}

enum ov_status ov__pieces_check(const struct ov_piece *prediction, const struct ov_piece *reference)
{
    enum ov_status status = check_piece(prediction);
    if (status == OV_OK)
        status = check_piece(reference);
    if (status != OV_OK)
        return status;
    return prediction->n_voxels == reference->n_voxels ? OV_OK : OV_ESHAPE;
}

enum ov_status ov_counter_add(struct ov_counter *counter, const struct ov_piece *prediction,
                              const struct ov_piece *reference)
{
    enum ov_status status = ov__pieces_check(prediction, reference);
    return status == OV_OK ? ov__counter_add_sound(counter, prediction, reference) : status;
}

static enum ov_status count(struct ov_counter *counter, const struct ov_mask *prediction,
                            const struct ov_mask *reference, const int64_t *labels, size_t n_labels,
                            struct ov_counts *ret_counts)
{
    enum ov_status status = ov_counter_add_masks(counter, prediction, reference, 0, 1);
    if (status != OV_OK)
        return status;
    for (size_t i = 0; i < n_labels; i++)
        ret_counts[i] = ov_counter_label(counter, labels[i]);
    return OV_OK;
}

enum ov_status ov_count(const struct ov_mask *prediction, const struct ov_mask *reference,
                        const int64_t *labels, size_t n_labels, struct ov_counts *ret_counts)
{
    struct ov_counter *counter = NULL;
    enum ov_status status = ov__labels_distinct(labels, n_labels);
    if (status == OV_OK)
        status = ov_counter_new(NULL, &counter);
    if (status == OV_OK)
        status = count(counter, prediction, reference, labels, n_labels, ret_counts);
    ov_counter_free(counter);
    return status;
}
