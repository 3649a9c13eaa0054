/* names.c - what labels are called: one table for both masks of a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/names.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct names {
    json_t *by_name;  /* name -> label */
    json_t *by_label; /* label in decimal -> name */
    int64_t free;     /* no label from 1 to below it is free */
};

struct key {
    char text[24];
};

static struct key key_of(int64_t label)
{
    struct key key;

    snprintf(key.text, sizeof(key.text), "%" PRId64, label);
    return key;
}

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the labels' names.");
}

struct names *names_new(void)
{
    struct names *names = calloc(1, sizeof(*names));

    if (names == NULL)
        return NULL;
    *names = (struct names){json_object(), json_object(), 1};
    if (names->by_name == NULL || names->by_label == NULL) {
        names_free(names);
        return NULL;
    }
    return names;
}

void names_free(struct names *names)
{
    if (names == NULL)
        return;
    json_decref(names->by_name);
    json_decref(names->by_label);
    free(names);
}

/* A name that fits and that JSON can hold; jansson knows what UTF-8 is. */
static json_t *clean(const char *text, size_t n)
{
    char name[NAMES_MAX_BYTES + 1];
    size_t most_cut = n > NAMES_MAX_BYTES ? 3 : 0; /* of a character that the end splits */
    json_t *json;

    n = n < NAMES_MAX_BYTES ? n : NAMES_MAX_BYTES;
    memcpy(name, text, n);
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            name[i] = '?';
    }
    name[n] = '\0';
    for (size_t cut = 0; cut <= most_cut; cut++) {
        json = json_stringn(name, n - cut);
        if (json != NULL)
            return json;
    }
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)name[i] > 0x7e)
            name[i] = '?';
    }
    return json_stringn(name, n);
}

/* Steals the name. */
static bool add(struct names *names, int64_t label, json_t *name, struct problem *reterr)
{
    if (json_object_set(names->by_label, key_of(label).text, name) != 0 ||
        (json_object_get(names->by_name, json_string_value(name)) == NULL &&
         json_object_set_new(names->by_name, json_string_value(name), json_integer(label)) != 0)) {
        json_decref(name);
        return no_memory(reterr);
    }
    json_decref(name);
    return true;
}

bool names_set(struct names *names, int64_t label, const char *text, size_t n,
               struct problem *reterr)
{
    json_t *name;

    if (n == 0 || names_of(names, label) != NULL)
        return true;
    name = clean(text, n);
    return name != NULL ? add(names, label, name, reterr) : no_memory(reterr);
}

bool names_label(struct names *names, const char *text, size_t n, int64_t *ret_label,
                 struct problem *reterr)
{
    json_t *name = clean(text, n);
    json_t *label;

    if (name == NULL)
        return no_memory(reterr);
    label = json_object_get(names->by_name, json_string_value(name));
    if (label != NULL) {
        *ret_label = json_integer_value(label);
        json_decref(name);
        return true;
    }
    while (names_of(names, names->free) != NULL)
        names->free++;
    *ret_label = names->free;
    return add(names, *ret_label, name, reterr);
}

const char *names_of(const struct names *names, int64_t label)
{
    if (json_object_size(names->by_label) == 0)
        return NULL;
    return json_string_value(json_object_get(names->by_label, key_of(label).text));
}
