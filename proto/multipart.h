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

/*
 * Find the parts. The body must be nothing but them: no preamble, no epilogue.
 *   ret_parts   room for limits->parts
 * Cost: one search over the body.
 */
bool multipart_parse(const uint8_t *body, size_t n_bytes, const char *boundary,
                     const struct limits *limits, struct part *ret_parts, size_t *ret_n,
                     struct problem *reterr);

#endif
