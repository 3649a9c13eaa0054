/* run.c - requests that ask what is kept: what the loop does, without touching the disk. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/run.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/clock.h"
#include "daemon/etag.h"
#include "daemon/job.h"
#include "daemon/run_read.h"
#include "daemon/server.h"
#include "daemon/work.h"

bool run_names_check(const struct job *job, struct problem *reterr)
{
    if (job->server->store == NULL)
        return problem_set(reterr, PROBLEM_NO_STORE, NULL,
                           "This daemon keeps nothing: store.path is empty.");
    for (size_t i = 0; i < ROUTE_MAX_VALUES && job->values.text[i][0] != '\0'; i++) {
        if (job->values.too_long || !runs_name_check(job->values.text[i], reterr))
            return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                               "A name in the path has more than 128 bytes.");
    }
    return true;
}

/* The tag that an answer would have now. */
static bool current_etag(struct job *job, char etag[ETAG_BYTES], struct problem *reterr)
{
    struct store *store = job->server->store;
    const char *name = job->values.text[0];
    uint64_t revision = store_revision(store);
    uint64_t other = 0;

    if (job->query.view != RUN_VIEW_RUNS && !store_peek(store, name, &revision))
        return problem_set(reterr, PROBLEM_NO_RUN, NULL, "There is no run %s.", name);
    name = job->values.text[1];
    if (job->query.view == RUN_VIEW_COMPARE && !store_peek(store, name, &other))
        return problem_set(reterr, PROBLEM_NO_RUN, NULL, "There is no run %s.", name);
    etag_make(job->server, revision, other, job->query.csv, etag);
    return true;
}

static const char *header(const struct job *job, const char *name)
{
    return MHD_lookup_connection_value(job->mhd, MHD_HEADER_KIND, name);
}

/* Any mention will do: who can also read JSON says so by asking for it first, or not for CSV. */
static bool wants_csv(const struct job *job)
{
    const char *accept = header(job, MHD_HTTP_HEADER_ACCEPT);

    return accept != NULL && strncasecmp(accept, "text/csv", 8) == 0;
}

static void answer_unchanged(struct job *job)
{
    answer_fixed(&job->answer, MHD_HTTP_NOT_MODIFIED, NULL, "", 0);
    snprintf(job->answer.etag, sizeof(job->answer.etag), "%s", job->etag);
}

/* What one case, its overlay or a list of runs costs is next to nothing; the rest depends on the
 * run. */
static enum pool_lane lane(const struct job *job)
{
    switch (job->query.view) {
    case RUN_VIEW_RUNS:
    case RUN_VIEW_CASE:
    case RUN_VIEW_OVERLAY:
        return POOL_SMALL;
    default:
        return POOL_MIXED;
    }
}

/* ---- waiting for a change -------------------------------------------------------------------- */

static void link_poll(struct server *server, struct job *job)
{
    job->next_poll = server->polls;
    job->previous_poll = NULL;
    if (server->polls != NULL)
        server->polls->previous_poll = job;
    server->polls = job;
    server->n_polls++;
}

static void unlink_poll(struct server *server, struct job *job)
{
    if (job->previous_poll != NULL)
        job->previous_poll->next_poll = job->next_poll;
    else
        server->polls = job->next_poll;
    if (job->next_poll != NULL)
        job->next_poll->previous_poll = job->previous_poll;
    server->n_polls--;
}

static bool wait_for_change(struct job *job)
{
    struct server *server = job->server;

    if (job->query.wait_s == 0 || server->n_polls >= job->settings->config.limits_polls ||
        server->state != SERVER_SERVING)
        return false;
    job_wait(job, JOB_POLL);
    link_poll(server, job);
    job->poll_until_ms = clock_ms() + job->query.wait_s * 1000;
    return true;
}

void run_end_poll(struct job *job)
{
    unlink_poll(job->server, job);
    if (connection_is_gone(job->connection)) {
        job_resume(job, JOB_DROPPED);
        return;
    }
    answer_unchanged(job);
    job_resume(job, JOB_READY);
}

void run_end_polls(struct server *server)
{
    while (server->polls != NULL)
        run_end_poll(server->polls);
}

static void wake_poll(struct job *job)
{
    char etag[ETAG_BYTES];
    struct problem problem = {0};

    if (!current_etag(job, etag, &problem))
        job_fail(job, &problem);
    else if (strcmp(etag, job->etag) == 0)
        return;
    unlink_poll(job->server, job);
    if (problem.code != PROBLEM_NONE || work_push(job, lane(job), run_read))
        job_resume(job, JOB_READY);
}

void run_wake_polls(struct server *server)
{
    uint64_t revision = store_revision(server->store);
    struct job *next;

    if (revision == server->polled_revision)
        return;
    server->polled_revision = revision;
    for (struct job *job = server->polls; job != NULL; job = next) {
        next = job->next_poll;
        wake_poll(job);
    }
}

/* ---- the routes ------------------------------------------------------------------------------ */

static bool look(struct job *job, struct problem *reterr)
{
    const char *none = header(job, MHD_HTTP_HEADER_IF_NONE_MATCH);

    if (!run_names_check(job, reterr) || !current_etag(job, job->etag, reterr))
        return true;
    if (!etag_matches(none, job->etag))
        return work_hand_over(job, lane(job), run_read);
    if (wait_for_change(job))
        return false;
    answer_unchanged(job);
    return true;
}

static bool view(struct job *job, enum run_view which)
{
    struct problem problem = {0};
    bool answered = true;

    if (run_query_parse(&job->input, which, &job->query, &problem)) {
        job->query.csv = wants_csv(job) && which != RUN_VIEW_CASE && which != RUN_VIEW_OVERLAY;
        answered = look(job, &problem);
    }
    if (problem.code != PROBLEM_NONE)
        job_fail(job, &problem);
    return answered;
}

bool run_list(struct job *job)
{
    return view(job, RUN_VIEW_RUNS);
}

bool run_summary(struct job *job)
{
    return view(job, RUN_VIEW_RUN);
}

bool run_cases(struct job *job)
{
    return view(job, RUN_VIEW_CASES);
}

bool run_case(struct job *job)
{
    return view(job, RUN_VIEW_CASE);
}

bool run_overlay(struct job *job)
{
    return view(job, RUN_VIEW_OVERLAY);
}

bool run_compare(struct job *job)
{
    return view(job, RUN_VIEW_COMPARE);
}
