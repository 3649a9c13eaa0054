/* names.h - what labels are called: one table for both masks of a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_NAMES_H
#define PROTO_NAMES_H

#include <stdint.h>

#include "proto/problem.h"

/*
 * Formats that number their labels say what each is called; formats that only have names are given
 * the number that a name has already, or the smallest one above 0 that is free.
 */
struct names;

#define NAMES_MAX_BYTES 256 /* of one name, UTF-8; longer ones are cut at a character */

/* NULL where memory is out. */
struct names *names_new(void);
void names_free(struct names *names);

/* A label is called this, unless it has a name already. What is not UTF-8 comes out as '?'. */
bool names_set(struct names *names, int64_t label, const char *text, size_t n,
               struct problem *reterr);

/* The number of a name; a new one where it has none yet. */
bool names_label(struct names *names, const char *text, size_t n, int64_t *ret_label,
                 struct problem *reterr);

/* NULL for a label without a name; valid until the table changes. */
const char *names_of(const struct names *names, int64_t label);

#endif
