/* log.c - one line per event on stderr. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 2560
#define TIME_BYTES 32

/* How long a place that has written a line is silent. */
#define SILENCE_MS 1000

static _Atomic enum log_level highest = LOG_LEVEL_INFO;
static _Atomic enum log_format written_as = LOG_FORMAT_LOGFMT;

/* Of the places in the code that have written; none ever goes. */
static _Atomic(struct log_limit *) first;

static atomic_uint_fast64_t n_suppressed;

void log_set_level(const char *name)
{
    for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(log_level_name((enum log_level)i), name) == 0)
            atomic_store_explicit(&highest, (enum log_level)i, memory_order_relaxed);
    }
}

void log_set_format(const char *name)
{
    atomic_store_explicit(&written_as,
                          strcmp(name, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT,
                          memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return level <= atomic_load_explicit(&highest, memory_order_relaxed);
}

static void enlist(struct log_limit *limit)
{
    if (atomic_exchange(&limit->is_listed, true))
        return;
    limit->next = atomic_load(&first);
    while (!atomic_compare_exchange_weak(&first, &limit->next, limit))
        ;
}

bool log_limit_pass(struct log_limit *limit, uint64_t now_ms)
{
    uint_fast64_t next = atomic_load(&limit->next_ms);

    if (now_ms >= next &&
        atomic_compare_exchange_strong(&limit->next_ms, &next, now_ms + SILENCE_MS)) {
        enlist(limit);
        return true;
    }
    atomic_fetch_add(&limit->n_suppressed, 1);
    atomic_fetch_add(&n_suppressed, 1);
    return false;
}

void log_sweep(uint64_t now_ms)
{
    for (struct log_limit *at = atomic_load(&first); at != NULL; at = at->next) {
        uint64_t n =
            now_ms >= atomic_load(&at->next_ms) ? atomic_exchange(&at->n_suppressed, 0) : 0;

        if (n > 0)
            log_event(LOG_LEVEL_WARN, "suppressed", LOG_TEXT("of", at->name), LOG_UINT("lines", n));
    }
}

uint64_t log_n_suppressed(void)
{
    return atomic_load(&n_suppressed);
}

/* "2026-01-02T03:04:05.678Z" */
static void format_time(char *text)
{
    struct timespec now;
    struct tm tm;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    n = strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, TIME_BYTES - n, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

/* One write per line, so that lines of several threads do not mix. */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t n_fields)
{
    char text[LINE_BYTES];
    char stamp[TIME_BYTES];
    const struct log_event line = {stamp, level, event, fields, n_fields};
    size_t n;

    format_time(stamp);
    n = log_line_print(atomic_load_explicit(&written_as, memory_order_relaxed), text, sizeof(text),
                       &line);
    text[n++] = '\n';
    /* A log that cannot be written is no reason to stop serving. */
    if (write(STDERR_FILENO, text, n) < 0)
        return;
}
