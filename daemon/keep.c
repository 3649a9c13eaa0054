/* keep.c - requests that change what is kept: they are answered after the commit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keep.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/etag.h"
#include "daemon/job.h"
#include "daemon/run.h"
#include "daemon/server.h"
#include "daemon/work.h"
#include "proto/runs.h"

/* If-Match, and If-None-Match: * for what must not be there yet. */
static bool read_condition(struct job *job, struct problem *reterr)
{
    struct store_condition *condition = &job->write.condition;
    const char *match = MHD_lookup_connection_value(job->mhd, MHD_HEADER_KIND, "If-Match");
    const char *none = MHD_lookup_connection_value(job->mhd, MHD_HEADER_KIND, "If-None-Match");

    *condition = (struct store_condition){.exists = false};
    if (none != NULL && strcmp(none, "*") != 0)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                           "If-None-Match of a change must be *: it is not there yet.");
    condition->is_new = none != NULL;
    condition->exists = match != NULL && strcmp(match, "*") == 0;
    condition->has_revision = match != NULL && !condition->exists;
    if (condition->has_revision)
        condition->revision = etag_revision(job->server, match);
    return true;
}

/* The store, the names, and what the change depends on. */
static bool begin(struct job *job, enum store_change change, struct problem *reterr)
{
    struct store_write *write = &job->write;

    if (!run_names_check(job, reterr) || !read_condition(job, reterr))
        return false;
    write->change = change;
    write->run = job->values.text[0];
    if (change == STORE_KEEP || change == STORE_FORGET_CASE)
        write->name = job->values.text[1];
    return true;
}

bool keep_check(struct job *job, struct problem *reterr)
{
    job->keeps = true;
    job->input.keeps = true;
    return begin(job, STORE_KEEP, reterr) && work_check(job, reterr);
}

bool keep_push(struct job *job)
{
    struct problem problem = {0};

    job->write.group = job->kept.group;
    job->write.text = job->kept.meta;
    job->write.counts = job->kept.counts;
    job->write.n_counts = job->kept.n_counts;
    job->write.overlay = job->kept.overlay;
    job->write.picture = job->kept.picture;
    job->write.n_picture = job->kept.n_picture;
    if (store_push(job->server->store, &job->write))
        return false;
    problem_set(&problem, PROBLEM_QUEUE_FULL, NULL, "Too many results wait to be kept.");
    job_fail(job, &problem);
    return true;
}

/* On the loop, for what needs no worker: the store cannot finish it before we return. */
static bool push_from_loop(struct job *job)
{
    struct problem problem = {0};

    if (!store_push(job->server->store, &job->write)) {
        problem_set(&problem, PROBLEM_QUEUE_FULL, NULL, "Too many changes wait for the disk.");
        job_fail(job, &problem);
        return true;
    }
    job_wait(job, JOB_QUEUED);
    return false;
}

static bool forget(struct job *job, enum store_change change)
{
    struct problem problem = {0};

    if (job_has_no_query(job, &problem) && begin(job, change, &problem))
        return push_from_loop(job);
    job_fail(job, &problem);
    return true;
}

bool keep_forget_case(struct job *job)
{
    return forget(job, STORE_FORGET_CASE);
}

bool keep_forget_run(struct job *job)
{
    return forget(job, STORE_FORGET_RUN);
}

bool keep_check_info(struct job *job, struct problem *reterr)
{
    if (!job_has_no_query(job, reterr))
        return false;
    if (job->input.content_encoding != NULL)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_ENCODING, NULL,
                           "The info of a run comes without a Content-Encoding.");
    return begin(job, STORE_DESCRIBE, reterr);
}

bool keep_info(struct job *job)
{
    struct problem problem = {0};

    job->kept.meta = run_info_parse(&job->input, &job->settings->env, &problem);
    if (job->kept.meta == NULL) {
        job_fail(job, &problem);
        return true;
    }
    job->write.text = job->kept.meta;
    return push_from_loop(job);
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool fail(const struct job *job, struct problem *reterr)
{
    const struct store_write *write = &job->write;

    switch (write->status) {
    case STORE_OK:
        return true;
    case STORE_NO_RUN:
        return problem_set(reterr, PROBLEM_NO_RUN, NULL, "There is no run %s.", write->run);
    case STORE_NO_CASE:
        return problem_set(reterr, PROBLEM_NO_CASE, NULL, "Run %s has no case %s.", write->run,
                           write->name);
    case STORE_CONFLICT:
        return problem_set(reterr, PROBLEM_CONFLICT, NULL,
                           "If-Match or If-None-Match does not hold: the run changed meanwhile, or "
                           "what is to be new is there, or what is to be there is not.");
    case STORE_TOO_MANY:
        return problem_set(reterr, PROBLEM_TOO_MANY_KEPT, NULL,
                           "There are %" PRIu64 " runs (limits.runs), or %" PRIu64
                           " cases in this one (limits.run_cases), already.",
                           job->settings->config.limits_runs,
                           job->settings->config.limits_run_cases);
    default:
        return problem_set(reterr, PROBLEM_STORE_UNAVAILABLE, NULL,
                           "The result was not kept: the disk is full or failed. Scoring by POST "
                           "/v1/score goes on.");
    }
}

static bool answer_kept(struct job *job)
{
    const struct store_write *write = &job->write;
    struct run_kept kept = {write->run, write->name, write->revision, write->created,
                            write->relabelled};
    bool ok = run_kept_append(&job->answer.owned, &job->answer.n_bytes, &kept);

    job->answer.text = job->answer.owned;
    return ok;
}

static bool answer_described(struct job *job)
{
    char *text = NULL;
    int n = asprintf(&text, "{\"run\":\"%s\",\"revision\":%" PRIu64 ",\"info\":%s}", job->write.run,
                     job->write.revision, job->write.text);

    if (n > 0)
        answer_take(&job->answer, "application/json", text, (size_t)n);
    return n > 0;
}

static bool answer_done_well(struct job *job)
{
    switch (job->write.change) {
    case STORE_KEEP:
        return answer_kept(job);
    case STORE_DESCRIBE:
        return answer_described(job);
    default:
        answer_fixed(&job->answer, MHD_HTTP_NO_CONTENT, NULL, "", 0);
        return true;
    }
}

static void answer_one(struct job *job)
{
    struct problem problem = {0};
    bool removed = job->write.change == STORE_FORGET_CASE || job->write.change == STORE_FORGET_RUN;

    if (!fail(job, &problem) ||
        (!answer_done_well(job) &&
         !problem_set(&problem, PROBLEM_OUT_OF_MEMORY, NULL,
                      "It was kept, but there is no memory for the answer."))) {
        job_fail(job, &problem);
    } else if (!removed) {
        job->answer.status = job->write.created ? MHD_HTTP_CREATED : MHD_HTTP_OK;
        etag_make(job->server, job->write.revision, 0, false, job->answer.etag);
    }
    job->answer.no_store = true;
    job_resume(job, JOB_READY);
}

void keep_answer_finished(struct server *server)
{
    struct store_write *next;

    for (struct store_write *write = store_take_finished(server->store); write != NULL;
         write = next) {
        next = write->next;
        answer_one((struct job *)((char *)write - offsetof(struct job, write)));
    }
}
