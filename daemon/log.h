/* log.h - one line per event on stderr, in logfmt. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_kind { LOG_KIND_TEXT, LOG_KIND_UINT, LOG_KIND_SECONDS };

struct log_field {
    const char *key;
    enum log_kind kind;
    const char *text; /* NULL leaves the field out */
    uint64_t number;
    double seconds;
};

#define LOG_TEXT(key, text)            \
    {                                  \
        key, LOG_KIND_TEXT, text, 0, 0 \
    }
#define LOG_UINT(key, number)               \
    {                                       \
        key, LOG_KIND_UINT, NULL, number, 0 \
    }
#define LOG_SECONDS(key, seconds)               \
    {                                           \
        key, LOG_KIND_SECONDS, NULL, 0, seconds \
    }

#define LOG_FIELDS(...)                      \
    (const struct log_field[]){__VA_ARGS__}, \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)

/* log_event(LOG_LEVEL_INFO, "ready", LOG_TEXT("tcp", where)) */
#define log_event(level, event, ...)                          \
    do {                                                      \
        if (log_is_on(level))                                 \
            log_write(level, event, LOG_FIELDS(__VA_ARGS__)); \
    } while (0)

/* The same for what clients can provoke: at most one line a second from each place in the code. */
#define log_event_limited(level, event, ...)                     \
    do {                                                         \
        static struct log_limit log_limit_here;                  \
        if (log_is_on(level) && log_limit_pass(&log_limit_here)) \
            log_write(level, event, LOG_FIELDS(__VA_ARGS__));    \
    } while (0)

struct log_limit {
    atomic_uint_fast64_t next_ms;
};

/* By name, "info". */
void log_set_level(const char *name);
bool log_is_on(enum log_level level);
bool log_limit_pass(struct log_limit *limit);

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t n_fields);

/*
 * The line that log_write writes, without its time, NUL-terminated; what does not fit is cut off.
 * Values are quoted where they need it, and no byte of a value can end a line or a field.
 */
size_t log_format(char *text, size_t cap, enum log_level level, const char *event,
                  const struct log_field *fields, size_t n_fields);

#endif
