/* runs.h - what is answered about runs that are kept, from rows that somebody else has read. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_RUNS_H
#define PROTO_RUNS_H

#include "lib/overlap.h"
#include "proto/proto.h"

#define RUNS_NAME_BYTES 129 /* with its NUL */

/* Whether a text can name a run or a case: [A-Za-z0-9._:@-]{1,128}. */
bool runs_name_check(const char *text, struct problem *reterr);

/* A run as it is kept. Times are milliseconds since 1970. */
struct run_facts {
    const char *name;
    uint64_t created_ms;
    uint64_t updated_ms;
    uint64_t revision;
    uint64_t n_cases;
    const char *info; /* JSON; NULL for none */
};

/* A case as it is kept. */
struct case_row {
    const char *name;
    uint64_t kept_ms;
    uint64_t revision;
    const char *group; /* NULL for none */
    const char *meta;  /* JSON; NULL for none */
    const uint8_t *counts;
    size_t n_counts;
    const char *overlay; /* JSON; NULL for none. rows_add_case leaves it out */
};

/* ---- what is asked --------------------------------------------------------------------------- */

enum run_view {
    RUN_VIEW_RUNS,
    RUN_VIEW_RUN,
    RUN_VIEW_CASES,
    RUN_VIEW_CASE,
    RUN_VIEW_OVERLAY,
    RUN_VIEW_COMPARE
};

enum run_sort { RUN_SORT_NAME, RUN_SORT_KEPT, RUN_SORT_METRIC };

/* Texts are the parameters'. */
struct run_query {
    enum run_view view;
    bool csv;
    uint64_t wait_s; /* for something new to answer with */
    enum ov_metric metrics[OV_N_METRICS];
    size_t n_metrics;
    enum run_sort sort;
    enum ov_metric sort_metric;
    bool descending;
    bool has_label;
    int64_t label;
    const char *region; /* NULL for all */
    const char *group;
    const char *tag;
    const char *state;
    size_t limit;
    const char *cursor; /* NULL for the first page */
    uint64_t seed;
    size_t n_resamples;
};

bool run_query_parse(const struct score_input *input, enum run_view view,
                     struct run_query *ret_query, struct problem *reterr);

/* The revision that a cursor of RUN_VIEW_RUNS stands for; the largest for none. */
bool run_query_before(const struct run_query *query, uint64_t *ret_before, struct problem *reterr);

/* ---- rows ------------------------------------------------------------------------------------ */

/* The cases of a run by name, or the runs; copies, within the memory budget. */
struct rows;

struct rows *rows_new(const struct env *env);
void rows_free(struct rows *rows);

/* false: memory is out. */
bool rows_add_case(struct rows *rows, const struct case_row *row);
bool rows_add_run(struct rows *rows, const struct run_facts *run);

size_t rows_n(const struct rows *rows);
const struct run_facts *rows_run(const struct rows *rows, size_t i);

/* ---- answers --------------------------------------------------------------------------------- */

/* NUL-terminated, JSON or CSV; to be freed by the caller. NULL with reterr set. */
char *run_list_print(const struct rows *runs, const struct run_query *query, size_t *ret_bytes,
                     struct problem *reterr);
char *run_case_print(const struct run_facts *run, const struct case_row *row,
                     const struct run_query *query, size_t *ret_bytes, struct problem *reterr);
char *run_cases_print(const struct run_facts *run, const struct rows *cases,
                      const struct run_query *query, size_t *ret_bytes, struct problem *reterr);
char *run_summary_print(const struct run_facts *run, const struct rows *cases,
                        const struct run_query *query, size_t *ret_bytes, struct problem *reterr);

/* Two runs, each with its cases. */
struct run_pair {
    const struct run_facts *facts[2];
    const struct rows *cases[2];
};

char *run_compare_print(const struct run_pair *pair, const struct run_query *query,
                        size_t *ret_bytes, struct problem *reterr);

/* ---- changes --------------------------------------------------------------------------------- */

/* What became of a case that was scored to be kept. */
struct run_kept {
    const char *run;
    const char *name;
    uint64_t revision;
    bool created;
    bool relabelled;
};

/* Add it to the text of a score; *text stays the caller's. false where memory is out. */
bool run_kept_append(char **text, size_t *n_bytes, const struct run_kept *kept);

/* The info of a run as it is kept, from the body of a request; to be freed. */
char *run_info_parse(const struct score_input *input, const struct env *env,
                     struct problem *reterr);

#endif
