/* json.c - JSON from strangers: bounded before it is parsed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/quotes.h"

#define FLAGS (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)

/* Whether jansson has asked for memory in vain. */
static _Thread_local bool starved;

/* The first room for a printed text: most answers fit. */
#define PRINT_BYTES ((size_t)4096)

/* What jansson 2.14 allocates, measured with glibc and rounded up: per byte of text, ... */
#define TEXT_BYTES   4
#define OPEN_BYTES   256 /* an array or an object */
#define VALUE_BYTES  64  /* a number, and its place in an array */
#define MEMBER_BYTES 128
#define STRING_BYTES 48

/* Commas and opening brackets bound the number of values from above, well formed or not. */
bool json_bound(const char *text, size_t n, const struct limits *limits, uint64_t *ret_bytes,
                struct problem *reterr)
{
    const char *end = text + n;
    uint64_t depth = 0;
    uint64_t n_values = 1;
    uint64_t n_bytes = TEXT_BYTES * (uint64_t)n;

    for (const char *at = text; at < end; at++) {
        bool opens = *at == '[' || *at == '{';

        if (*at == '"') {
            at = quotes_end(at, end);
            n_bytes += STRING_BYTES;
        }
        n_bytes += *at == ':' ? MEMBER_BYTES : 0;
        n_bytes += opens ? OPEN_BYTES : *at == ',' ? VALUE_BYTES : 0;
        n_values += opens || *at == ',';
        depth += opens;
        if (depth > limits->json_depth)
            return problem_set(reterr, PROBLEM_BAD_JSON, NULL,
                               "The JSON is nested deeper than %zu levels (limits.json_depth).",
                               (size_t)limits->json_depth);
        if (n_values > limits->json_values)
            return problem_set(reterr, PROBLEM_BAD_JSON, NULL,
                               "The JSON has more than %zu values (limits.json_values).",
                               (size_t)limits->json_values);
        if (at < end && (*at == ']' || *at == '}') && depth > 0)
            depth--;
    }
    *ret_bytes = n_bytes;
    return true;
}

static void *allocate(size_t n)
{
    void *memory = malloc(n);

    starved = starved || memory == NULL;
    return memory;
}

void json_set_up(void)
{
    json_object_seed(0);
    json_set_alloc_funcs(allocate, free);
}

json_t *json_parse_any(const char *text, size_t n, const struct limits *limits,
                       struct problem *reterr)
{
    json_error_t error;
    uint64_t n_bytes;
    json_t *json;

    if (!json_bound(text, n, limits, &n_bytes, reterr))
        return NULL;
    json = quotes_load(text, n, FLAGS);
    starved = false;
    if (json == NULL) /* this one says where the fault is */
        json = json_loadb(text, n, FLAGS, &error);
    if (json == NULL && starved)
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request's JSON.");
    else if (json == NULL)
        problem_set(reterr, PROBLEM_BAD_JSON, NULL, "Line %d, column %d: %s.", error.line,
                    error.column, error.text);
    return json;
}

json_t *json_parse(const char *text, size_t n, const struct limits *limits, struct problem *reterr)
{
    json_t *json = json_parse_any(text, n, limits, reterr);

    if (json == NULL || json_is_object(json))
        return json;
    problem_set(reterr, PROBLEM_BAD_JSON, NULL, "The request must be a JSON object.");
    json_decref(json);
    return NULL;
}

/* A text being printed; failed once memory was out. */
struct text {
    char *at;
    size_t n;
    size_t cap;
    bool failed;
};

static bool text_grow(struct text *text, size_t n)
{
    size_t cap = text->cap * 2 > n ? text->cap * 2 : n;
    char *at = realloc(text->at, cap);

    if (at == NULL) {
        text->failed = true;
        return false;
    }
    text->at = at;
    text->cap = cap;
    return true;
}

static int text_append(const char *bytes, size_t n, void *user)
{
    struct text *text = user;

    if (text->failed || (text->n + n > text->cap && !text_grow(text, text->n + n)))
        return -1;
    memcpy(text->at + text->n, bytes, n);
    text->n += n;
    return 0;
}

char *json_print(const json_t *json, size_t *ret_bytes)
{
    struct text text = {malloc(PRINT_BYTES), 0, PRINT_BYTES, false};

    if (text.at == NULL)
        return NULL;
    if (json_dump_callback(json, text_append, &text, JSON_COMPACT) != 0 ||
        text_append("", 1, &text) != 0 || text.failed) {
        free(text.at);
        return NULL;
    }
    *ret_bytes = text.n - 1;
    return text.at;
}

void json_push(json_t **array, json_t *value)
{
    if (json_array_append_new(*array, value) != 0) {
        json_decref(*array);
        *array = NULL;
    }
}

void json_put(json_t **object, const char *name, json_t *value)
{
    if (json_object_set_new(*object, name, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

void json_merge(json_t **object, json_t *from)
{
    if (json_object_update(*object, from) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

struct json_pointer json_pointer_to(const char *base, const char *name)
{
    struct json_pointer pointer;
    size_t n;

    snprintf(pointer.text, sizeof(pointer.text), "%s/", base);
    for (n = strlen(pointer.text); *name != '\0' && n + 3 < sizeof(pointer.text); name++) {
        if (*name == '~' || *name == '/') {
            pointer.text[n++] = '~';
            pointer.text[n++] = *name == '~' ? '0' : '1';
        } else {
            pointer.text[n++] = *name;
        }
    }
    pointer.text[n] = '\0';
    return pointer;
}

struct json_pointer json_pointer_at(const char *base, size_t index)
{
    struct json_pointer pointer;

    snprintf(pointer.text, sizeof(pointer.text), "%s/%zu", base, index);
    return pointer;
}
