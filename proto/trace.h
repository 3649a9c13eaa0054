/* trace.h - the header traceparent: which trace a request is part of (W3C Trace Context). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_TRACE_H
#define PROTO_TRACE_H

#include <stdbool.h>

#define TRACE_ID_DIGITS   32
#define TRACE_SPAN_DIGITS 16
#define TRACE_TEXT_BYTES  56

/* Of lower-case hexadecimal digits; "" for no trace. */
struct trace {
    char id[TRACE_ID_DIGITS + 1];
    char text[TRACE_TEXT_BYTES]; /* the header as version 00 writes it */
};

/*
 * Whether text is such a header, to the letter: "00-" trace id "-" parent id "-" flags, no id of
 * zeros, nothing after it. Of later versions, which may add to it, the same part is read, and
 * written as version 00. ret_trace is untouched where it is not.
 */
bool trace_parse(const char *text, struct trace *ret_trace);

#endif
