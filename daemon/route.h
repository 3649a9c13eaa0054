/* route.h - the paths that are answered. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ROUTE_H
#define DAEMON_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/problem.h"

struct job;

struct route {
    const char *method; /* HEAD is answered as GET */
    const char *path;   /* "/v1/shm/{name}": a part in braces stands for any part of a path */
    /* NULL: takes no body. Else asked before the body is read. */
    bool (*check)(struct job *job, struct problem *reterr);
    /* Once the body is there. true: the job has its answer; false: it is suspended and will. */
    bool (*handle)(struct job *job);
};

#define ROUTE_MAX_VALUES 4

/* What stands in a path where its route has braces, in their order; unescaped, not terminated. */
struct route_value {
    const char *text;
    size_t n;
};

struct route_values {
    struct route_value list[ROUTE_MAX_VALUES];
    size_t n;
};

/*
 * NULL: there is none; then *ret_known tells whether the path has others.
 *   ret_values   borrowed from the path; may be NULL
 */
const struct route *route_find(const char *method, const char *path,
                               struct route_values *ret_values, bool *ret_known);

/* The methods of a path, "GET, HEAD, OPTIONS". */
void route_allow(const char *path, char *text, size_t cap);

const struct route *route_list(size_t *ret_n);

#endif
