/* run_read.c - requests that ask what is kept: what a worker does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/run_read.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/etag.h"
#include "daemon/job.h"
#include "daemon/server.h"

/* One answer being made: a snapshot of the store, and what has been read of it. */
struct reading {
    struct job *job;
    struct store_reader *reader;
    struct rows *rows[2];
    size_t most; /* rows to be read */
    bool full;   /* no memory for one more */
    uint64_t revisions[2];
    char *text;
    size_t n_bytes;
};

static struct run_facts facts_of(const struct store_run *run)
{
    return (struct run_facts){run->name,     run->created_ms, run->updated_ms,
                              run->revision, run->n_cases,    run->info};
}

static struct case_row row_of(const struct store_case *kept)
{
    return (struct case_row){kept->name, kept->kept_ms, kept->revision, kept->group,
                             kept->meta, kept->counts,  kept->n_counts, kept->overlay};
}

static bool no_memory(struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL,
                       "There is no memory to read this run now.");
}

static bool check(const struct reading *reading, enum store_status status, struct problem *reterr)
{
    const struct job *job = reading->job;

    if (reading->full || status == STORE_NO_MEMORY)
        return no_memory(reterr);
    switch (status) {
    case STORE_OK:
        return true;
    case STORE_NO_RUN:
        return problem_set(reterr, PROBLEM_NO_RUN, NULL, "There is no such run.");
    case STORE_NO_CASE:
        return problem_set(reterr, PROBLEM_NO_CASE, NULL, "Run %s has no case %s.",
                           job->values.text[0], job->values.text[1]);
    case STORE_NO_OVERLAY:
        return problem_set(reterr, PROBLEM_NO_OVERLAY, NULL,
                           "Case %s of run %s was kept without an overlay.", job->values.text[1],
                           job->values.text[0]);
    default:
        return problem_set(reterr, PROBLEM_STORE_UNAVAILABLE, NULL,
                           "What is kept cannot be read now.");
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

static bool add_run(void *user, const struct store_run *run)
{
    struct reading *reading = user;
    struct run_facts facts = facts_of(run);

    reading->full = !rows_add_run(reading->rows[0], &facts);
    return !reading->full && rows_n(reading->rows[0]) < reading->most;
}

/* One more than asked for tells whether there is a next page. */
static bool read_runs(struct reading *reading, struct problem *reterr)
{
    struct job *job = reading->job;
    uint64_t before;

    if (!run_query_before(&job->query, &before, reterr))
        return false;
    reading->revisions[0] = store_revision(job->server->store);
    reading->most = job->query.limit + 1;
    if (!check(reading, store_reader_runs(reading->reader, before, add_run, reading), reterr))
        return false;
    reading->text = run_list_print(reading->rows[0], &job->query, &reading->n_bytes, reterr);
    return reading->text != NULL;
}

/* ---- one run --------------------------------------------------------------------------------- */

struct adding {
    struct reading *reading;
    struct rows *rows;
};

static bool add_case(void *user, const struct store_case *kept)
{
    struct adding *adding = user;
    struct case_row row = row_of(kept);

    adding->reading->full = !rows_add_case(adding->rows, &row);
    return !adding->reading->full && rows_n(adding->rows) < adding->reading->most;
}

static bool find_run(struct reading *reading, size_t which, struct store_run *ret_run,
                     struct problem *reterr)
{
    const char *name = reading->job->values.text[which];
    enum store_status status = store_reader_run(reading->reader, name, ret_run);

    if (status == STORE_OK)
        reading->revisions[which] = ret_run->revision;
    return check(reading, status, reterr);
}

static bool read_cases(struct reading *reading, size_t which, const struct store_run *run,
                       const char *after, struct problem *reterr)
{
    struct adding adding = {reading, reading->rows[which]};

    return check(reading, store_reader_cases(reading->reader, run->id, after, add_case, &adding),
                 reterr);
}

static bool read_case(struct reading *reading, struct problem *reterr)
{
    struct store_run run;
    struct store_case kept;
    struct run_facts facts;
    struct case_row row;

    if (!find_run(reading, 0, &run, reterr) ||
        !check(reading,
               store_reader_case(reading->reader, run.id, reading->job->values.text[1], &kept),
               reterr))
        return false;
    facts = facts_of(&run);
    row = row_of(&kept);
    reading->text = run_case_print(&facts, &row, &reading->job->query, &reading->n_bytes, reterr);
    return reading->text != NULL;
}

static bool read_overlay(struct reading *reading, struct problem *reterr)
{
    const char *name = reading->job->values.text[1];
    struct store_run run;
    struct store_case kept;
    struct store_picture picture;

    if (!find_run(reading, 0, &run, reterr) ||
        !check(reading, store_reader_case(reading->reader, run.id, name, &kept), reterr) ||
        !check(reading, store_reader_picture(reading->reader, run.id, name, &picture), reterr))
        return false;
    reading->text = malloc(picture.n + 1);
    if (reading->text == NULL)
        return no_memory(reterr);
    memcpy(reading->text, picture.bytes, picture.n);
    reading->n_bytes = picture.n;
    return true;
}

static bool read_run(struct reading *reading, struct problem *reterr)
{
    const struct run_query *query = &reading->job->query;
    struct store_run run;
    struct run_facts facts;

    reading->most = SIZE_MAX;
    if (!find_run(reading, 0, &run, reterr) || !read_cases(reading, 0, &run, "", reterr))
        return false;
    facts = facts_of(&run);
    reading->text =
        query->view == RUN_VIEW_RUN
            ? run_summary_print(&facts, reading->rows[0], query, &reading->n_bytes, reterr)
            : run_cases_print(&facts, reading->rows[0], query, &reading->n_bytes, reterr);
    return reading->text != NULL;
}

/* The texts of a run last until the next is found. */
static bool copy_run(struct rows *rows, const struct store_run *run, struct problem *reterr)
{
    struct run_facts facts = facts_of(run);

    return rows_add_run(rows, &facts) || no_memory(reterr);
}

static bool read_pair(struct reading *reading, struct problem *reterr)
{
    struct job *job = reading->job;
    struct rows *runs = rows_new(&job->settings->env);
    struct run_pair pair = {.cases = {reading->rows[0], reading->rows[1]}};
    struct store_run run;
    bool ok = runs != NULL || no_memory(reterr);

    reading->most = SIZE_MAX;
    for (size_t i = 0; i < 2 && ok; i++)
        ok = find_run(reading, i, &run, reterr) && copy_run(runs, &run, reterr) &&
             read_cases(reading, i, &run, "", reterr);
    for (size_t i = 0; i < 2 && ok; i++)
        pair.facts[i] = rows_run(runs, i);
    if (ok)
        reading->text = run_compare_print(&pair, &job->query, &reading->n_bytes, reterr);
    rows_free(runs);
    return reading->text != NULL;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static bool read_all(struct reading *reading, struct problem *reterr)
{
    for (size_t i = 0; i < 2; i++) {
        reading->rows[i] = rows_new(&reading->job->settings->env);
        if (reading->rows[i] == NULL)
            return no_memory(reterr);
    }
    reading->reader = store_reader_begin(reading->job->server->store);
    if (reading->reader == NULL)
        return check(reading, STORE_UNAVAILABLE, reterr);
    switch (reading->job->query.view) {
    case RUN_VIEW_RUNS:
        return read_runs(reading, reterr);
    case RUN_VIEW_CASE:
        return read_case(reading, reterr);
    case RUN_VIEW_OVERLAY:
        return read_overlay(reading, reterr);
    case RUN_VIEW_COMPARE:
        return read_pair(reading, reterr);
    default:
        return read_run(reading, reterr);
    }
}

static const char *type_of(const struct run_query *query)
{
    if (query->view == RUN_VIEW_OVERLAY)
        return "image/png";
    return query->csv ? "text/csv; charset=utf-8" : "application/json";
}

void run_read(struct job *job)
{
    struct reading reading = {.job = job};
    struct problem problem = {0};

    if (read_all(&reading, &problem)) {
        answer_take(&job->answer, type_of(&job->query), reading.text, reading.n_bytes);
        etag_make(job->server, reading.revisions[0], reading.revisions[1], job->query.csv,
                  job->answer.etag);
    } else {
        job_fail(job, &problem);
    }
    store_reader_end(reading.reader);
    rows_free(reading.rows[0]);
    rows_free(reading.rows[1]);
}
