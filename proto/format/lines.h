/* lines.h - the text that some formats begin with: line by line, and the numbers in it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_LINES_H
#define PROTO_FORMAT_LINES_H

#include "proto/coding.h"

/* What segments have to say of themselves stands in lines of some kilobytes, of which there may be
 * hundreds. */
#define LINES_BYTES_MAX     ((size_t)1 << 20) /* of the whole header */
#define LINES_ONE_BYTES_MAX ((size_t)1 << 16)

/* A header being read. */
struct lines {
    struct coding *stream;
    const char *format;  /* "NRRD": named in problems */
    const char *pointer; /* of the source */
    size_t n_read;
    char *text; /* the line, without its end and the blanks before it; NUL-terminated */
    struct problem *reterr;
};

/* NULL, with reterr set, where memory is out. reterr is where all that is wrong will be said. */
struct lines *lines_new(struct coding *stream, const char *format, const char *pointer,
                        struct problem *reterr);
void lines_free(struct lines *lines);

/* The next line. Problems: no line's end before the file's, a NUL in it, LINES_..._MAX. */
bool lines_next(struct lines *lines);

/* "The NRRD header is malformed: what, as in 'the line'". Returns false. */
bool lines_bad(const struct lines *lines, const char *what);

/* What the format allows and is not read here. Returns false. */
bool lines_unsupported(const struct lines *lines, const char *what);

/* ---- values ---------------------------------------------------------------------------------- */

bool lines_is(const char *text, const char *other); /* whatever the case */

/* Numbers between blanks: 1 to cap of them and nothing else. */
bool lines_naturals(const char *text, uint64_t *room, size_t cap, size_t *ret_n);
bool lines_reals(const char *text, double *room, size_t cap, size_t *ret_n);

/* One number at *text, which moves behind it. false where there is none, or it is not finite. */
bool lines_natural(const char **text, uint64_t *ret_value);
bool lines_real(const char **text, double *ret_value);

#endif
