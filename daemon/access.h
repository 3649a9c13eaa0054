/* access.h - who may ask for what, decided before a body is read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ACCESS_H
#define DAEMON_ACCESS_H

#include <stdbool.h>

#include "proto/problem.h"

struct job;

/*
 * By the page that sent the request, the peer on a Unix socket and the token elsewhere. Needs
 * job->route, where NULL asks for any token: who has none shall not learn which paths there are.
 * Sets what the answer says of it. After PROBLEM_TOO_MANY_FAILURES the connection should end.
 */
bool access_check(struct job *job, struct problem *reterr);

/* Whether it is a browser's question what a page may send; it carries no token. */
bool access_is_preflight(const struct job *job);

#endif
