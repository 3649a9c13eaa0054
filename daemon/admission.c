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

static size_t first_bytes(const struct job *job)
{
    return job->framing.chunked ? CHUNKED_BYTES : (size_t)job->framing.content_length;
}

static bool is_small(size_t n_bytes)
{
    return n_bytes < SMALL_BYTES;
}

static uint64_t most_bytes(size_t n_bytes)
{
    uint64_t budget = memory_budget();

    return is_small(n_bytes) ? budget : budget - budget / RESERVED_SHARE;
}

bool admission_take(struct job *job, size_t n_bytes)
{
    uint64_t more = arena_size(n_bytes) - job->taken_bytes;

    if (memory_used() + more > most_bytes(n_bytes) || !memory_take(more))
        return false;
    job->taken_bytes += more;
    return true;
}

static void enqueue(struct admission *admission, struct job *job)
{
    job->next_waiting = NULL;
    job->previous_waiting = admission->last;
    if (admission->last != NULL)
        admission->last->next_waiting = job;
    else
        admission->first = job;
    admission->last = job;
    admission->n++;
}

void admission_forget(struct admission *admission, struct job *job)
{
    if (job->state != JOB_WAIT)
        return;
    if (job->previous_waiting != NULL)
        job->previous_waiting->next_waiting = job->next_waiting;
    else
        admission->first = job->next_waiting;
    if (job->next_waiting != NULL)
        job->next_waiting->previous_waiting = job->previous_waiting;
    else
        admission->last = job->previous_waiting;
    admission->n--;
}

enum admission_verdict admission_ask(struct job *job, struct problem *reterr)
{
    struct admission *admission = &job->server->admission;
    const struct config *config = job->server->config;
    size_t n_bytes = first_bytes(job);

    if (arena_size(n_bytes) > most_bytes(n_bytes)) {
        problem_set(reterr, PROBLEM_BODY_TOO_LARGE, NULL,
                    "The body needs %zu bytes of memory; there are never more than %" PRIu64
                    " (limits.budget_bytes).",
                    arena_size(n_bytes), most_bytes(n_bytes));
        return ADMISSION_REFUSED;
    }
    if ((admission->n == 0 || is_small(n_bytes)) && admission_take(job, n_bytes))
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

/* In order of arrival, but a small body does not wait for a large one in front of it. */
void admission_grant(struct server *server)
{
    struct job *next;
    bool large_wait = false;

    for (struct job *job = server->admission.first; job != NULL; job = next) {
        bool small = is_small(first_bytes(job));

        next = job->next_waiting;
        if (!small && large_wait)
            continue;
        if (admission_take(job, first_bytes(job))) {
            admission_forget(&server->admission, job);
            job_resume(job, JOB_GRANTED);
        } else if (small) {
            return;
        } else {
            large_wait = true;
        }
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
