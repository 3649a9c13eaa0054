/* gate.h - whether a request's framing means one thing only; libmicrohttpd takes more than that. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_GATE_H
#define DAEMON_GATE_H

#include "proto/problem.h"

struct header {
    const char *name;
    const char *value;
};

/* A request's head, unescaped by the parser; borrowed. */
struct gate_request {
    const char *method;
    const char *version; /* "HTTP/1.1" */
    const char *path;    /* unescaped, without the query */
    const struct header *headers;
    size_t n_headers;
    const char *target; /* where it was before it was unescaped in place, and its length */
    size_t target_bytes;
    size_t head_bytes; /* all of the head, to its empty line's end */
    uint64_t max_body_bytes;
    const char *allowed_hosts; /* "a, b"; "" for all */
};

struct framing {
    bool chunked;
    uint64_t content_length; /* 0 where chunked */
};

/* PROBLEM_BAD_HEADER or PROBLEM_BODY_TOO_LARGE; after either the connection must be closed. */
bool gate_check(const struct gate_request *request, struct framing *ret_framing,
                struct problem *reterr);

/* The part of gate_check that is about the body's length: for a head that is not complete yet. */
bool gate_check_body(const struct gate_request *request, struct framing *ret_framing,
                     struct problem *reterr);

/*
 * Whether nothing but CRLF ended a line of a head that was parsed in place, as libmicrohttpd does:
 * whether its parts lie as they do then. They lie otherwise where a line is folded, ends with LF or
 * CR alone, has a NUL in it or no name, and where there is more than one blank in the first.
 */
bool gate_is_seamless(const struct gate_request *request);

/* Headers that came after a body; PROBLEM_BAD_HEADER. */
bool gate_check_trailer(const struct header *headers, size_t n_headers, struct problem *reterr);

/*
 * What is wrong with a request target as sent, "/a?b=c"; NULL for nothing. It must be asked before
 * the parser unescapes the target in place, because %00 would cut it short.
 */
const char *gate_target_fault(const char *target);

#endif
