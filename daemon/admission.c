/* admission.c - bodies wait here for memory, before a byte of them is read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission.h"

#include <inttypes.h>

#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/memory.h"
#include "daemon/server.h"

/* What a body without a length takes at first; it doubles from there. */
#define CHUNKED_BYTES ((size_t)64 << 10)

/* Bodies below do not queue behind large ones. */
#define SMALL_BYTES ARENA_MAPPED_BYTES

/* Of the budget, what is left to small bodies and to masks. */
#define RESERVED_SHARE 8

static uint64_t wanted_bytes(const struct job *job)
{
    return job->framing.chunked ? CHUNKED_BYTES : job->framing.content_length;
}

static uint64_t most_bytes(uint64_t wanted)
{
    uint64_t budget = memory_budget();

    return wanted < SMALL_BYTES ? budget : budget - budget / RESERVED_SHARE;
}

static bool take(struct job *job)
{
    uint64_t wanted = wanted_bytes(job);

    if (memory_used() + wanted > most_bytes(wanted) || !memory_take(wanted))
        return false;
    job->taken_bytes = wanted;
    return true;
}

static void enqueue(struct admission *admission, struct job *job)
{
    job->next_waiting = NULL;
    if (admission->last != NULL)
        admission->last->next_waiting = job;
    else
        admission->first = job;
    admission->last = job;
    admission->n++;
}

void admission_forget(struct admission *admission, struct job *job)
{
    struct job *before = NULL;

    for (struct job *at = admission->first; at != NULL; before = at, at = at->next_waiting) {
        if (at != job)
            continue;
        if (before != NULL)
            before->next_waiting = job->next_waiting;
        else
            admission->first = job->next_waiting;
        if (admission->last == job)
            admission->last = before;
        admission->n--;
        return;
    }
}

enum admission_verdict admission_ask(struct job *job, struct problem *reterr)
{
    struct admission *admission = &job->server->admission;
    const struct config *config = job->server->config;
    uint64_t wanted = wanted_bytes(job);

    if (wanted > most_bytes(wanted)) {
        problem_set(reterr, PROBLEM_BODY_TOO_LARGE, NULL,
                    "The body has %" PRIu64 " bytes; there is memory for %" PRIu64 ".", wanted,
                    most_bytes(wanted));
        return ADMISSION_REFUSED;
    }
    if ((admission->n == 0 || wanted < SMALL_BYTES) && take(job))
        return ADMISSION_GRANTED;
    if (admission->n >= config->limits_waiting) {
        problem_set(reterr, PROBLEM_QUEUE_FULL, NULL,
                    "There is no memory for this body now, and too many others wait for some.");
        return ADMISSION_REFUSED;
    }
    enqueue(admission, job);
    job->state = JOB_WAIT;
    connection_enter(job->connection, CONNECTION_WAIT, config->timeouts_queue_ms);
    job_suspend(job);
    return ADMISSION_WAITING;
}

void admission_grant(struct server *server)
{
    struct job *job;

    while ((job = server->admission.first) != NULL && take(job)) {
        admission_forget(&server->admission, job);
        job_resume(job, JOB_GRANTED);
    }
}

void admission_refuse(struct job *job, const struct problem *problem)
{
    admission_forget(&job->server->admission, job);
    job_fail(job, problem);
    job_resume(job, JOB_READY);
}

void admission_refuse_all(struct server *server, const struct problem *problem)
{
    while (server->admission.first != NULL)
        admission_refuse(server->admission.first, problem);
}
