/* quotes.c - the long strings of a JSON text, read around jansson. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/quotes.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Shorter strings are left to jansson. */
#define LEAST_BYTES 32

/* A string that was taken out. */
struct quote {
    const char *at;
    size_t n;
    size_t place; /* among all strings that are values, in the order of the text */
};

struct quotes {
    char *block;  /* from its begin on the text without the strings, at its end the strings */
    size_t n;     /* bytes of that text */
    char *behind; /* where the first of the strings begins, the last that was found */
    struct quote *list;
    size_t n_list;
    size_t cap_list;
};

/* Each byte is looked at once or twice, however many are escaped. */
const char *quotes_end(const char *at, const char *end)
{
    const char *quote = at++;

    while (at < end) {
        const char *escape;

        if (quote < at)
            quote = memchr(at, '"', (size_t)(end - at));
        if (quote == NULL)
            quote = end;
        escape = memchr(at, '\\', (size_t)(quote - at));
        if (escape == NULL)
            return quote < end ? quote : end - 1;
        at = escape + 2;
    }
    return end - 1;
}

/* ---- taking out ------------------------------------------------------------------------------ */

/* Whether what ended before `at` is the name of a member. */
static bool is_name(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at < end && *at == ':';
}

/* Between its quotes: printable ASCII, and escapes of one character that stands for itself. */
static bool is_plain(const char *at, const char *end, size_t *ret_n)
{
    size_t n = 0;

    for (; at < end; at++, n++) {
        if (*at == '\\' && strchr("\"\\/", *++at) == NULL)
            return false;
        if (*at < ' ' || *at > '~')
            return false;
    }
    *ret_n = n;
    return at == end;
}

static void unescape(const char *at, const char *end, char *to)
{
    while (at < end) {
        const char *stop;

        at += *at == '\\'; /* what comes then is meant as it is */
        stop = memchr(at + 1, '\\', (size_t)(end - at - 1));
        if (stop == NULL)
            stop = end;
        to = mempcpy(to, at, (size_t)(stop - at));
        at = stop;
    }
}

/* n bytes once they are unescaped. */
static bool add_quote(struct quotes *quotes, const char *at, const char *end, size_t n,
                      size_t place)
{
    if (quotes->n_list == quotes->cap_list) {
        size_t cap = quotes->cap_list > 0 ? 2 * quotes->cap_list : 8;
        struct quote *list = reallocarray(quotes->list, cap, sizeof(*list));

        if (list == NULL)
            return false;
        quotes->list = list;
        quotes->cap_list = cap;
    }
    /* The text has fewer bytes for what was taken out of it: both fit. */
    quotes->behind -= n;
    unescape(at, end, quotes->behind);
    quotes->list[quotes->n_list++] = (struct quote){quotes->behind, n, place};
    return true;
}

static void add_text(struct quotes *quotes, const char *at, const char *end)
{
    memcpy(quotes->block + quotes->n, at, (size_t)(end - at));
    quotes->n += (size_t)(end - at);
}

/* false where memory is out. */
static bool take_out(struct quotes *quotes, const char *text, const char *end)
{
    const char *copied = text;
    const char *last;
    size_t place = 0;

    for (const char *at = text; (at = memchr(at, '"', (size_t)(end - at))) != NULL; at = last + 1) {
        size_t n;

        last = quotes_end(at, end);
        if (is_name(last + 1, end))
            continue;
        if (last - at > LEAST_BYTES && *last == '"' && is_plain(at + 1, last, &n)) {
            add_text(quotes, copied, at + 1);
            copied = last;
            if (!add_quote(quotes, at + 1, last, n, place))
                return false;
        }
        place++;
    }
    add_text(quotes, copied, end);
    return true;
}

/* ---- putting back ---------------------------------------------------------------------------- */

/* How far a walk through the values, in the order of the text, has come. */
struct walk {
    const struct quote *next;
    const struct quote *end;
    size_t place;
};

static bool fill(struct walk *walk, json_t *json)
{
    const struct quote *quote = walk->next;

    if (walk->place++ != quote->place)
        return true;
    walk->next++;
    return json_string_setn_nocheck(json, quote->at, quote->n) == 0;
}

/* false where memory is out. Members come in the order in which they were parsed. */
static bool put_back(struct walk *walk, json_t *json)
{
    const char *name;
    json_t *value;
    bool ok = true;

    if (walk->next == walk->end)
        return true;
    if (json_is_string(json))
        return fill(walk, json);
    for (size_t i = 0; ok && i < json_array_size(json); i++)
        ok = put_back(walk, json_array_get(json, i));
    json_object_foreach(json, name, value) ok = ok && put_back(walk, value);
    return ok;
}

static json_t *load(const struct quotes *quotes, size_t flags)
{
    struct walk walk = {quotes->list, quotes->list + quotes->n_list, 0};
    json_t *json = json_loadb(quotes->block, quotes->n, flags, NULL);

    if (json == NULL || put_back(&walk, json))
        return json;
    json_decref(json);
    return NULL;
}

json_t *quotes_load(const char *text, size_t n, size_t flags)
{
    struct quotes quotes = {.block = malloc(n + 1)};
    json_t *json = NULL;

    if (quotes.block == NULL)
        return NULL;
    quotes.behind = quotes.block + n;
    if (take_out(&quotes, text, text + n) && quotes.n_list > 0)
        json = load(&quotes, flags);
    free(quotes.list);
    free(quotes.block);
    return json;
}
