/* work.c - scoring: what is done on the loop, what by a worker, and by which. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/work.h"

#include <string.h>
#include <strings.h>

#include "daemon/clock.h"
#include "daemon/job.h"
#include "daemon/keep.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/shm.h"

/* Below, a body is looked into on the loop, to tell what it will cost. */
#define LOOK_BYTES MIB

/* JSON is slow to parse: 64 KiB take about 2 ms. */
#define LOOK_JSON_BYTES (16 * KIB)

/*
 * Up to here the hand-over to a thread costs more than the work (about 50 us): bytes of both masks,
 * labels that they can hold, classes that are printed (a microsecond or two for each value).
 */
#define LOOP_BYTES   (128 * KIB)
#define LOOP_LABELS  512
#define LOOP_CLASSES 16

/* Up to here a job takes less than about 5 ms: the small lane. */
#define SMALL_BYTES (4 * MIB)

bool work_check(struct job *job, struct problem *reterr)
{
    job->segments = (struct segments){shm_find, job};
    job->input.segments = &job->segments;
    return score_check(&job->input, &job->settings->env, reterr);
}

static bool is_json(const struct job *job)
{
    const char *type = job->input.content_type;

    return type != NULL && strncasecmp(type, "application/json", 16) == 0;
}

/* What has a Content-Encoding would be decoded by the look alone. */
bool work_is_worth_a_look(const struct job *job)
{
    return job->input.content_encoding == NULL && job->input.body_bytes <= LOOK_BYTES &&
           (!is_json(job) || job->input.body_bytes <= LOOK_JSON_BYTES);
}

static bool parse(struct job *job, struct problem *reterr)
{
    if (job->score == NULL)
        job->score = score_new(&job->input, &job->settings->env, reterr);
    return job->score != NULL;
}

/* Opened is what a worker of the small lane hands on to a mixed one. */
static bool open_masks(struct job *job, struct problem *reterr)
{
    if (!job->opened)
        job->opened = parse(job, reterr) && score_open(job->score, reterr);
    return job->opened;
}

static void take_times(struct job *job)
{
    struct stage_times times = score_times(job->score);

    job->timing.was_computed = true;
    job->timing.decode_ns = times.decode_ns;
    job->timing.count_ns = times.count_ns;
    job->timing.total_ns = clock_ns() - job->started_ns;
    job->timing.decoded_bytes = score_decoded_bytes(job->score);
}

static void score(struct job *job, double queue_s, struct problem *reterr)
{
    size_t n_bytes = 0;
    char *text = NULL;

    if (job->counted || score_run(job->score, reterr))
        text = score_print(job->score, queue_s, clock_seconds(clock_ns() - job->started_ns),
                           &n_bytes, reterr);
    if (text != NULL)
        take_times(job);
    if (text != NULL)
        answer_take(&job->answer, "application/json", text, n_bytes);
    if (text != NULL && job->keeps)
        score_keep(job->score, &job->kept, reterr);
}

/* The score goes here, as it may hold much memory that others wait for. */
static void conclude(struct job *job, const struct problem *problem)
{
    if (problem->code != PROBLEM_NONE)
        job_fail(job, problem);
    job->answer.no_store = true;
    score_free(job->score);
    job->score = NULL;
}

static bool refuse(struct job *job, const char *detail)
{
    struct problem problem = {0};

    problem_set(&problem, PROBLEM_QUEUE_FULL, NULL, "%s", detail);
    conclude(job, &problem);
    return true;
}

static bool has_room(const struct job *job)
{
    const struct config *config = job->server->config;

    return pool_has_room(job->server->pool, job->task.turn.user,
                         (size_t)shares_limit(config->workers_jobs, config->limits_share));
}

bool work_push(struct job *job, enum pool_lane lane, void (*read)(struct job *job))
{
    if (!has_room(job))
        return refuse(job, "Too many requests wait for a thread.");
    job->state = JOB_QUEUED;
    job->queued_ns = clock_ns();
    job->lane = lane;
    job->read = read;
    pool_push(job->server->pool, lane, &job->task);
    return false;
}

/* Suspend first: the worker may be done before we return. */
bool work_hand_over(struct job *job, enum pool_lane lane, void (*read)(struct job *job))
{
    if (!has_room(job))
        return refuse(job, "Too many requests wait for a thread.");
    job_wait(job, JOB_QUEUED);
    return work_push(job, lane, read);
}

static bool hand_over(struct job *job, enum pool_lane lane)
{
    return work_hand_over(job, lane, NULL);
}

/* Where a score is to be kept, the job is the store's from here on. */
static bool settle(struct job *job, const struct problem *problem)
{
    conclude(job, problem);
    return !job->keeps || problem->code != PROBLEM_NONE || keep_push(job);
}

static bool is_for_the_loop(const struct job *job)
{
    return score_decoded_bytes(job->score) <= LOOP_BYTES &&
           score_most_labels(job->score) <= LOOP_LABELS && !score_has_tables(job->score);
}

/* Counts here and, unless much is to be printed, answers; what the masks hold tells only then. */
static bool score_on_loop(struct job *job)
{
    struct problem problem = {0};

    job->counted = score_run(job->score, &problem);
    if (job->counted && score_n_classes(job->score) > LOOP_CLASSES)
        return hand_over(job, POOL_SMALL);
    if (job->counted)
        score(job, 0, &problem);
    if (settle(job, &problem))
        return true;
    job_wait(job, JOB_QUEUED); /* the store cannot finish it before this thread lets it */
    return false;
}

/* Nothing is inflated on the loop, not even a header. */
bool work_begin(struct job *job)
{
    struct problem problem = {0};

    if (!work_is_worth_a_look(job))
        return hand_over(job, POOL_MIXED);
    if (parse(job, &problem) && score_needs_a_worker(job->score))
        return hand_over(job, POOL_SMALL);
    if (problem.code != PROBLEM_NONE || !open_masks(job, &problem)) {
        conclude(job, &problem);
        return true;
    }
    if (is_for_the_loop(job))
        return score_on_loop(job);
    return hand_over(job, score_decoded_bytes(job->score) > SMALL_BYTES ? POOL_MIXED : POOL_SMALL);
}

/* Compressed masks tell how large they are only once they are opened. */
static bool is_for_the_other_lane(const struct job *job)
{
    return job->lane == POOL_SMALL && score_decoded_bytes(job->score) > SMALL_BYTES;
}

/* false where the job went to the other lane. */
static bool run(struct job *job, double queue_s)
{
    struct problem problem = {0};

    if (open_masks(job, &problem)) {
        if (is_for_the_other_lane(job)) {
            job->lane = POOL_MIXED;
            pool_push(job->server->pool, POOL_MIXED, &job->task);
            return false;
        }
        score(job, queue_s, &problem);
    }
    return settle(job, &problem);
}

bool work_run(struct task *task)
{
    struct job *job = (struct job *)task;
    uint64_t waited_ns = clock_ns() - job->queued_ns;

    job->timing.was_queued = true;
    job->timing.queue_ns = waited_ns;
    if (connection_is_gone(job->connection)) {
        job->answer.status = 0;
        return true;
    }
    if (waited_ns / 1000000 > job->settings->config.timeouts_queue_ms)
        return refuse(job, "The request waited too long for a thread.");
    if (job->read == NULL)
        return run(job, clock_seconds(waited_ns));
    job->read(job);
    return true;
}
