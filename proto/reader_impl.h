/* reader_impl.h - what reader.c and reader_voxels.c share; for these two alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_READER_IMPL_H
#define PROTO_READER_IMPL_H

#include "proto/inner.h"
#include "proto/reader.h"
#include "proto/view.h"

/* What was passed over in a mask, and how often. */
struct skipped {
    char what[SKIPPED_BYTES];
    uint64_t n;
};

struct reader {
    struct source source;
    const struct env *env;
    struct mask_header header;
    const struct format *format;
    struct coding *stream;
    struct inner inner; /* where the stream is a coding inside the file */
    void *state;
    uint64_t n_left;    /* elements not handed out yet */
    struct ov_run rest; /* of a mask in runs: what the last tile left of one */
    struct skipped *skipped;
    size_t n_skipped;
    struct view *view; /* of a mask in shared memory */
    struct view_window window;
};

#endif
