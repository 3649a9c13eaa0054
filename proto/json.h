/* json.h - JSON from strangers: bounded before it is parsed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include <jansson.h>

#include "proto/env.h"
#include "proto/problem.h"

/*
 * Parse an object. Depth and number of values are checked first, in one scan: jansson needs up to
 * 77 bytes of memory per byte of JSON, and recurses. Returns a new reference.
 */
json_t *json_parse(const char *text, size_t n, const struct limits *limits, struct problem *reterr);

/*
 * Print JSON compactly, NUL-terminated; to be freed by the caller. NULL where memory is out:
 * jansson's json_dumps (2.14) then leaves out a member's name and says nothing.
 */
char *json_print(const json_t *json, size_t *ret_bytes);

/*
 * Append to an array, or set a member of an object; steals the value. Where memory is out, or one
 * of the two is NULL already, the container is dropped and becomes NULL: built inside out, a
 * document is whole or NULL.
 */
void json_push(json_t **array, json_t *value);
void json_put(json_t **object, const char *name, json_t *value);

/* "#/a" and a member name or index: "#/a/b", "#/a/3". Names are escaped as RFC 6901 wants. */
struct json_pointer {
    char text[96];
};

struct json_pointer json_pointer_to(const char *base, const char *name);
struct json_pointer json_pointer_at(const char *base, size_t index);

#endif
