/* problem.h - what can be wrong with a request, as RFC 9457 problem documents. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_PROBLEM_H
#define PROTO_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Symbol, HTTP status, code (stable; what programs test), title. The only place with HTTP numbers.
 */
#define PROBLEM_MAP(X)                                                                             \
    X(BAD_REQUEST, 400, "bad-request", "The request is malformed")                                 \
    X(BAD_HEADER, 400, "bad-header", "The message framing is ambiguous or malformed")              \
    X(BAD_JSON, 400, "bad-json", "The JSON is malformed")                                          \
    X(BAD_MULTIPART, 400, "bad-multipart", "The multipart body is malformed")                      \
    X(BAD_PARAMETER, 400, "bad-parameter", "A parameter is unknown or has a bad value")            \
    X(MISSING_PART, 400, "missing-part", "A part is missing")                                      \
    X(UNKNOWN_PART, 400, "unknown-part", "A part is not one of those that belong here")            \
    X(UNAUTHENTICATED, 401, "unauthenticated", "A valid token is needed")                          \
    X(FORBIDDEN, 403, "forbidden", "The token or the user may not do this")                        \
    X(FOREIGN_ORIGIN, 403, "foreign-origin", "Pages of this origin may not use the daemon")        \
    X(SHM_FORBIDDEN, 403, "shm-forbidden", "This shared memory is not yours to hand over here")    \
    X(NOT_FOUND, 404, "not-found", "There is nothing at this path")                                \
    X(SHM_UNKNOWN, 404, "shm-unknown", "There is no such shared memory")                           \
    X(HANDLE_UNKNOWN, 404, "handle-unknown", "There is no such handle")                            \
    X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "This path does not take that method")        \
    X(NO_STORE, 404, "no-store", "Nothing is kept here")                                           \
    X(NO_RUN, 404, "unknown-run", "There is no such run")                                          \
    X(NO_CASE, 404, "unknown-case", "There is no such case in the run")                            \
    X(NO_OVERLAY, 404, "unknown-overlay", "No overlay of this case is kept")                       \
    X(BODY_TIMEOUT, 408, "body-timeout", "The body did not arrive in time")                        \
    X(SHM_NAME_IN_USE, 409, "shm-name-in-use", "Another region has this name")                     \
    X(CONFLICT, 412, "condition-failed", "The condition of the request does not hold")             \
    X(BODY_TOO_LARGE, 413, "body-too-large", "The body is larger than the limit")                  \
    X(DECODED_TOO_LARGE, 413, "decoded-too-large", "A mask is larger than the limit when decoded") \
    X(TOO_MANY_VOXELS, 413, "too-many-voxels", "A mask has more voxels than the limit")            \
    X(TOO_MANY_PARTS, 413, "too-many-parts", "The body has more parts than the limit")             \
    X(REQUEST_TOO_LARGE, 413, "request-too-large", "The request JSON is larger than the limit")    \
    X(UNSUPPORTED_TYPE, 415, "unsupported-media-type", "The content type is not supported")        \
    X(UNSUPPORTED_ENCODING, 415, "unsupported-encoding", "The content coding is not supported")    \
    X(UNSUPPORTED_SYNTAX, 415, "unsupported-transfer-syntax",                                      \
      "The DICOM transfer syntax is not supported")                                                \
    X(UNKNOWN_FORMAT, 422, "unknown-format", "The mask's format is not recognised")                \
    X(FORMAT_MISMATCH, 422, "format-mismatch", "The mask is not of the format it is said to be")   \
    X(BAD_MASK, 422, "bad-mask", "The mask file is malformed")                                     \
    X(UNSUPPORTED_MASK, 422, "unsupported-mask", "The mask file uses what is not supported")       \
    X(CORRUPT, 422, "corrupt-encoding", "The compressed data is corrupt")                          \
    X(TRUNCATED, 422, "truncated", "The data ends too early")                                      \
    X(TRAILING_BYTES, 422, "trailing-bytes", "There are bytes after the end of the mask")          \
    X(SHAPE_MISMATCH, 422, "shape-mismatch", "Prediction and reference differ in shape")           \
    X(GEOMETRY_MISMATCH, 422, "geometry-mismatch", "Prediction and reference lie elsewhere")       \
    X(NON_INTEGRAL, 422, "non-integral", "A label is not an integer")                              \
    X(NOT_A_NUMBER, 422, "not-a-number", "A voxel is not a number")                                \
    X(OUT_OF_RANGE, 422, "out-of-range", "A value is outside its range")                           \
    X(LABEL_OUT_OF_RANGE, 422, "label-out-of-range", "A label is outside -2^31 .. 2^32-1")         \
    X(NO_MEMBER, 422, "no-such-member", "The archive has no such member, or several")              \
    X(UNLISTED_COLOR, 422, "unlisted-color", "A pixel has a colour that stands for no label")      \
    X(OVERLAP, 422, "overlap", "Labels overlap where they must not")                               \
    X(TOO_MANY_LABELS, 422, "too-many-labels", "There are more distinct labels than the limit")    \
    X(NO_OVERLAY_OF, 422, "no-overlay", "There can be no overlay of these masks")                  \
    X(SHM_BAD_OBJECT, 422, "shm-bad-object", "This is not shared memory that can be read")         \
    X(SHM_TOO_SMALL, 422, "shm-too-small", "The shared memory ends before the mask does")          \
    X(SHM_READ_ONLY, 422, "shm-read-only", "This shared memory is not to be written to")           \
    X(SHM_OVERLAP, 422, "shm-overlap", "A gradient would overwrite an input")                      \
    X(SHM_TRUNCATED, 422, "shm-truncated", "The shared memory became shorter meanwhile")           \
    X(SHM_QUOTA, 429, "shm-quota", "You have as much shared memory registered as you may")         \
    X(TOO_MANY_KEPT, 422, "too-many-kept", "There are as many runs or cases as may be kept")       \
    X(TOO_MANY_FAILURES, 429, "too-many-failures", "Your address has failed too often")            \
    X(INTERNAL, 500, "internal", "Something went wrong here")                                      \
    X(SHM_DISABLED, 501, "shm-disabled", "Shared memory is turned off here")                       \
    X(SHM_FULL, 507, "shm-full", "There is no memory left behind the shared memory")               \
    X(QUEUE_FULL, 503, "queue-full", "Too many requests are waiting")                              \
    X(OUT_OF_MEMORY, 503, "out-of-memory", "There is no memory for this request now")              \
    X(STORE_UNAVAILABLE, 503, "store-unavailable", "Results cannot be kept now")                   \
    X(DRAINING, 503, "draining", "The daemon is shutting down")

#define PROBLEM_ENUM(symbol, status, code, title) PROBLEM_##symbol,
enum problem_code { PROBLEM_NONE, PROBLEM_MAP(PROBLEM_ENUM) PROBLEM_N };
#undef PROBLEM_ENUM

/* A zeroed struct is no problem. Functions that fill one (reterr) let the first problem win. */
struct problem {
    enum problem_code code;
    char pointer[96]; /* JSON pointer as a URI fragment, "#/prediction/shape"; "" for none */
    char detail[512]; /* one or two sentences that a person can act on; ASCII */
};

/*
 * Fill in a problem, unless one is there already. Returns false, so that callers can return it.
 *   pointer   NULL for none
 *   format    printf's; what is not printable ASCII comes out as '?'
 */
bool problem_set(struct problem *reterr, enum problem_code code, const char *pointer,
                 const char *format, ...) __attribute__((cold, format(printf, 4, 5)));

int problem_status(enum problem_code code);       /* the HTTP status */
const char *problem_name(enum problem_code code); /* the stable code, "bad-request" */

/*
 * The problem document (application/problem+json), NUL-terminated; to be freed by the caller.
 *   instance   path of the request, or NULL
 * NULL where memory is out.
 */
char *problem_print(const struct problem *problem, const char *instance, size_t *ret_bytes);

#endif
