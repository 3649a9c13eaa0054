/* writer.h - JSON written straight into text, without a tree of values in between. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_WRITER_H
#define PROTO_WRITER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Values follow each other as calls do; commas come by themselves. What is written is what jansson
 * would print of the same values (JSON_COMPACT), byte for byte. Once memory was out nothing more
 * is written and there is no text: no answer lacks a member.
 */
struct writer {
    char *at;
    size_t n;
    size_t cap;
    bool failed;
};

void writer_init(struct writer *writer);
void writer_done(struct writer *writer);

/* '{' or '[', and later '}' or ']'. */
void writer_open(struct writer *writer, char bracket);
void writer_close(struct writer *writer, char bracket);

/* A member's name; its value comes next. */
void writer_name(struct writer *writer, const char *name);

void writer_null(struct writer *writer);
void writer_bool(struct writer *writer, bool value);
void writer_integer(struct writer *writer, int64_t value);
void writer_count(struct writer *writer, uint64_t value);
/* null for NaN and infinity, which JSON does not have. */
void writer_real(struct writer *writer, double value);
/* UTF-8, NUL-terminated; null for NULL. */
void writer_string(struct writer *writer, const char *text);

/* Arrays of numbers. */
void writer_counts(struct writer *writer, const uint64_t *values, size_t n);
void writer_integers(struct writer *writer, const int64_t *values, size_t n);

/* A value of any kind that was parsed; recurses as deep as it is nested. */
void writer_json(struct writer *writer, json_t *json);

/* As writer_name, for a name that has nothing to escape: one of ours. */
void writer_put(struct writer *writer, const char *name);

/* The same, and its value. */
void writer_put_null(struct writer *writer, const char *name);
void writer_put_bool(struct writer *writer, const char *name, bool value);
void writer_put_integer(struct writer *writer, const char *name, int64_t value);
void writer_put_count(struct writer *writer, const char *name, uint64_t value);
void writer_put_real(struct writer *writer, const char *name, double value);
void writer_put_string(struct writer *writer, const char *name, const char *text);

void writer_put_counts(struct writer *writer, const char *name, const uint64_t *values, size_t n);

/* The text, NUL-terminated, to be freed by the caller; NULL where memory was out. */
char *writer_take(struct writer *writer, size_t *ret_bytes);

#endif
