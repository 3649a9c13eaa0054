/* work.h - scoring: what is done on the loop, what by a worker, and by which. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_WORK_H
#define DAEMON_WORK_H

#include <stdbool.h>

#include "daemon/pool.h"
#include "proto/problem.h"

struct job;

/* The route POST /v1/score. */
bool work_check(struct job *job, struct problem *reterr);
bool work_begin(struct job *job);

/* Whether the loop may parse a request to learn how much work it is. */
bool work_is_worth_a_look(const struct job *job);

/*
 * Have a worker do `read`, which gives the job its answer. _push: for a job that is suspended
 * already. true: there was no room, and that is its answer; false: it will have one.
 */
bool work_hand_over(struct job *job, enum pool_lane lane, void (*read)(struct job *job));
bool work_push(struct job *job, enum pool_lane lane, void (*read)(struct job *job));

/*
 * The pool's: on a worker. The job has its answer afterwards or, with status 0, nobody to answer;
 * false where it was pushed into the other lane instead.
 */
bool work_run(struct task *task);

#endif
