/* log.c - one line per event on stderr, in logfmt. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/clock.h"

#define LINE_BYTES 2048

/* A longer value is cut: a line with the longest of each field fits. */
#define VALUE_BYTES 256

static const char *const names[] = {"error", "warn", "info", "debug"};

static _Atomic enum log_level highest = LOG_LEVEL_INFO;

void log_set_level(const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0)
            atomic_store_explicit(&highest, (enum log_level)i, memory_order_relaxed);
    }
}

bool log_is_on(enum log_level level)
{
    return level <= atomic_load_explicit(&highest, memory_order_relaxed);
}

bool log_limit_pass(struct log_limit *limit)
{
    uint_fast64_t now = clock_ms();
    uint_fast64_t next = atomic_load(&limit->next_ms);

    return now >= next && atomic_compare_exchange_strong(&limit->next_ms, &next, now + 1000);
}

/* A line being written; one byte stays free for the line end. */
struct line {
    char *text;
    size_t n;
    size_t cap;
};

static void put(struct line *line, char c)
{
    if (line->n + 2 < line->cap)
        line->text[line->n++] = c;
}

static void put_text(struct line *line, const char *text)
{
    for (; *text != '\0'; text++)
        put(line, *text);
}

static void put_escaped(struct line *line, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

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
    char number[32];

    if (field->kind == LOG_KIND_TEXT && field->text == NULL)
        return;
    put(line, ' ');
    put_text(line, field->key);
    put(line, '=');
    if (field->kind == LOG_KIND_TEXT) {
        put_value(line, field->text);
        return;
    }
    if (field->kind == LOG_KIND_UINT)
        snprintf(number, sizeof(number), "%" PRIu64, field->number);
    else
        snprintf(number, sizeof(number), "%.6f", field->seconds);
    put_text(line, number);
}

size_t log_format(char *text, size_t cap, enum log_level level, const char *event,
                  const struct log_field *fields, size_t n_fields)
{
    struct line line = {text, 0, cap};

    put_text(&line, "level=");
    put_text(&line, names[level]);
    put_text(&line, " event=");
    put_value(&line, event);
    for (size_t i = 0; i < n_fields; i++)
        put_field(&line, &fields[i]);
    text[line.n] = '\0';
    return line.n;
}

/* "time=2026-01-02T03:04:05.678Z " */
static size_t format_time(char *text, size_t cap)
{
    struct timespec now;
    struct tm tm;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    n = strftime(text, cap, "time=%Y-%m-%dT%H:%M:%S", &tm);
    n += (size_t)snprintf(text + n, cap - n, ".%03dZ ", (int)(now.tv_nsec / 1000000));
    return n;
}

/* One write per line, so that lines of several threads do not mix. */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t n_fields)
{
    char text[LINE_BYTES];
    size_t n = format_time(text, sizeof(text));

    n += log_format(text + n, sizeof(text) - n, level, event, fields, n_fields);
    text[n++] = '\n';
    /* A log that cannot be written is no reason to stop serving. */
    if (write(STDERR_FILENO, text, n) < 0)
        return;
}
