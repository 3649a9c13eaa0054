/* run_read.h - requests that ask what is kept: what a worker does. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_RUN_READ_H
#define DAEMON_RUN_READ_H

struct job;

/* The job has its answer afterwards. */
void run_read(struct job *job);

#endif
