/* log_line.h - one event as a line of text, in logfmt or JSON. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOG_LINE_H
#define DAEMON_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

enum log_kind { LOG_KIND_TEXT, LOG_KIND_UINT, LOG_KIND_SECONDS };

struct log_field {
    const char *key;
    enum log_kind kind;
    const char *text; /* NULL leaves the field out */
    uint64_t number;
    double seconds; /* below 0 leaves the field out */
};

struct log_event {
    const char *time; /* NULL for none */
    enum log_level level;
    const char *name;
    const struct log_field *fields;
    size_t n_fields;
};

const char *log_level_name(enum log_level level);

/*
 * Write the line, NUL-terminated and without its end; n bytes, fewer than cap. Every line is of
 * printable ASCII, and no byte of a value can end a line or a field. A long value is cut. What does
 * not fit is cut off in logfmt; in JSON whole fields are left out, so that it stays JSON.
 */
size_t log_line_print(enum log_format format, char *text, size_t cap,
                      const struct log_event *event);

#endif
