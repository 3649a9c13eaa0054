/* work.h - scoring: what is done on the loop, what by a worker, and by which. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_WORK_H
#define DAEMON_WORK_H

#include <stdbool.h>

#include "proto/problem.h"

struct job;
struct task;

/* The route POST /v1/score. */
bool work_check(struct job *job, struct problem *reterr);
bool work_begin(struct job *job);

/*
 * The pool's: on a worker. The job has its answer afterwards or, with status 0, nobody to answer;
 * false where it was pushed into the other lane instead.
 */
bool work_run(struct task *task);

#endif
