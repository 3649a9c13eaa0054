/* segment.h - shared memory that a mask lies in, as proto is given it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_SEGMENT_H
#define PROTO_SEGMENT_H

#include "proto/problem.h"

/* How a source names it: {"shm": "name"}, {"handle": "h_..."}, {"fd": 0}. */
enum segment_kind { SEGMENT_NONE, SEGMENT_SHM, SEGMENT_HANDLE, SEGMENT_FD };

struct segment_name {
    enum segment_kind kind;
    const char *text; /* of SEGMENT_SHM and SEGMENT_HANDLE; borrowed */
    uint64_t index;   /* of SEGMENT_FD: which descriptor of the message */
};

/*
 * n_bytes of memory that somebody else made. Nothing is believed of it twice: what is not mapped
 * may change or vanish at any time, and is only ever copied out, to be looked at in the copy.
 */
struct segment {
    uint64_t n_bytes;
    const uint8_t *mapped; /* where nobody can change or shorten it any more; else NULL */
    /* Copy n bytes from an offset; any thread. false where they are not all there any more. */
    bool (*read)(const struct segment *segment, uint64_t offset, void *bytes, size_t n);
    void (*release)(struct segment *segment);
    /*
     * Write n bytes at an offset, all within n_bytes; NULL where that is not wanted. Problems, of
     * which none has changed a byte unless the client shrinks or punches its memory meanwhile:
     * PROBLEM_SHM_TRUNCATED, PROBLEM_SHM_FULL, PROBLEM_SHM_READ_ONLY.
     */
    bool (*write)(const struct segment *segment, uint64_t offset, const void *bytes, size_t n,
                  const char *pointer, struct problem *reterr);
    uint64_t object[2]; /* equal for segments of one object, which may share bytes */
    uint64_t start;     /* where in the object this one begins */
};

/* Who knows segments. `find` takes a reference for the caller; NULL with reterr set for none. */
struct segments {
    struct segment *(*find)(void *user, const struct segment_name *name, const char *pointer,
                            struct problem *reterr);
    void *user;
};

#endif
