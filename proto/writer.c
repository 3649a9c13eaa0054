/* writer.c - JSON written straight into text, without a tree of values in between. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/real.h"

/* The first room: most answers fit. */
#define FIRST_BYTES ((size_t)4096)

/* The digits of any 64-bit integer and its sign. */
#define INTEGER_BYTES 20

/* No room is left in a writer that failed: so it is found out without asking each time. */
static void fail(struct writer *writer)
{
    writer->cap = writer->n;
    writer->failed = true;
}

void writer_init(struct writer *writer)
{
    *writer = (struct writer){.at = malloc(FIRST_BYTES), .cap = FIRST_BYTES};
    if (writer->at == NULL)
        fail(writer);
}

void writer_done(struct writer *writer)
{
    free(writer->at);
    writer->at = NULL;
    fail(writer);
}

static char *grow(struct writer *writer, size_t n)
{
    size_t least = writer->n + n + 1;
    size_t cap = writer->cap * 2 > least ? writer->cap * 2 : least;
    char *at = writer->failed ? NULL : realloc(writer->at, cap);

    if (at == NULL) {
        fail(writer);
        return NULL;
    }
    writer->at = at;
    writer->cap = cap;
    return at + writer->n;
}

/* Where n more bytes can be written, NULL where memory is out. */
static inline char *room(struct writer *writer, size_t n)
{
    return n < writer->cap - writer->n ? writer->at + writer->n : grow(writer, n);
}

static void add(struct writer *writer, const char *bytes, size_t n)
{
    char *at = room(writer, n);

    if (at == NULL)
        return;
    memcpy(at, bytes, n);
    writer->n += n;
}

/*
 * The same of a value, behind a comma where one is due. No value ends with a bracket that opens or
 * a colon: what was written last tells.
 */
static inline char *value_room(struct writer *writer, size_t n)
{
    char *at = room(writer, n + 1);
    char last = '[';

    if (at != NULL && writer->n > 0)
        last = at[-1];
    if (last == '[' || last == '{' || last == ':')
        return at;
    *at = ',';
    writer->n++;
    return at + 1;
}

static void add_value(struct writer *writer, const char *bytes, size_t n)
{
    char *at = value_room(writer, n);

    if (at == NULL)
        return;
    memcpy(at, bytes, n);
    writer->n += n;
}

void writer_open(struct writer *writer, char bracket)
{
    add_value(writer, &bracket, 1);
}

void writer_close(struct writer *writer, char bracket)
{
    add(writer, &bracket, 1);
}

void writer_null(struct writer *writer)
{
    add_value(writer, "null", 4);
}

void writer_bool(struct writer *writer, bool value)
{
    add_value(writer, value ? "true" : "false", value ? 4 : 5);
}

static void add_digits(struct writer *writer, uint64_t value, bool is_negative)
{
    char digits[INTEGER_BYTES];
    size_t first = sizeof(digits);

    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    if (is_negative)
        digits[--first] = '-';
    add_value(writer, digits + first, sizeof(digits) - first);
}

void writer_integer(struct writer *writer, int64_t value)
{
    add_digits(writer, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

void writer_count(struct writer *writer, uint64_t value)
{
    add_digits(writer, value, false);
}

void writer_real(struct writer *writer, double value)
{
    char *at;

    if (!isfinite(value)) {
        writer_null(writer);
        return;
    }
    at = value_room(writer, REAL_BYTES);
    if (at != NULL)
        writer->n += real_print(value, at);
}

/* What ends a stretch of text that stands in a string as it is. */
static bool is_special(char byte)
{
    return ((unsigned char)byte < 0x20) | (byte == '"') | (byte == '\\');
}

/* Whether one of eight bytes may be: a byte below n is one that borrows when n is taken off it. */
static bool may_be_special(const char *text)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t bytes, quotes, escapes;

    memcpy(&bytes, text, sizeof(bytes));
    quotes = bytes ^ (ones * '"');
    escapes = bytes ^ (ones * '\\');
    return ((((bytes - ones * 0x20) & ~bytes) | ((quotes - ones) & ~quotes) |
             ((escapes - ones) & ~escapes)) &
            (ones << 7)) != 0;
}

/* How many bytes come before one that is special: a mask's run lengths are long. */
static size_t n_plain(const char *text, size_t n)
{
    size_t i = 0;

    while (n - i >= 8 && !may_be_special(text + i))
        i += 8;
    while (i < n && !is_special(text[i]))
        i++;
    return i;
}

/* What may not stand in a string as it is. */
static void add_escaped(struct writer *writer, char byte)
{
    static const char named[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = strchr(named, byte);
    char text[8] = {'\\', (char)(found != NULL ? letters[found - named] : 'u')};

    if (found == NULL)
        snprintf(text + 2, sizeof(text) - 2, "%04X", (unsigned)(unsigned char)byte);
    add(writer, text, strlen(text));
}

void writer_string(struct writer *writer, const char *text)
{
    if (text == NULL) {
        writer_null(writer);
        return;
    }
    add_value(writer, "\"", 1);
    for (const char *end = text + strlen(text); text < end;) {
        size_t n = n_plain(text, (size_t)(end - text));

        add(writer, text, n);
        text += n;
        if (text < end)
            add_escaped(writer, *text++);
    }
    add(writer, "\"", 1);
}

void writer_name(struct writer *writer, const char *name)
{
    writer_string(writer, name);
    add(writer, ":", 1);
}

void writer_counts(struct writer *writer, const uint64_t *values, size_t n)
{
    writer_open(writer, '[');
    for (size_t i = 0; i < n; i++)
        writer_count(writer, values[i]);
    writer_close(writer, ']');
}

void writer_integers(struct writer *writer, const int64_t *values, size_t n)
{
    writer_open(writer, '[');
    for (size_t i = 0; i < n; i++)
        writer_integer(writer, values[i]);
    writer_close(writer, ']');
}

static void add_object(struct writer *writer, json_t *json)
{
    const char *name;
    json_t *value;

    writer_open(writer, '{');
    json_object_foreach(json, name, value)
    {
        writer_name(writer, name);
        writer_json(writer, value);
    }
    writer_close(writer, '}');
}

static void add_array(struct writer *writer, json_t *json)
{
    writer_open(writer, '[');
    for (size_t i = 0; i < json_array_size(json); i++)
        writer_json(writer, json_array_get(json, i));
    writer_close(writer, ']');
}

void writer_json(struct writer *writer, json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        add_object(writer, json);
        break;
    case JSON_ARRAY:
        add_array(writer, json);
        break;
    case JSON_STRING:
        writer_string(writer, json_string_value(json));
        break;
    case JSON_INTEGER:
        writer_integer(writer, json_integer_value(json));
        break;
    case JSON_REAL:
        writer_real(writer, json_real_value(json));
        break;
    case JSON_NULL:
        writer_null(writer);
        break;
    default:
        writer_bool(writer, json_is_true(json));
    }
}

void writer_put(struct writer *writer, const char *name)
{
    size_t n = strlen(name);
    char *at = value_room(writer, n + 3);

    if (at == NULL)
        return;
    *at++ = '"';
    at = mempcpy(at, name, n);
    *at++ = '"';
    *at = ':';
    writer->n += n + 3;
}

void writer_put_null(struct writer *writer, const char *name)
{
    writer_put(writer, name);
    writer_null(writer);
}

void writer_put_bool(struct writer *writer, const char *name, bool value)
{
    writer_put(writer, name);
    writer_bool(writer, value);
}

void writer_put_integer(struct writer *writer, const char *name, int64_t value)
{
    writer_put(writer, name);
    writer_integer(writer, value);
}

void writer_put_count(struct writer *writer, const char *name, uint64_t value)
{
    writer_put(writer, name);
    writer_count(writer, value);
}

void writer_put_real(struct writer *writer, const char *name, double value)
{
    writer_put(writer, name);
    writer_real(writer, value);
}

void writer_put_string(struct writer *writer, const char *name, const char *text)
{
    writer_put(writer, name);
    writer_string(writer, text);
}

void writer_put_counts(struct writer *writer, const char *name, const uint64_t *values, size_t n)
{
    writer_put(writer, name);
    writer_counts(writer, values, n);
}

char *writer_take(struct writer *writer, size_t *ret_bytes)
{
    char *text;

    add(writer, "", 1);
    if (writer->failed) {
        writer_done(writer);
        return NULL;
    }
    text = writer->at;
    *ret_bytes = writer->n - 1;
    writer->at = NULL;
    fail(writer);
    return text;
}
