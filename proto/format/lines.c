/* lines.c - the text that some formats begin with: line by line, and the numbers in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct lines *lines_new(struct coding *stream, const char *format, const char *pointer,
                        struct problem *reterr)
{
    struct lines *lines = calloc(1, sizeof(*lines));

    if (lines != NULL) {
        *lines = (struct lines){
            .stream = stream, .format = format, .pointer = pointer, .reterr = reterr};
        lines->text = malloc(LINES_ONE_BYTES_MAX + 1);
        if (lines->text != NULL)
            return lines;
    }
    lines_free(lines);
    problem_set(reterr, PROBLEM_OUT_OF_MEMORY, pointer, "There is no memory for the %s header.",
                format);
    return NULL;
}

void lines_free(struct lines *lines)
{
    if (lines != NULL)
        free(lines->text);
    free(lines);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The next bytes up to a line's end, or as many as can be looked at. */
static bool read_piece(struct lines *lines, size_t n_text, size_t *ret_n)
{
    const uint8_t *bytes, *end;
    size_t n;

    if (!coding_peek(lines->stream, CODING_PEEK_BYTES, &bytes, &n, lines->reterr))
        return false;
    if (n == 0)
        return problem_set(lines->reterr, PROBLEM_TRUNCATED, lines->pointer,
                           "The %s header ends after %zu bytes, before it is complete.",
                           lines->format, lines->n_read);
    end = memchr(bytes, '\n', n < CODING_PEEK_BYTES ? n : CODING_PEEK_BYTES);
    if (end != NULL)
        n = (size_t)(end - bytes) + 1;
    if (n > LINES_ONE_BYTES_MAX - n_text || n > LINES_BYTES_MAX - lines->n_read)
        return problem_set(lines->reterr, PROBLEM_BAD_MASK, lines->pointer,
                           "The %s header goes on for more than %zu bytes, or a line of it for "
                           "more than %zu; more are not read.",
                           lines->format, LINES_BYTES_MAX, LINES_ONE_BYTES_MAX);
    lines->n_read += n;
    *ret_n = n;
    return coding_read(lines->stream, lines->text + n_text, n, lines->reterr);
}

bool lines_next(struct lines *lines)
{
    size_t n = 0, n_piece = 0;

    do {
        if (!read_piece(lines, n, &n_piece))
            return false;
        n += n_piece;
    } while (lines->text[n - 1] != '\n');
    while (n > 0 && strchr(" \t\r\n", lines->text[n - 1]) != NULL && lines->text[n - 1] != '\0')
        n--;
    lines->text[n] = '\0';
    return strlen(lines->text) == n || lines_bad(lines, "it holds a byte of 0");
}

bool lines_bad(const struct lines *lines, const char *what)
{
    return problem_set(lines->reterr, PROBLEM_BAD_MASK, lines->pointer,
                       "The %s header is malformed: %s, at \"%.80s\".", lines->format, what,
                       lines->text);
}

bool lines_unsupported(const struct lines *lines, const char *what)
{
    return problem_set(lines->reterr, PROBLEM_UNSUPPORTED_MASK, lines->pointer,
                       "The %s header says \"%.80s\": %s.", lines->format, lines->text, what);
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *text)
{
    while (is_blank(*text))
        text++;
    return text;
}

bool lines_is(const char *text, const char *other)
{
    return strcasecmp(text, other) == 0;
}

bool lines_natural(const char **text, uint64_t *ret_value)
{
    const char *at = skip_blanks(*text);
    uint64_t value = 0;

    if (*at < '0' || *at > '9')
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            return false;
    }
    *text = at;
    *ret_value = value;
    return true;
}

bool lines_real(const char **text, double *ret_value)
{
    char *end;
    double value = strtod(*text, &end);

    if (end == *text || !isfinite(value))
        return false;
    *text = end;
    *ret_value = value;
    return true;
}

bool lines_naturals(const char *text, uint64_t *room, size_t cap, size_t *ret_n)
{
    size_t n = 0;

    for (text = skip_blanks(text); *text != '\0'; text = skip_blanks(text), n++) {
        if (n == cap || !lines_natural(&text, &room[n]) || (*text != '\0' && !is_blank(*text)))
            return false;
    }
    *ret_n = n;
    return n > 0;
}

bool lines_reals(const char *text, double *room, size_t cap, size_t *ret_n)
{
    size_t n = 0;

    for (text = skip_blanks(text); *text != '\0'; text = skip_blanks(text), n++) {
        if (n == cap || !lines_real(&text, &room[n]) || (*text != '\0' && !is_blank(*text)))
            return false;
    }
    *ret_n = n;
    return n > 0;
}
