/* env.h - what proto is given by whoever runs it: limits, a clock, a memory budget. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_ENV_H
#define PROTO_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each is a config key of [limits] and a member of /v1/info's limits. */
struct limits {
    uint64_t body_bytes;    /* a body as sent, and again once its Content-Encoding is taken off */
    uint64_t decoded_bytes; /* one mask, decoded: voxels times bytes per voxel */
    uint64_t voxels;        /* one mask */
    uint64_t labels;        /* distinct labels scored */
    uint64_t confusion_labels;  /* labels of a confusion matrix */
    uint64_t regions;           /* unions of labels scored */
    uint64_t request_bytes;     /* the request part of a multipart body */
    uint64_t json_depth;        /* nesting of any JSON */
    uint64_t json_values;       /* values in any JSON: numbers, strings, members, ... */
    uint64_t parts;             /* parts of a multipart body */
    uint64_t part_header_bytes; /* the headers of one part */
    uint64_t overlay_pixels;    /* the picture of an overlay */
    uint64_t overlay_slices;    /* a volume of which an overlay is kept */
};

struct env {
    struct limits limits;
    uint64_t budget_bytes;    /* all the memory there is for bodies and masks */
    uint64_t hash_seed;       /* random, drawn once at start */
    uint64_t (*now_ns)(void); /* monotonic */
    /* Reserve memory beside the body: false means none is left, which becomes a 503. */
    bool (*memory_take)(uint64_t n_bytes);
    void (*memory_give)(uint64_t n_bytes);
    /*
     * Call work(argument, i) for each i below n, several at a time where threads are free, and come
     * back when all are done. NULL: one after the other. n_threads is how many may help, and 0
     * is 1.
     */
    void (*each)(void (*work)(void *argument, size_t i), void *argument, size_t n);
    size_t n_threads;
};

#endif
