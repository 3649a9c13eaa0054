/* admission.h - bodies wait here for memory, before a byte of them is read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ADMISSION_H
#define DAEMON_ADMISSION_H

#include "proto/problem.h"

#include <stdbool.h>
#include <stddef.h>

struct job;
struct server;

struct admission {
    struct job *first; /* in order of arrival */
    struct job *last;
    size_t n;
};

enum admission_verdict { ADMISSION_GRANTED, ADMISSION_WAITING, ADMISSION_REFUSED };

/* Waiting: the job is suspended, and resumed as JOB_GRANTED or JOB_READY. */
enum admission_verdict admission_ask(struct job *job, struct problem *reterr);

/*
 * Take what an arena for n_bytes needs beyond what the job has taken already. Large bodies, and
 * those that grow to be large, leave a share of the budget to small ones.
 */
bool admission_take(struct job *job, size_t n_bytes);

void admission_grant(struct server *server); /* as many as there is memory for now */
void admission_refuse(struct job *job, const struct problem *problem);
void admission_refuse_all(struct server *server, const struct problem *problem);
void admission_forget(struct admission *admission,
                      struct job *job); /* nothing where it does not wait */

#endif
