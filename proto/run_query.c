/* run_query.c - what is asked about runs: the parameters of a query. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "proto/runs.h"

#define MAX_WAIT_S        60
#define MAX_LIMIT         1000
#define DEFAULT_LIMIT     100
#define MAX_RESAMPLES     10000
#define DEFAULT_RESAMPLES 1000

#define IN(view)      (1u << (view))
#define IN_CASES      IN(RUN_VIEW_CASES)
#define IN_STATISTICS (IN(RUN_VIEW_RUN) | IN(RUN_VIEW_COMPARE))
#define IN_SCORES     (IN_STATISTICS | IN_CASES | IN(RUN_VIEW_CASE))
#define IN_PAGED      (IN(RUN_VIEW_RUNS) | IN_CASES)
#define IN_ALL        (IN(RUN_VIEW_RUNS) | IN_SCORES)

struct setting {
    const char *name;
    unsigned views;
    bool (*set)(struct run_query *query, const char *value, struct problem *reterr);
};

static bool bad(struct problem *reterr, const char *name, const char *wanted)
{
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL, "Query parameter %s must be %s.", name,
                       wanted);
}

static bool scan_uint(const char *text, uint64_t most, uint64_t *ret_value)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > most)
        return false;
    *ret_value = value;
    return true;
}

static bool set_wait(struct run_query *query, const char *value, struct problem *reterr)
{
    return scan_uint(value, MAX_WAIT_S, &query->wait_s) ||
           bad(reterr, "wait", "whole seconds from 0 to 60");
}

static bool add_metric(struct run_query *query, const char *name)
{
    enum ov_metric metric;

    if (ov_metric_find(name, &metric) != OV_OK)
        return false;
    for (size_t i = 0; i < query->n_metrics; i++) {
        if (query->metrics[i] == metric)
            return false;
    }
    query->metrics[query->n_metrics++] = metric;
    return true;
}

static bool set_metrics(struct run_query *query, const char *value, struct problem *reterr)
{
    char name[64];
    size_t n;

    query->n_metrics = 0;
    do {
        n = strcspn(value, ",");
        if (n >= sizeof(name))
            return bad(reterr, "metrics",
                       "metrics of a class that /v1/info lists, with commas between them");
        memcpy(name, value, n);
        name[n] = '\0';
        if (!add_metric(query, name))
            return bad(reterr, "metrics", "metrics of a class that /v1/info lists, each once");
        value += n;
    } while (*value++ == ',');
    return true;
}

static bool set_sort(struct run_query *query, const char *value, struct problem *reterr)
{
    if (strcmp(value, "name") == 0)
        query->sort = RUN_SORT_NAME;
    else if (strcmp(value, "kept") == 0)
        query->sort = RUN_SORT_KEPT;
    else if (ov_metric_find(value, &query->sort_metric) == OV_OK)
        query->sort = RUN_SORT_METRIC;
    else
        return bad(reterr, "sort", "name, kept or a metric of a class");
    return true;
}

static bool set_order(struct run_query *query, const char *value, struct problem *reterr)
{
    query->descending = strcmp(value, "desc") == 0;
    return query->descending || strcmp(value, "asc") == 0 || bad(reterr, "order", "asc or desc");
}

static bool set_label(struct run_query *query, const char *value, struct problem *reterr)
{
    char *end;
    long long label;

    errno = 0;
    label = strtoll(value, &end, 10);
    query->has_label = true;
    query->label = label;
    return (*value != '\0' && *end == '\0' && errno == 0 && strchr(" \t+", *value) == NULL &&
            label >= OV_LABEL_MIN && label <= OV_LABEL_MAX) ||
           bad(reterr, "label", "an integer that a label can be");
}

static bool set_region(struct run_query *query, const char *value, struct problem *reterr)
{
    (void)reterr;
    query->region = value;
    return true;
}

static bool set_group(struct run_query *query, const char *value, struct problem *reterr)
{
    (void)reterr;
    query->group = value;
    return true;
}

static bool set_tag(struct run_query *query, const char *value, struct problem *reterr)
{
    (void)reterr;
    query->tag = value;
    return true;
}

static bool set_state(struct run_query *query, const char *value, struct problem *reterr)
{
    for (int i = OV_STATE_OK; i <= OV_STATE_PREDICTION_EMPTY; i++) {
        if (strcmp(ov_state_name((enum ov_state)i), value) == 0) {
            query->state = value;
            return true;
        }
    }
    return bad(reterr, "state", "ok, both_empty, reference_empty or prediction_empty");
}

static bool set_limit(struct run_query *query, const char *value, struct problem *reterr)
{
    uint64_t limit;

    if (!scan_uint(value, MAX_LIMIT, &limit) || limit == 0)
        return bad(reterr, "limit", "from 1 to 1000");
    query->limit = (size_t)limit;
    return true;
}

static bool set_cursor(struct run_query *query, const char *value, struct problem *reterr)
{
    (void)reterr;
    query->cursor = value;
    return true;
}

static bool set_seed(struct run_query *query, const char *value, struct problem *reterr)
{
    return scan_uint(value, INT64_MAX, &query->seed) ||
           bad(reterr, "seed", "from 0 to 9223372036854775807");
}

static bool set_resamples(struct run_query *query, const char *value, struct problem *reterr)
{
    uint64_t n;

    if (!scan_uint(value, MAX_RESAMPLES, &n) || (n != 0 && n < 100))
        return bad(reterr, "resamples", "0, or from 100 to 10000");
    query->n_resamples = (size_t)n;
    return true;
}

static const struct setting settings[] = {
    {"wait", IN_ALL & ~IN(RUN_VIEW_COMPARE), set_wait},
    {"metrics", IN_SCORES, set_metrics},
    {"sort", IN_CASES, set_sort},
    {"order", IN_CASES, set_order},
    {"label", IN_CASES, set_label},
    {"region", IN_CASES, set_region},
    {"group", IN_CASES, set_group},
    {"tag", IN_CASES, set_tag},
    {"state", IN_CASES, set_state},
    {"limit", IN_PAGED, set_limit},
    {"cursor", IN_PAGED, set_cursor},
    {"seed", IN_STATISTICS, set_seed},
    {"resamples", IN_STATISTICS, set_resamples},
};

#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

static bool set_one(struct run_query *query, const struct parameter *parameter, unsigned *seen,
                    struct problem *reterr)
{
    for (size_t i = 0; i < N_SETTINGS; i++) {
        if (strcmp(settings[i].name, parameter->name) != 0 ||
            (settings[i].views & IN(query->view)) == 0)
            continue;
        if (*seen & (1u << i))
            return bad(reterr, parameter->name, "given once");
        *seen |= 1u << i;
        return settings[i].set(query, parameter->value, reterr);
    }
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                       "There is no query parameter \"%s\" here.", parameter->name);
}

static bool check(const struct run_query *query, struct problem *reterr)
{
    bool selects = query->has_label || query->region != NULL;

    if (query->has_label && query->region != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                           "label and region exclude each other.");
    return query->state == NULL || selects ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                       "state needs the label or region whose state it is.");
}

bool run_query_parse(const struct score_input *input, enum run_view view,
                     struct run_query *ret_query, struct problem *reterr)
{
    struct run_query query = {.view = view,
                              .metrics = {OV_DICE, OV_IOU},
                              .n_metrics = 2,
                              .limit = DEFAULT_LIMIT,
                              .n_resamples = DEFAULT_RESAMPLES};
    unsigned seen = 0;

    for (size_t i = 0; i < input->n_parameters; i++) {
        if (!set_one(&query, &input->parameters[i], &seen, reterr))
            return false;
    }
    if (!check(&query, reterr))
        return false;
    *ret_query = query;
    return true;
}

bool run_query_before(const struct run_query *query, uint64_t *ret_before, struct problem *reterr)
{
    *ret_before = INT64_MAX;
    return query->cursor == NULL || scan_uint(query->cursor, INT64_MAX, ret_before) ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                       "The cursor is not one that this query gave.");
}
