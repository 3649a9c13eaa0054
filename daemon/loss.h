/* loss.h - soft losses and their gradients, by a worker. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_LOSS_H
#define DAEMON_LOSS_H

#include <stdbool.h>

#include "proto/problem.h"

struct job;

/* The route POST /v1/loss. */
bool loss_check_job(struct job *job, struct problem *reterr);
bool loss_begin(struct job *job);

#endif
