/* log.h - one line per event on stderr. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/clock.h"
#include "daemon/log_line.h"

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

/*
 * The same for what clients can provoke: at most one line a second from each place in the code; how
 * many more there were is said by log_sweep.
 */
#define log_event_limited(level, event, ...)                                 \
    do {                                                                     \
        static struct log_limit log_limit_here = {.name = event};            \
        if (log_is_on(level) && log_limit_pass(&log_limit_here, clock_ms())) \
            log_write(level, event, LOG_FIELDS(__VA_ARGS__));                \
    } while (0)

struct log_limit {
    struct log_limit *next;
    const char *name;
    atomic_bool is_listed;
    atomic_uint_fast64_t next_ms;
    atomic_uint_fast64_t n_suppressed; /* since the last line */
};

/* By name, "info" and "json". */
void log_set_level(const char *name);
void log_set_format(const char *name);
bool log_is_on(enum log_level level);

bool log_limit_pass(struct log_limit *limit, uint64_t now_ms);

/* One line for each place that has had more than its share: `suppressed`. One thread's. */
void log_sweep(uint64_t now_ms);

uint64_t log_n_suppressed(void); /* since the start */

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t n_fields);

#endif
