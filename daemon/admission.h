/* admission.h - bodies wait here for memory, before a byte of them is read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ADMISSION_H
#define DAEMON_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/shares.h"
#include "daemon/turns.h"
#include "proto/problem.h"

struct job;
struct server;

/* Bodies below a size do not queue behind large ones. */
enum admission_size { ADMISSION_SMALL, ADMISSION_LARGE, ADMISSION_N_SIZES };

struct admission {
    struct turns waiting[ADMISSION_N_SIZES];
    struct shares shares; /* of what has been taken */
};

enum admission_verdict { ADMISSION_GRANTED, ADMISSION_WAITING, ADMISSION_REFUSED };

/* Waiting: the job is suspended, and resumed as JOB_GRANTED or JOB_READY. */
enum admission_verdict admission_ask(struct job *job, struct problem *reterr);

/*
 * Take what an arena for n_bytes needs beyond what the job has taken already. Large bodies, and
 * those that grow to be large, leave a share of the budget to small ones, and all of one user's
 * leave one to others.
 */
bool admission_take(struct job *job, size_t n_bytes);
void admission_give(struct job *job); /* all that it has taken */

size_t admission_n_waiting(const struct admission *admission);
void admission_grant(struct server *server); /* as many as there is memory for now */
void admission_refuse(struct job *job, const struct problem *problem);
void admission_refuse_all(struct server *server, const struct problem *problem);
void admission_forget(struct job *job); /* nothing where it does not wait */

#endif
