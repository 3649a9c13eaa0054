/* keep.h - requests that change what is kept: they are answered after the commit. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_KEEP_H
#define DAEMON_KEEP_H

#include <stdbool.h>

#include "proto/problem.h"

struct job;
struct server;

/* PUT /v1/runs/{run}/cases/{case}, of which work.c does the scoring. */
bool keep_check(struct job *job, struct problem *reterr);

/* After the scoring, with the answer there: false where the store will finish the job. */
bool keep_push(struct job *job);

/* DELETE /v1/runs/{run}/cases/{case}, DELETE and PUT /v1/runs/{run}. */
bool keep_forget_case(struct job *job);
bool keep_forget_run(struct job *job);
bool keep_check_info(struct job *job, struct problem *reterr);
bool keep_info(struct job *job);

/* On the loop: answer what the store has finished. */
void keep_answer_finished(struct server *server);

#endif
