/* multipart.h - the parts of a multipart/form-data body (RFC 7578). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_MULTIPART_H
#define PROTO_MULTIPART_H

#include "proto/env.h"
#include "proto/problem.h"

#define MULTIPART_BOUNDARY_MAX   70 /* RFC 2046, section 5.1.1 */
#define MULTIPART_FILENAME_BYTES 256

struct part {
    char name[64];
    char filename[MULTIPART_FILENAME_BYTES]; /* "" for none; cut where longer */
    const uint8_t *bytes;                    /* inside the body */
    size_t n_bytes;
};

/* Take the boundary out of a Content-Type that begins with multipart/form-data. */
bool multipart_boundary(const char *content_type, char ret_boundary[MULTIPART_BOUNDARY_MAX + 1],
                        struct problem *reterr);

struct parts {
    struct part *list; /* the caller's, with room for limits->parts */
    size_t n;
};

/*
 * Find the parts. The body must be nothing but them: no preamble, no epilogue. Where it is not, the
 * list holds whatever was found before and n is left alone.
 * Cost: one search over the body.
 */
bool multipart_parse(const uint8_t *body, size_t n_bytes, const char *boundary,
                     const struct limits *limits, struct parts *ret_parts, struct problem *reterr);

#endif
