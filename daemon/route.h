/* route.h - the paths that are answered. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ROUTE_H
#define DAEMON_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/problem.h"

/* More than there are: what is kept for each, and once for all other paths, has a fixed size. */
#define ROUTE_MAX 64

#define ROUTE_MAX_VALUES  2
#define ROUTE_VALUE_BYTES 129

struct job;

/*
 * A segment "{name}" of a path stands for any one segment that is not empty. The path has been
 * percent-decoded as a whole by then, so that "%2F" divides segments as "/" does: names that may
 * hold a slash cannot be had by it, and each handler says which characters it takes.
 */
struct route {
    const char *method; /* HEAD is answered as GET */
    const char *path;
    unsigned scopes; /* enum scope: one of these is needed; SCOPE_NONE: nobody is asked */
    /* NULL: takes no body. Else asked before the body is read. */
    bool (*check)(struct job *job, struct problem *reterr);
    /* Once the body is there. true: the job has its answer; false: it is suspended and will. */
    bool (*handle)(struct job *job);
};

/* What the path has for each "{name}", in order; cut after 128 bytes, and then too_long. */
struct route_values {
    char text[ROUTE_MAX_VALUES][ROUTE_VALUE_BYTES];
    bool too_long;
};

/* NULL: there is none; then *ret_known tells whether the path has others. */
const struct route *route_find(const char *method, const char *path, bool *ret_known);

/* What stands for the names of a route in a path that it was found for. */
void route_values(const struct route *route, const char *path, struct route_values *ret_values);

/* The methods of a path, "GET, HEAD, OPTIONS". */
void route_allow(const char *path, char *text, size_t cap);

const struct route *route_list(size_t *ret_n);

/* Its place in the list; ROUTE_MAX for NULL. */
size_t route_index(const struct route *route);

#endif
