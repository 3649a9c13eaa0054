/* run.h - requests that ask what is kept. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_RUN_H
#define DAEMON_RUN_H

#include <stdbool.h>

#include "proto/problem.h"

struct job;
struct server;

/* Whether there is a store, and the names in the path are names. */
bool run_names_check(const struct job *job, struct problem *reterr);

/* The routes GET /v1/runs and below. */
bool run_list(struct job *job);
bool run_summary(struct job *job);
bool run_cases(struct job *job);
bool run_case(struct job *job);
bool run_overlay(struct job *job);
bool run_compare(struct job *job);

/* On the loop: go on with those who wait for a change where there is one. */
void run_wake_polls(struct server *server);

/* On the loop: answer one who has waited long enough; or all of them, where the daemon ends. */
void run_end_poll(struct job *job);
void run_end_polls(struct server *server);

#endif
