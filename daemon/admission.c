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

/* Bodies below are small. */
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

/* Who has nothing else may have one body of any size. */
static bool is_within_share(const struct job *job, size_t n_bytes)
{
    const struct admission *admission = &job->server->admission;
    uint64_t percent = job->server->config->limits_share;
    uint64_t own = shares_of(&admission->shares, job->task.turn.user);
    uint64_t after = own - job->taken_bytes + arena_size(n_bytes);

    return own == job->taken_bytes || after <= shares_limit(most_bytes(n_bytes), percent);
}

bool admission_take(struct job *job, size_t n_bytes)
{
    uint64_t more = arena_size(n_bytes) - job->taken_bytes;

    if (!is_within_share(job, n_bytes) || memory_used() + more > most_bytes(n_bytes) ||
        !memory_take(more))
        return false;
    if (!shares_take(&job->server->admission.shares, job->task.turn.user, more)) {
        memory_give(more);
        return false;
    }
    job->taken_bytes += more;
    return true;
}

void admission_give(struct job *job)
{
    memory_give(job->taken_bytes);
    shares_give(&job->server->admission.shares, job->task.turn.user, job->taken_bytes);
    job->taken_bytes = 0;
}

static struct turns *queue_of(const struct job *job)
{
    bool small = is_small(first_bytes(job));

    return &job->server->admission.waiting[small ? ADMISSION_SMALL : ADMISSION_LARGE];
}

static struct job *job_of(struct turn *turn)
{
    return (struct job *)turn;
}

void admission_forget(struct job *job)
{
    if (job->state == JOB_WAIT)
        turns_remove(queue_of(job), &job->task.turn);
}

size_t admission_n_waiting(const struct admission *admission)
{
    return admission->waiting[ADMISSION_SMALL].n + admission->waiting[ADMISSION_LARGE].n;
}

static size_t n_waiting_of(const struct admission *admission, uint64_t user)
{
    return turns_of(&admission->waiting[ADMISSION_SMALL], user) +
           turns_of(&admission->waiting[ADMISSION_LARGE], user);
}

/* Whose turn it is: of those whom their share would let have more, the first. */
static struct job *next_job(const struct turns *turns)
{
    struct turn *turn = turns->first;

    while (turn != NULL && !is_within_share(job_of(turn), first_bytes(job_of(turn))))
        turn = turn->next_user;
    return turn != NULL ? job_of(turn) : NULL;
}

/* A small body passes those that wait; a large one those that wait for their own user's. */
static bool may_pass(const struct job *job)
{
    const struct admission *admission = &job->server->admission;

    return is_small(first_bytes(job)) || (next_job(&admission->waiting[ADMISSION_SMALL]) == NULL &&
                                          next_job(&admission->waiting[ADMISSION_LARGE]) == NULL);
}

static bool has_room(const struct job *job, struct problem *reterr)
{
    const struct admission *admission = &job->server->admission;
    const struct config *config = job->server->config;

    if (admission_n_waiting(admission) >= config->limits_waiting)
        return problem_set(reterr, PROBLEM_QUEUE_FULL, NULL,
                           "There is no memory for this body now, and too many others wait for "
                           "some (limits.waiting).");
    return n_waiting_of(admission, job->task.turn.user) <
               shares_limit(config->limits_waiting, config->limits_share) ||
           problem_set(reterr, PROBLEM_QUEUE_FULL, NULL,
                       "There is no memory for this body now, and too many of yours wait for some "
                       "(limits.share).");
}

enum admission_verdict admission_ask(struct job *job, struct problem *reterr)
{
    size_t n_bytes = first_bytes(job);

    if (arena_size(n_bytes) > most_bytes(n_bytes)) {
        problem_set(reterr, PROBLEM_BODY_TOO_LARGE, NULL,
                    "The body needs %zu bytes of memory; there are never more than %" PRIu64
                    " (limits.budget_bytes).",
                    arena_size(n_bytes), most_bytes(n_bytes));
        return ADMISSION_REFUSED;
    }
    if (may_pass(job) && admission_take(job, n_bytes))
        return ADMISSION_GRANTED;
    if (!has_room(job, reterr))
        return ADMISSION_REFUSED;
    turns_add(queue_of(job), &job->task.turn);
    job->state = JOB_WAIT;
    connection_enter(job->connection, CONNECTION_WAIT, job->server->config->timeouts_queue_ms);
    job_suspend(job);
    return ADMISSION_WAITING;
}

/* false where the next one in turn waits for memory */
static bool grant(struct turns *turns)
{
    struct job *job;

    while ((job = next_job(turns)) != NULL) {
        if (!admission_take(job, first_bytes(job)))
            return false;
        turns_take(turns, &job->task.turn);
        job_resume(job, JOB_GRANTED);
    }
    return true;
}

/* What small bodies wait for is not for large ones. */
void admission_grant(struct server *server)
{
    if (grant(&server->admission.waiting[ADMISSION_SMALL]))
        grant(&server->admission.waiting[ADMISSION_LARGE]);
}

void admission_refuse(struct job *job, const struct problem *problem)
{
    admission_forget(job);
    job_fail(job, problem);
    job_resume(job, JOB_READY);
}

void admission_refuse_all(struct server *server, const struct problem *problem)
{
    for (int size = 0; size < ADMISSION_N_SIZES; size++) {
        const struct turns *turns = &server->admission.waiting[size];

        while (turns->first != NULL)
            admission_refuse(job_of(turns->first), problem);
    }
}
