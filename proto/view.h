/* view.h - a mask's elements where they lie in shared memory, with any strides. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_VIEW_H
#define PROTO_VIEW_H

#include "proto/reader.h"

/* The bytes that strided elements are picked from lie in a window of so many. */
#define VIEW_WINDOW_BYTES ((size_t)64 << 10)

struct view_axis {
    uint64_t n;
    int64_t stride_bytes;
};

struct view {
    const struct segment *segment;
    const char *pointer;
    struct ov_mask mask;                /* data is NULL where the segment is not mapped */
    size_t width;                       /* bytes per element */
    uint64_t start;                     /* of element [0, 0, ...] in the segment */
    uint64_t low;                       /* of the first byte of any element */
    uint64_t end;                       /* behind the last byte of any element */
    struct view_axis axes[OV_MAX_NDIM]; /* [n_axes], the fastest first in the order of elements */
    int n_axes;
};

/*
 * View the header's elements in source->segment. Fills in header->order: the one in which they lie,
 * as far as they do in one. Every byte of every element is within the segment afterwards.
 */
bool view_init(struct view *view, const struct source *source, struct mask_header *header,
               struct problem *reterr);

/* Whether the elements lie without gaps, in their order, in memory that is mapped. */
bool view_is_in_place(const struct view *view);

/* What a thread needs to pick elements; zeroed, it is empty. */
struct view_window {
    uint8_t *bytes;
    uint64_t from; /* bytes from .. from + n - 1 of the segment are in it */
    size_t n;
};

void view_window_done(struct view_window *window);

/*
 * Elements `first` .. first + n - 1, in the header's order: in the room (n elements) or in place.
 * NULL with reterr set where the segment has become too short. Any thread, with its own window.
 */
const void *view_tile(const struct view *view, struct view_window *window, uint64_t first, size_t n,
                      void *room, struct problem *reterr);

#endif
