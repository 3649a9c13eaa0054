/* overlay.c - where two masks differ: slice by slice in numbers, the worst slice as a picture. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/overlap_overlay.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/counter.h"

/* Pairs of labels whose classes are remembered: masks change between few of them. */
enum { N_KNOWN = 1024 };

enum { MAX_WIDTH = 8 };

struct known {
    uint64_t pair; /* 0 for none */
    struct ov_overlay_classes classes;
    uint8_t code;
};

struct ov_overlay {
    struct ov_overlay_options options;
    int64_t *ignore; /* options.labels.ignore: our copy, ascending */
    struct ov_overlay_size size;
    struct ov__labels labels;
    uint64_t n_added;                /* voxels */
    struct ov_overlay_slice *slices; /* [n_slices] */
    uint64_t worst;
    uint8_t *painting; /* the slice that voxels are being added to */
    uint8_t *picture;  /* the worst of those that are whole */
    unsigned char *scratch;
    struct known known[N_KNOWN];
    struct ov__stream prediction; /* these follow: filled before they are read */
    struct ov__stream reference;
};

static uint64_t in_steps(uint64_t n, uint64_t step)
{
    return (n - 1) / step + 1;
}

static bool fits(const struct ov_overlay_options *options, uint64_t scale)
{
    uint64_t n;
    return !__builtin_mul_overflow(in_steps(options->n_fast, scale),
                                   in_steps(options->n_slow, scale), &n) &&
           n <= options->max_pixels;
}

/* The least scale that fits, by halves: a larger one makes no more pixels. */
static uint64_t choose_scale(const struct ov_overlay_options *options)
{
    uint64_t low = 1;
    uint64_t high = options->n_fast > options->n_slow ? options->n_fast : options->n_slow;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (fits(options, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

enum ov_status ov_overlay_measure(const struct ov_overlay_options *options,
                                  struct ov_overlay_size *ret_size)
{
    uint64_t n_voxels;
    if (options->n_fast == 0 || options->n_slow == 0 || options->n_slices == 0 ||
        options->max_pixels == 0)
        return OV_EINVAL;
    if (__builtin_mul_overflow(options->n_fast, options->n_slow, &n_voxels) ||
        __builtin_mul_overflow(n_voxels, options->n_slices, &n_voxels) || n_voxels > INT64_MAX)
        return OV_ESIZE;
    uint64_t scale = choose_scale(options);
    uint64_t along = in_steps(options->n_fast, scale);
    uint64_t across = in_steps(options->n_slow, scale);
    *ret_size = (struct ov_overlay_size){.width = options->transposed ? across : along,
                                         .height = options->transposed ? along : across,
                                         .scale = scale};
    if (__builtin_mul_overflow(options->n_slices, sizeof(struct ov_overlay_slice),
                               &ret_size->n_bytes) ||
        __builtin_add_overflow(ret_size->n_bytes, 2 * along * across, &ret_size->n_bytes))
        return OV_ESIZE;
    return OV_OK;
}

/* The streams look ignored labels up by halves. */
static bool copy_ignore(struct ov_overlay *overlay)
{
    const struct ov_counter_options *labels = &overlay->options.labels;
    if (labels->n_ignore == 0)
        return true;
    overlay->ignore = calloc(labels->n_ignore, sizeof *overlay->ignore);
    if (overlay->ignore == NULL)
        return false;
    memcpy(overlay->ignore, labels->ignore, labels->n_ignore * sizeof *overlay->ignore);
    qsort(overlay->ignore, labels->n_ignore, sizeof *overlay->ignore, ov__label_compare);
    return true;
}

static bool allocate(struct ov_overlay *overlay)
{
    const struct ov_overlay_options *options = &overlay->options;
    size_t n_pixels = (size_t)(overlay->size.width * overlay->size.height);
    overlay->slices = calloc((size_t)options->n_slices, sizeof *overlay->slices);
    overlay->painting = calloc(n_pixels, 1);
    overlay->picture = calloc(n_pixels, 1);
    return overlay->slices != NULL && overlay->painting != NULL && overlay->picture != NULL &&
           copy_ignore(overlay) &&
           ov__labels_init(&overlay->labels, OV_MAX_LABELS, options->labels.hash_seed) == OV_OK;
}

enum ov_status ov_overlay_new(const struct ov_overlay_options *options,
                              struct ov_overlay **ret_overlay)
{
    struct ov_overlay_size size;
    enum ov_status status = ov_overlay_measure(options, &size);
    if (status != OV_OK)
        return status;
    if ((options->labels.n_ignore > 0 && options->labels.ignore == NULL) ||
        (options->labels.has_threshold && isnan(options->labels.threshold)))
        return OV_EINVAL;
    struct ov_overlay *overlay = malloc(sizeof *overlay);
    if (overlay == NULL)
        return OV_ENOMEM;
    memset(overlay, 0, offsetof(struct ov_overlay, prediction));
    overlay->options = *options;
    overlay->size = size;
    if (!allocate(overlay)) {
        ov_overlay_free(overlay);
        return OV_ENOMEM;
    }
    ov__stream_init(&overlay->prediction, &overlay->labels, NULL, 0);
    ov__stream_init(&overlay->reference, &overlay->labels, overlay->ignore,
                    options->labels.n_ignore);
    *ret_overlay = overlay;
    return OV_OK;
}

void ov_overlay_free(struct ov_overlay *overlay)
{
    if (overlay == NULL)
        return;
    ov__labels_done(&overlay->labels);
    free(overlay->ignore);
    free(overlay->slices);
    free(overlay->painting);
    free(overlay->picture);
    free(overlay->scratch);
    free(overlay);
}

/* ---- voxels ---------------------------------------------------------------------------------- */

static uint8_t code_of(const struct ov_overlay_classes *classes)
{
    if (classes->prediction == 0 && classes->reference == 0)
        return OV_OVERLAY_NONE;
    if (classes->prediction == classes->both && classes->reference == classes->both)
        return OV_OVERLAY_TP;
    if (classes->reference == 0)
        return OV_OVERLAY_FP;
    return classes->prediction == 0 ? OV_OVERLAY_FN : OV_OVERLAY_WRONG;
}

static const struct known *look_up(struct ov_overlay *overlay, uint32_t prediction,
                                   uint32_t reference)
{
    uint64_t pair = (uint64_t)prediction << 32 | reference;
    struct known *known = &overlay->known[(pair * 0x9e3779b97f4a7c15u) >> 54];
    const struct ov__label *slots = overlay->labels.slots;
    if (known->pair == pair)
        return known;
    *known = (struct known){.pair = pair, .code = OV_OVERLAY_IGNORED};
    if (reference != OV__SLOT_NONE) {
        known->classes = overlay->options.classes(overlay->options.user, slots[prediction].value,
                                                  slots[reference].value);
        known->code = code_of(&known->classes);
    }
    return known;
}

/* Voxels from..to of one row of a slice. */
static void paint_row(struct ov_overlay *overlay, uint64_t row, uint64_t from, uint64_t to,
                      uint8_t code)
{
    uint64_t scale = overlay->size.scale;
    uint64_t width = overlay->size.width;
    uint64_t first = from / scale;
    uint64_t last = (to - 1) / scale;
    uint64_t step = overlay->options.transposed ? width : 1;
    uint8_t *at =
        overlay->painting + first * step + row / scale * (overlay->options.transposed ? 1 : width);
    for (uint64_t i = first; i <= last; i++, at += step)
        *at = code > *at ? code : *at;
}

static void paint(struct ov_overlay *overlay, uint64_t from, uint64_t to, uint8_t code)
{
    uint64_t n_row = overlay->options.n_fast;
    while (from < to) {
        uint64_t row = from / n_row;
        uint64_t end = (row + 1) * n_row < to ? (row + 1) * n_row : to;
        paint_row(overlay, row, from - row * n_row, end - row * n_row, code);
        from = end;
    }
}

static bool is_worse(const struct ov_overlay_slice *a, const struct ov_overlay_slice *b)
{
    uint64_t false_a = a->fp + a->fn;
    uint64_t false_b = b->fp + b->fn;
    return false_a > false_b || (false_a == false_b && a->tp > b->tp);
}

static void end_slice(struct ov_overlay *overlay, uint64_t slice)
{
    if (slice == 0 || is_worse(&overlay->slices[slice], &overlay->slices[overlay->worst])) {
        uint8_t *painted = overlay->painting;
        overlay->painting = overlay->picture;
        overlay->picture = painted;
        overlay->worst = slice;
    }
    memset(overlay->painting, 0, (size_t)(overlay->size.width * overlay->size.height));
}

/* Voxels of one pair of labels, which may go over the end of slices. */
static void add_run(struct ov_overlay *overlay, const struct known *known, uint64_t length)
{
    uint64_t n_slice = overlay->options.n_fast * overlay->options.n_slow;
    while (length > 0) {
        uint64_t index = overlay->n_added / n_slice;
        uint64_t from = overlay->n_added % n_slice;
        uint64_t n = length < n_slice - from ? length : n_slice - from;
        struct ov_overlay_slice *slice = &overlay->slices[index];
        slice->tp += n * known->classes.both;
        slice->fp += n * (known->classes.prediction - known->classes.both);
        slice->fn += n * (known->classes.reference - known->classes.both);
        if (known->code != OV_OVERLAY_NONE)
            paint(overlay, from, from + n, known->code);
        overlay->n_added += n;
        length -= n;
        if (from + n == n_slice)
            end_slice(overlay, index);
    }
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static enum ov_status refill_consumed(struct ov__stream *stream, size_t *i)
{
    if (*i < stream->n_window)
        return OV_OK;
    *i = 0;
    return ov__stream_refill(stream);
}

static uint64_t all_voxels(const struct ov_overlay *overlay)
{
    return overlay->options.n_fast * overlay->options.n_slow * overlay->options.n_slices;
}

static enum ov_status add_sound(struct ov_overlay *overlay, const struct ov_piece *prediction,
                                const struct ov_piece *reference)
{
    struct ov__stream *p = &overlay->prediction;
    struct ov__stream *r = &overlay->reference;
    size_t i_p = 0, i_r = 0;
    enum ov_status status = OV_OK;
    ov__stream_open(p, prediction, &overlay->options.labels);
    ov__stream_open(r, reference, &overlay->options.labels);
    for (uint64_t at = 0; at < prediction->n_voxels;) {
        uint64_t end;
        status = refill_consumed(p, &i_p);
        if (status == OV_OK)
            status = refill_consumed(r, &i_r);
        if (status != OV_OK)
            return status;
        end = p->end[i_p] < r->end[i_r] ? p->end[i_p] : r->end[i_r];
        add_run(overlay, look_up(overlay, p->slot[i_p], r->slot[i_r]), end - at);
        i_p += p->end[i_p] == end;
        i_r += r->end[i_r] == end;
        at = end;
    }
    return OV_OK;
}

enum ov_status ov_overlay_add(struct ov_overlay *overlay, const struct ov_piece *prediction,
                              const struct ov_piece *reference)
{
    enum ov_status status = ov__pieces_check(prediction, reference);
    if (status == OV_OK && prediction->n_voxels > all_voxels(overlay) - overlay->n_added)
        status = OV_ESIZE;
    return status == OV_OK ? add_sound(overlay, prediction, reference) : status;
}

/* ---- whole masks ----------------------------------------------------------------------------- */

/* Elements first .. first + n - 1, numbered along the axes, without gaps. */
static void gather(const struct ov_mask *mask, const int *axes, uint64_t first, size_t n,
                   unsigned char *to)
{
    size_t width = ov_dtype_bytes(mask->encoding.dtype);
    uint64_t n_row = mask->shape[axes[0]];
    int64_t stride = mask->strides_bytes[axes[0]];
    while (n > 0) {
        uint64_t index = first / n_row;
        uint64_t at = first % n_row;
        size_t n_here = n < n_row - at ? n : (size_t)(n_row - at);
        const unsigned char *from = (const unsigned char *)mask->data + (int64_t)at * stride;
        for (int i = 1; i < mask->ndim; i++) {
            from += (int64_t)(index % mask->shape[axes[i]]) * mask->strides_bytes[axes[i]];
            index /= mask->shape[axes[i]];
        }
        for (size_t k = 0; k < n_here; k++, from += stride, to += width)
            memcpy(to, from, width);
        first += n_here;
        n -= n_here;
    }
}

static enum ov_status check_masks(const struct ov_overlay *overlay,
                                  const struct ov_mask *const masks[2], const int *axes)
{
    bool taken[OV_MAX_NDIM] = {false};
    for (int i = 0; i < 2; i++) {
        uint64_t n;
        enum ov_status status =
            ov_shape_size(masks[i]->ndim, masks[i]->shape, masks[i]->encoding.dtype, &n, NULL);
        if (status != OV_OK)
            return status;
        if (masks[i]->data == NULL)
            return OV_EINVAL;
        if (masks[i]->ndim != masks[0]->ndim || n != all_voxels(overlay) ||
            memcmp(masks[i]->shape, masks[0]->shape,
                   (size_t)masks[0]->ndim * sizeof masks[0]->shape[0]) != 0)
            return OV_ESHAPE;
    }
    for (int i = 0; i < masks[0]->ndim; i++) {
        if (axes[i] < 0 || axes[i] >= masks[0]->ndim || taken[axes[i]])
            return OV_EINVAL;
        taken[axes[i]] = true;
    }
    return OV_OK;
}

/* The next n voxels, gathered into two tiles. */
static enum ov_status add_gathered(struct ov_overlay *overlay, const struct ov_mask *const masks[2],
                                   const int *axes, size_t n)
{
    struct ov_piece pieces[2];
    for (size_t i = 0; i < 2; i++) {
        unsigned char *tile = overlay->scratch + i * OV__CHUNK * MAX_WIDTH;
        gather(masks[i], axes, overlay->n_added, n, tile);
        pieces[i] = (struct ov_piece){.n_voxels = n, .tile = tile, .encoding = masks[i]->encoding};
    }
    return add_sound(overlay, &pieces[0], &pieces[1]);
}

enum ov_status ov_overlay_add_masks(struct ov_overlay *overlay, const struct ov_mask *prediction,
                                    const struct ov_mask *reference, const int *axes)
{
    const struct ov_mask *const masks[] = {prediction, reference};
    enum ov_status status = check_masks(overlay, masks, axes);
    if (status != OV_OK)
        return status;
    if (overlay->n_added > 0)
        return OV_ESIZE;
    overlay->scratch = malloc((size_t)2 * OV__CHUNK * MAX_WIDTH);
    if (overlay->scratch == NULL)
        return OV_ENOMEM;
    while (status == OV_OK && overlay->n_added < all_voxels(overlay)) {
        uint64_t left = all_voxels(overlay) - overlay->n_added;
        status = add_gathered(overlay, masks, axes, left < OV__CHUNK ? (size_t)left : OV__CHUNK);
    }
    return status;
}

/* ---- results --------------------------------------------------------------------------------- */

const struct ov_overlay_slice *ov_overlay_slices(const struct ov_overlay *overlay)
{
    return overlay->slices;
}

uint64_t ov_overlay_worst(const struct ov_overlay *overlay)
{
    return overlay->worst;
}

const uint8_t *ov_overlay_pixels(const struct ov_overlay *overlay)
{
    return overlay->picture;
}
