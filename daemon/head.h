/* head.h - what libmicrohttpd made of a request's head, handed to the gate. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HEAD_H
#define DAEMON_HEAD_H

#include <stdbool.h>

struct job;
struct problem;

/* Each sets PROBLEM_BAD_HEADER or PROBLEM_BODY_TOO_LARGE; then the connection must be closed. */
bool head_check(struct job *job, const char *version, struct problem *reterr);

/* Of a head that is not complete, what it says of the body's length. */
bool head_check_length(const struct job *job, struct problem *reterr);

/* The headers after a body in chunks say nothing to us, but must be what they seem. */
bool head_check_trailer(const struct job *job, struct problem *reterr);

#endif
