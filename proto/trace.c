/* trace.c - the header traceparent: which trace a request is part of (W3C Trace Context). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/trace.h"

#include <stdio.h>
#include <string.h>

/* Where the parts begin, in both of what is read and what is written. */
enum {
    AT_ID = 3,
    AT_SPAN = AT_ID + TRACE_ID_DIGITS + 1,
    AT_FLAGS = AT_SPAN + TRACE_SPAN_DIGITS + 1
};

static const char digits[] = "0123456789abcdef";

/* n digits, then one of the characters `after` or the text's end. */
static bool is_part(const char *text, size_t n, char after)
{
    return strspn(text, digits) == n && text[n] == after;
}

static bool is_zero(const char *text, size_t n)
{
    return strspn(text, "0") >= n;
}

bool trace_parse(const char *text, struct trace *ret_trace)
{
    bool is_later = strncmp(text, "00", 2) != 0;
    size_t n = strnlen(text, TRACE_TEXT_BYTES);

    if (n < AT_FLAGS + 2 || strncmp(text, "ff", 2) == 0)
        return false;
    if (!is_part(text, 2, '-') || !is_part(text + AT_ID, TRACE_ID_DIGITS, '-') ||
        !is_part(text + AT_SPAN, TRACE_SPAN_DIGITS, '-') ||
        !(is_part(text + AT_FLAGS, 2, '\0') || (is_later && is_part(text + AT_FLAGS, 2, '-'))))
        return false;
    if (is_zero(text + AT_ID, TRACE_ID_DIGITS) || is_zero(text + AT_SPAN, TRACE_SPAN_DIGITS))
        return false;
    snprintf(ret_trace->id, sizeof(ret_trace->id), "%s", text + AT_ID);
    snprintf(ret_trace->text, sizeof(ret_trace->text), "00%s", text + 2);
    return true;
}
