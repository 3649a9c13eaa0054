/* quotes.h - the long strings of a JSON text, read around jansson. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_QUOTES_H
#define PROTO_QUOTES_H

#include <jansson.h>
#include <stddef.h>

/* The closing quote of the string that begins at `at`, or the last byte before `end`. */
const char *quotes_end(const char *at, const char *end);

/*
 * json_loadb of text that holds long strings: run lengths, base64. jansson spends some 150
 * instructions on each byte of a string; here it parses the text with empty strings in their place.
 *
 * Returns a new reference. NULL where there is none to take out, where the text is no JSON, of
 * which json_loadb says why, and where memory is out. Recurses as deep as the JSON is nested.
 */
json_t *quotes_load(const char *text, size_t n, size_t flags);

#endif
