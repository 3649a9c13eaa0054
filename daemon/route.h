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
    const char *path;
    unsigned scopes; /* enum scope: one of these is needed; SCOPE_NONE: nobody is asked */
    /* NULL: takes no body. Else asked before the body is read. */
    bool (*check)(struct job *job, struct problem *reterr);
    /* Once the body is there. true: the job has its answer; false: it is suspended and will. */
    bool (*handle)(struct job *job);
};

/* NULL: there is none; then *ret_known tells whether the path has others. */
const struct route *route_find(const char *method, const char *path, bool *ret_known);

/* The methods of a path, "GET, HEAD, OPTIONS". */
void route_allow(const char *path, char *text, size_t cap);

const struct route *route_list(size_t *ret_n);

#endif
