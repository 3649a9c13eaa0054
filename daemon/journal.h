/* journal.h - what the log says of a request: one line once it is complete, and its trace. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_JOURNAL_H
#define DAEMON_JOURNAL_H

#include <stddef.h>

struct header;
struct job;

/* Take the trace from a header traceparent, if there is one, valid and the only one. */
void journal_take_trace(struct job *job, const struct header *headers, size_t n_headers);

/* The request's trace id, for lines about it; NULL for none. */
const char *journal_trace(const struct job *job);

/* The request is complete: count what it took, and log it where log.access or the level says so. */
void journal_complete(struct job *job);

#endif
