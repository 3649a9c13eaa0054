/* view.c - a mask's elements where they lie in shared memory, with any strides. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/view.h"

#include <stdlib.h>
#include <string.h>

/* From here on a row is read where it belongs; shorter ones share a window. */
#define ROW_BYTES ((size_t)4 << 10)

/* ---- where the elements lie ------------------------------------------------------------------ */

static bool outside(const struct view *view, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_SHM_TOO_SMALL, view->pointer,
                       "The mask's offset, shape and strides lead outside its %llu bytes of shared "
                       "memory.",
                       (unsigned long long)view->segment->n_bytes);
}

/* Without gaps, in the order that the source says. header->n_bytes is measured: nothing overflows.
 */
static void set_dense_strides(struct view *view, enum ov_order order)
{
    struct ov_mask *mask = &view->mask;
    int64_t stride = (int64_t)view->width;

    for (int i = 0; i < mask->ndim; i++) {
        int axis = order == OV_ORDER_F ? i : mask->ndim - 1 - i;

        mask->strides_bytes[axis] = stride;
        stride *= (int64_t)mask->shape[axis];
    }
}

static bool set_given_strides(struct view *view, const struct source *source,
                              struct problem *reterr)
{
    if (source->n_strides != view->mask.ndim)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, view->pointer,
                           "There are %d strides for the shape's %d axes.", source->n_strides,
                           view->mask.ndim);
    for (int axis = 0; axis < view->mask.ndim; axis++) {
        int64_t stride = source->strides_bytes[axis];

        if (view->mask.shape[axis] == 1) /* nobody steps along it */
            stride = (int64_t)view->width;
        if (stride % (int64_t)view->width != 0)
            return problem_set(reterr, PROBLEM_BAD_PARAMETER, view->pointer,
                               "Stride %lld is not a multiple of an element's %zu bytes; strides "
                               "are in bytes, as NumPy's.",
                               (long long)stride, view->width);
        view->mask.strides_bytes[axis] = stride;
    }
    return true;
}

/* From the lowest byte of any element to behind the highest, all of it inside the segment. */
static bool check_bounds(struct view *view, struct problem *reterr)
{
    const struct ov_mask *mask = &view->mask;
    uint64_t low = view->start;
    uint64_t high = low;

    for (int axis = 0; axis < mask->ndim; axis++) {
        int64_t stride = mask->strides_bytes[axis];
        uint64_t step = stride < 0 ? -(uint64_t)stride : (uint64_t)stride;
        uint64_t way;

        if (__builtin_mul_overflow(mask->shape[axis] - 1, step, &way) ||
            (stride < 0 ? __builtin_sub_overflow(low, way, &low)
                        : __builtin_add_overflow(high, way, &high)))
            return outside(view, reterr);
    }
    if (__builtin_add_overflow(high, view->width, &high) || high > view->segment->n_bytes)
        return outside(view, reterr);
    view->low = low;
    view->end = high;
    return true;
}

/* The end of the shape that has the smaller steps is the fast one. */
static enum ov_order order_of(const struct ov_mask *mask)
{
    int first = 0;
    int last = mask->ndim - 1;

    while (first < last && mask->shape[first] == 1)
        first++;
    while (last > first && mask->shape[last] == 1)
        last--;
    return llabs(mask->strides_bytes[first]) < llabs(mask->strides_bytes[last]) ? OV_ORDER_F
                                                                                : OV_ORDER_C;
}

/* Axes of one element go, and two that are one become one. */
static void set_axes(struct view *view, enum ov_order order)
{
    const struct ov_mask *mask = &view->mask;

    view->n_axes = 0;
    for (int i = 0; i < mask->ndim; i++) {
        int axis = order == OV_ORDER_F ? i : mask->ndim - 1 - i;
        struct view_axis *last = &view->axes[view->n_axes - (view->n_axes > 0)];
        int64_t joined;

        if (mask->shape[axis] == 1)
            continue;
        if (view->n_axes > 0 &&
            !__builtin_mul_overflow(last->stride_bytes, (int64_t)last->n, &joined) &&
            joined == mask->strides_bytes[axis])
            last->n *= mask->shape[axis];
        else
            view->axes[view->n_axes++] =
                (struct view_axis){mask->shape[axis], mask->strides_bytes[axis]};
    }
    if (view->n_axes == 0)
        view->axes[view->n_axes++] = (struct view_axis){1, (int64_t)view->width};
}

bool view_init(struct view *view, const struct source *source, struct mask_header *header,
               struct problem *reterr)
{
    struct ov_mask *mask = &view->mask;

    *view = (struct view){.segment = source->segment,
                          .pointer = source->pointer,
                          .width = ov_dtype_bytes(header->encoding.dtype),
                          .start = source->offset};
    mask->encoding = header->encoding;
    mask->ndim = header->ndim;
    memcpy(mask->shape, header->shape, sizeof(mask->shape));
    if (source->n_strides == 0)
        set_dense_strides(view, source->order);
    else if (!set_given_strides(view, source, reterr))
        return false;
    if (!check_bounds(view, reterr))
        return false;
    header->order = source->n_strides == 0 ? source->order : order_of(mask);
    set_axes(view, header->order);
    if (view->segment->mapped != NULL)
        mask->data = view->segment->mapped + view->start;
    return true;
}

static bool has_rows(const struct view *view)
{
    return view->axes[0].stride_bytes == (int64_t)view->width;
}

bool view_is_in_place(const struct view *view)
{
    return view->mask.data != NULL && view->n_axes == 1 && has_rows(view);
}

/* ---- elements -------------------------------------------------------------------------------- */

void view_window_done(struct view_window *window)
{
    free(window->bytes);
    *window = (struct view_window){.bytes = NULL};
}

static bool truncated(const struct view *view, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_SHM_TRUNCATED, view->pointer,
                       "The shared memory became shorter than the mask while it was read.");
}

static bool copy(const struct view *view, uint64_t offset, void *bytes, size_t n,
                 struct problem *reterr)
{
    if (view->segment->mapped == NULL)
        return view->segment->read(view->segment, offset, bytes, n) || truncated(view, reterr);
    memcpy(bytes, view->segment->mapped + offset, n);
    return true;
}

static bool make_window(const struct view *view, struct view_window *window, struct problem *reterr)
{
    if (window->bytes == NULL)
        window->bytes = malloc(VIEW_WINDOW_BYTES);
    return window->bytes != NULL || problem_set(reterr, PROBLEM_OUT_OF_MEMORY, view->pointer,
                                                "No memory to read shared memory.");
}

/* Rows that follow each other closely are read together. */
static size_t window_bytes(const struct view *view, uint64_t low, size_t span)
{
    bool is_close = view->n_axes > 1 && view->axes[1].stride_bytes > 0 &&
                    (uint64_t)view->axes[1].stride_bytes <= 4 * (uint64_t)span;
    uint64_t left = view->end - low;

    if (!is_close)
        return span;
    return left < VIEW_WINDOW_BYTES ? (size_t)left : VIEW_WINDOW_BYTES;
}

/* The span of the segment from `low`, copied; NULL with reterr set. */
static const uint8_t *span_at(const struct view *view, struct view_window *window, uint64_t low,
                              size_t span, struct problem *reterr)
{
    if (view->segment->mapped != NULL)
        return view->segment->mapped + low;
    if (!make_window(view, window, reterr))
        return NULL;
    if (low < window->from || low + span > window->from + window->n) {
        window->from = low;
        window->n = window_bytes(view, low, span);
        if (!copy(view, low, window->bytes, window->n, reterr)) {
            window->n = 0;
            return NULL;
        }
    }
    return window->bytes + (low - window->from);
}

static inline __attribute__((always_inline)) void pick(uint8_t *to, const uint8_t *from,
                                                       int64_t stride_bytes, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * width, from + (int64_t)i * stride_bytes, width);
}

static void pick_elements(uint8_t *to, const uint8_t *from, int64_t stride_bytes, size_t n,
                          size_t width)
{
    switch (width) {
    case 1:
        pick(to, from, stride_bytes, n, 1);
        break;
    case 2:
        pick(to, from, stride_bytes, n, 2);
        break;
    case 4:
        pick(to, from, stride_bytes, n, 4);
        break;
    default:
        pick(to, from, stride_bytes, n, 8);
        break;
    }
}

/* How many of n elements of a row, of which the first lies at `at`, one window holds. */
static size_t fitting(const struct view *view, size_t n)
{
    int64_t stride = view->axes[0].stride_bytes;
    uint64_t step = stride < 0 ? -(uint64_t)stride : (uint64_t)stride;
    uint64_t most = step == 0 ? n : (VIEW_WINDOW_BYTES - view->width) / step + 1;

    return most < n ? (size_t)most : n;
}

/* Up to n elements of one row, picked; returns how many, 0 with reterr set. */
static size_t pick_row(const struct view *view, struct view_window *window, uint64_t at, size_t n,
                       uint8_t *room, struct problem *reterr)
{
    int64_t stride = view->axes[0].stride_bytes;
    size_t n_picked = fitting(view, n);
    uint64_t way = (uint64_t)(n_picked - 1) * (stride < 0 ? -(uint64_t)stride : (uint64_t)stride);
    uint64_t low = stride < 0 ? at - way : at;
    const uint8_t *span = span_at(view, window, low, (size_t)way + view->width, reterr);

    if (span == NULL)
        return 0;
    pick_elements(room, span + (at - low), stride, n_picked, view->width);
    return n_picked;
}

/* The byte at which element `index` begins, and how many of its row are left from it on. */
static uint64_t locate(const struct view *view, uint64_t index, uint64_t *ret_left_in_row)
{
    uint64_t at = view->start;

    *ret_left_in_row = view->axes[0].n - index % view->axes[0].n;
    for (int i = 0; i < view->n_axes; i++) {
        at += (uint64_t)((int64_t)(index % view->axes[i].n) * view->axes[i].stride_bytes);
        index /= view->axes[i].n;
    }
    return at;
}

/* Some of n elements from `first` on; returns how many, 0 with reterr set. */
static size_t read_some(const struct view *view, struct view_window *window, uint64_t first,
                        size_t n, uint8_t *room, struct problem *reterr)
{
    uint64_t left_in_row;
    uint64_t at = locate(view, first, &left_in_row);
    size_t n_row = left_in_row < n ? (size_t)left_in_row : n;

    if (!has_rows(view) || (n_row * view->width < ROW_BYTES && view->n_axes > 1))
        return pick_row(view, window, at, n_row, room, reterr);
    return copy(view, at, room, n_row * view->width, reterr) ? n_row : 0;
}

const void *view_tile(const struct view *view, struct view_window *window, uint64_t first, size_t n,
                      void *room, struct problem *reterr)
{
    if (view_is_in_place(view))
        return (const uint8_t *)view->mask.data + first * view->width;
    for (size_t n_read = 0; n_read < n;) {
        size_t n_more = read_some(view, window, first + n_read, n - n_read,
                                  (uint8_t *)room + n_read * view->width, reterr);

        if (n_more == 0)
            return NULL;
        n_read += n_more;
    }
    return room;
}
