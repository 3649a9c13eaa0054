/* log_line.c - one event as a line of text, in logfmt or JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log_line.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A longer value is cut: a line with the longest of each field fits. */
#define VALUE_BYTES 256

static const char hex[] = "0123456789abcdef";

/* A line being written; one byte stays free for the NUL, and some for what closes it. */
struct line {
    char *text;
    size_t n;
    size_t cap;
    bool is_cut;
};

static void put(struct line *line, char c)
{
    if (line->n + 2 < line->cap)
        line->text[line->n++] = c;
    else
        line->is_cut = true;
}

static void put_text(struct line *line, const char *text)
{
    for (; *text != '\0'; text++)
        put(line, *text);
}

static void put_number(struct line *line, const struct log_field *field)
{
    char number[32];

    if (field->kind == LOG_KIND_UINT)
        snprintf(number, sizeof(number), "%" PRIu64, field->number);
    else
        snprintf(number, sizeof(number), "%.6f", field->seconds);
    put_text(line, number);
}

static bool is_there(const struct log_field *field)
{
    return field->kind == LOG_KIND_TEXT ? field->text != NULL
                                        : field->kind == LOG_KIND_UINT || field->seconds >= 0;
}

/* ---- logfmt ---------------------------------------------------------------------------------- */

static void put_escaped(struct line *line, unsigned char c)
{
    if (c == '"' || c == '\\') {
        put(line, '\\');
        put(line, (char)c);
    } else if (c < ' ' || c >= 0x7f) {
        put_text(line, "\\x");
        put(line, hex[c >> 4]);
        put(line, hex[c & 15]);
    } else {
        put(line, (char)c);
    }
}

static bool is_bare(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return true;
}

static void put_value(struct line *line, const char *text)
{
    size_t end = line->n + VALUE_BYTES;

    if (is_bare(text) && strlen(text) <= VALUE_BYTES) {
        put_text(line, text);
        return;
    }
    put(line, '"');
    for (; *text != '\0' && line->n < end; text++)
        put_escaped(line, (unsigned char)*text);
    put_text(line, *text != '\0' ? "...\"" : "\"");
}

static void put_field(struct line *line, const struct log_field *field)
{
    if (!is_there(field))
        return;
    put(line, ' ');
    put_text(line, field->key);
    put(line, '=');
    if (field->kind == LOG_KIND_TEXT)
        put_value(line, field->text);
    else
        put_number(line, field);
}

static void print_logfmt(struct line *line, const struct log_event *event)
{
    if (event->time != NULL) {
        put_text(line, "time=");
        put_text(line, event->time);
        put(line, ' ');
    }
    put_text(line, "level=");
    put_text(line, log_level_name(event->level));
    put_text(line, " event=");
    put_value(line, event->name);
    for (size_t i = 0; i < event->n_fields; i++)
        put_field(line, &event->fields[i]);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_unit(struct line *line, uint32_t unit)
{
    put_text(line, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4)
        put(line, hex[(unit >> shift) & 15]);
}

static void put_code_point(struct line *line, uint32_t c)
{
    if (c == '"' || c == '\\')
        put(line, '\\');
    if (c >= ' ' && c < 0x7f) {
        put(line, (char)c);
    } else if (c < 0x10000) {
        put_unit(line, c);
    } else {
        put_unit(line, 0xd800 + ((c - 0x10000) >> 10));
        put_unit(line, 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
}

/* The length of the UTF-8 sequence that text begins with, or 0 for none (RFC 3629). */
static size_t read_code_point(const char *text, uint32_t *ret_c)
{
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t n = bytes[0] < 0x80                       ? 1
               : bytes[0] >= 0xc2 && bytes[0] < 0xe0 ? 2
               : (bytes[0] & 0xf0) == 0xe0           ? 3
               : bytes[0] >= 0xf0 && bytes[0] < 0xf5 ? 4
                                                     : 0;
    uint32_t c = n == 1 ? bytes[0] : n == 0 ? 0 : bytes[0] & (0xffU >> (n + 1));

    for (size_t i = 1; i < n; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (bytes[i] & 0x3f);
    }
    *ret_c = c;
    return n == 0 || c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

/* A byte that is no UTF-8 becomes U+FFFD. */
static void put_string(struct line *line, const char *text)
{
    size_t end = line->n + VALUE_BYTES;

    put(line, '"');
    while (*text != '\0' && line->n < end) {
        uint32_t c;
        size_t n = read_code_point(text, &c);

        put_code_point(line, n > 0 ? c : 0xfffd);
        text += n > 0 ? n : 1;
    }
    put_text(line, *text != '\0' ? "...\"" : "\"");
}

static void put_member(struct line *line, const struct log_field *field)
{
    size_t before = line->n;

    if (!is_there(field) || line->is_cut)
        return;
    put_text(line, line->n > 1 ? ",\"" : "\"");
    put_text(line, field->key);
    put_text(line, "\":");
    if (field->kind == LOG_KIND_TEXT)
        put_string(line, field->text);
    else
        put_number(line, field);
    if (line->is_cut)
        line->n = before;
}

static void print_json(struct line *line, const struct log_event *event)
{
    const struct log_field first[] = {
        {"time", LOG_KIND_TEXT, event->time, 0, 0},
        {"level", LOG_KIND_TEXT, log_level_name(event->level), 0, 0},
        {"event", LOG_KIND_TEXT, event->name, 0, 0},
    };

    line->cap -= 1; /* for the brace */
    put(line, '{');
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        put_member(line, &first[i]);
    for (size_t i = 0; i < event->n_fields; i++)
        put_member(line, &event->fields[i]);
    line->cap += 1;
    put(line, '}');
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    return names[level];
}

size_t log_line_print(enum log_format format, char *text, size_t cap, const struct log_event *event)
{
    struct line line = {text, 0, cap, false};

    if (format == LOG_FORMAT_JSON)
        print_json(&line, event);
    else
        print_logfmt(&line, event);
    text[line.n] = '\0';
    return line.n;
}
