/* loss.c - soft losses and their gradients, by a worker. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/loss.h"

#include <microhttpd.h>
#include <stdio.h>

#include "daemon/clock.h"
#include "daemon/job.h"
#include "daemon/server.h"
#include "daemon/shm.h"
#include "daemon/work.h"

/* Up to here, in the body or in shared memory, a loss is for the small lane. */
#define SMALL_BYTES MIB

bool loss_check_job(struct job *job, struct problem *reterr)
{
    job->segments = (struct segments){shm_find, job};
    job->input.segments = &job->segments;
    return loss_check(&job->input, &job->settings->env, reterr);
}

/* The text stays the loss's, which the job keeps until it is sent. */
static void answer(struct job *job, const struct loss_answer *answer)
{
    const char *type = "application/json";

    if (answer->boundary[0] != '\0') {
        snprintf(job->answer_type, sizeof(job->answer_type), "multipart/mixed; boundary=%s",
                 answer->boundary);
        type = job->answer_type;
    }
    answer_fixed(&job->answer, MHD_HTTP_OK, type, answer->text, answer->n_bytes);
}

static void take_times(struct job *job)
{
    struct stage_times times = loss_times(job->loss);

    job->timing.was_computed = true;
    job->timing.decode_ns = times.decode_ns;
    job->timing.count_ns = times.count_ns;
    job->timing.total_ns = clock_ns() - job->started_ns;
}

static bool parse(struct job *job, struct problem *reterr)
{
    if (job->loss == NULL)
        job->loss = loss_new(&job->input, &job->settings->env, reterr);
    return job->loss != NULL;
}

static bool compute(struct job *job, struct loss_answer *ret_answer, struct problem *reterr)
{
    double queue_s = clock_seconds(clock_ns() - job->queued_ns);

    return parse(job, reterr) && loss_run(job->loss, reterr) &&
           loss_print(job->loss, queue_s, clock_seconds(clock_ns() - job->started_ns), ret_answer,
                      reterr) &&
           loss_write(job->loss, reterr);
}

static void work(struct job *job)
{
    struct problem problem = {0};
    struct loss_answer done;

    if (compute(job, &done, &problem)) {
        answer(job, &done);
        take_times(job);
        loss_shed(job->loss);
    } else {
        job_fail(job, &problem);
        loss_free(job->loss);
        job->loss = NULL;
    }
    job->answer.no_store = true;
}

/* Even a small one is a pass over floats: none is for the loop. */
bool loss_begin(struct job *job)
{
    bool is_small = job->input.content_encoding == NULL && job->input.body_bytes <= SMALL_BYTES;
    struct problem problem = {0};

    if (work_is_worth_a_look(job)) {
        if (!parse(job, &problem)) {
            job_fail(job, &problem);
            job->answer.no_store = true;
            return true;
        }
        is_small = loss_input_bytes(job->loss) <= SMALL_BYTES;
    }
    return work_hand_over(job, is_small ? POOL_SMALL : POOL_MIXED, work);
}
