/* json.h - JSON from strangers: bounded before it is parsed. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include <jansson.h>

#include "proto/env.h"
#include "proto/problem.h"

/*
 * Once, before there are threads. jansson calls a string that it has no memory for malformed: what
 * it allocates is watched, so that nobody is told that their JSON is bad for want of memory.
 */
void json_set_up(void);

/*
 * Check depth and number of values in one scan: jansson recurses, and needs up to 83 bytes of
 * memory per byte of JSON. *ret_bytes is no less than what it will need for this text.
 */
bool json_bound(const char *text, size_t n, const struct limits *limits, uint64_t *ret_bytes,
                struct problem *reterr);

/* No text of n bytes needs more. */
#define JSON_BYTES_PER_BYTE 96

/* Parse an object, checked as by json_bound. Returns a new reference. */
json_t *json_parse(const char *text, size_t n, const struct limits *limits, struct problem *reterr);

/* The same, of any JSON value. */
json_t *json_parse_any(const char *text, size_t n, const struct limits *limits,
                       struct problem *reterr);

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

/* Set all members of another object, which stays as it is; the same where memory is out. */
void json_merge(json_t **object, json_t *from);

/* "#/a" and a member name or index: "#/a/b", "#/a/3". Names are escaped as RFC 6901 wants. */
struct json_pointer {
    char text[96];
};

struct json_pointer json_pointer_to(const char *base, const char *name);
struct json_pointer json_pointer_at(const char *base, size_t index);

#endif
