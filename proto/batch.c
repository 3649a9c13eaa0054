/* batch.c - scores asked for by a message instead of HTTP: one pair, or a list of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/proto.h"

/* One pair: its score while it is made, then its answer as text. */
struct item {
    struct score *score;
    bool opened; /* score_open was well */
    char *text;
    size_t n_bytes;
    struct problem problem;
};

struct batch {
    json_t *common; /* the message without op and pairs: the pair itself, or what all pairs say */
    json_t *pairs;  /* NULL: the message is the pair */
    const struct segments *segments;
    const struct env *env;
    uint64_t taken_bytes; /* for the texts */
    double queue_s;
    uint64_t started_ns;
    size_t n;
    struct item items[];
};

/* ---- life ------------------------------------------------------------------------------------ */

static bool check_list(const json_t *message, const json_t *pairs, struct problem *reterr)
{
    if (!json_is_array(pairs) || json_array_size(pairs) == 0)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/pairs",
                           "pairs must be an array of objects, at least one.");
    if (json_object_get(message, "prediction") != NULL ||
        json_object_get(message, "reference") != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/pairs",
                           "There are pairs, and a pair beside them.");
    return true;
}

/* Several threads read the list and what is common, but none counts a reference to them. */
static bool split(struct batch *batch, json_t *message)
{
    batch->common = json_copy(message);
    batch->pairs = json_incref(json_object_get(message, "pairs"));
    json_object_del(batch->common, "op");
    json_object_del(batch->common, "pairs");
    return batch->common != NULL;
}

struct batch *batch_new(struct json_t *message, const struct segments *segments,
                        const struct env *env, struct problem *reterr)
{
    const json_t *pairs = json_object_get(message, "pairs");
    size_t n = pairs != NULL ? json_array_size(pairs) : 1;
    struct batch *batch;

    if (pairs != NULL && !check_list(message, pairs, reterr))
        return NULL;
    batch = calloc(1, sizeof(*batch) + n * sizeof(batch->items[0]));
    if (batch != NULL) {
        batch->segments = segments;
        batch->env = env;
        batch->n = n;
        if (split(batch, message))
            return batch;
    }
    batch_free(batch);
    problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the message.");
    return NULL;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->n; i++) {
        score_free(batch->items[i].score);
        free(batch->items[i].text);
    }
    batch->env->memory_give(batch->taken_bytes);
    json_decref(batch->pairs);
    json_decref(batch->common);
    free(batch);
}

size_t batch_n_pairs(const struct batch *batch)
{
    return batch->n;
}

/* ---- one pair -------------------------------------------------------------------------------- */

/* What is said for all pairs, then what the pair says; deep copies, as threads share the originals.
 * A new reference, NULL with reterr set. */
static json_t *merged(const struct batch *batch, size_t i, struct problem *reterr)
{
    const json_t *pair = json_array_get(batch->pairs, i);
    json_t *request = json_deep_copy(batch->common);
    json_t *own = json_deep_copy(pair);
    bool ok = json_is_object(pair) ||
              problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/pairs", "A pair must be an object.");

    if (ok && json_object_update(request, own) != 0)
        ok = problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request.");
    json_decref(own);
    if (ok)
        return request;
    json_decref(request);
    return NULL;
}

static bool make_item(struct batch *batch, size_t i)
{
    struct item *item = &batch->items[i];
    json_t *request;

    if (item->score != NULL || item->problem.code != PROBLEM_NONE)
        return item->score != NULL;
    request = batch->pairs != NULL ? merged(batch, i, &item->problem) : json_incref(batch->common);
    if (request != NULL)
        item->score = score_new_parsed(request, batch->segments, batch->env, &item->problem);
    json_decref(request);
    return item->score != NULL;
}

static bool open_item(struct batch *batch, size_t i)
{
    struct item *item = &batch->items[i];

    if (!make_item(batch, i) || item->problem.code != PROBLEM_NONE)
        return false;
    item->opened = item->opened || score_open(item->score, &item->problem);
    return item->opened;
}

struct batch_look batch_look(struct batch *batch)
{
    const struct item *item = &batch->items[0];
    struct batch_look look = {.failed = true};

    if (!make_item(batch, 0))
        return look;
    look.needs_a_worker = score_needs_a_worker(item->score);
    look.failed = !look.needs_a_worker && !open_item(batch, 0);
    if (look.failed || look.needs_a_worker)
        return look;
    look.decoded_bytes = score_decoded_bytes(item->score);
    look.most_labels = score_most_labels(item->score);
    look.has_tables = score_has_tables(item->score);
    return look;
}

static bool account(struct batch *batch, struct item *item)
{
    if (item->text == NULL)
        return false;
    if (batch->env->memory_take(item->n_bytes)) {
        __atomic_fetch_add(&batch->taken_bytes, item->n_bytes, __ATOMIC_RELAXED);
        return true;
    }
    free(item->text);
    item->text = NULL;
    return problem_set(&item->problem, PROBLEM_OUT_OF_MEMORY, NULL,
                       "The memory budget has no room for this pair's answer.");
}

static void score_item(void *argument, size_t i)
{
    struct batch *batch = argument;
    struct item *item = &batch->items[i];
    double total_s;

    if (open_item(batch, i) && score_run(item->score, &item->problem)) {
        total_s = (double)(batch->env->now_ns() - batch->started_ns) / 1e9;
        item->text =
            score_print(item->score, batch->queue_s, total_s, &item->n_bytes, &item->problem);
        account(batch, item);
    }
    score_free(item->score);
    item->score = NULL;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static const char is_ok[] = "{\"ok\": true, ";
static const char is_not[] = "{\"ok\": false, ";
static const char list_start[] = "{\"ok\": true, \"results\": [";

/* A JSON object's text with "ok" in front; consumes it. NULL where memory is out. */
static char *prefixed(const char *prefix, char *text, size_t *n_bytes)
{
    size_t n = strlen(prefix);
    char *whole = text != NULL ? malloc(n + *n_bytes) : NULL;

    if (whole != NULL) {
        memcpy(stpcpy(whole, prefix), text + 1, *n_bytes); /* its brace goes, its NUL comes along */
        *n_bytes += n - 1;
    }
    free(text);
    return whole;
}

char *batch_problem(const struct problem *problem, size_t *ret_bytes)
{
    return prefixed(is_not, problem_print(problem, NULL, ret_bytes), ret_bytes);
}

/* The item's text as it stands in the answer. */
static bool finish_item(struct item *item)
{
    if (item->problem.code == PROBLEM_NONE) {
        item->text = prefixed(is_ok, item->text, &item->n_bytes);
        return item->text != NULL;
    }
    item->text = batch_problem(&item->problem, &item->n_bytes);
    return item->text != NULL;
}

static char *join(const struct batch *batch, size_t *ret_bytes)
{
    size_t n_bytes = sizeof(list_start) + 2;
    char *whole;
    size_t at = sizeof(list_start) - 1;

    for (size_t i = 0; i < batch->n; i++)
        n_bytes += batch->items[i].n_bytes + 1;
    whole = malloc(n_bytes);
    if (whole == NULL)
        return NULL;
    memcpy(whole, list_start, at);
    for (size_t i = 0; i < batch->n; i++) {
        memcpy(whole + at, batch->items[i].text, batch->items[i].n_bytes);
        at += batch->items[i].n_bytes;
        whole[at++] = i + 1 < batch->n ? ',' : ']';
    }
    memcpy(whole + at, "}", 2);
    *ret_bytes = at + 1;
    return whole;
}

static char *take_text(struct batch *batch, size_t *ret_bytes)
{
    char *text = batch->items[0].text;

    if (batch->pairs != NULL)
        return join(batch, ret_bytes);
    batch->items[0].text = NULL;
    *ret_bytes = batch->items[0].n_bytes;
    return text;
}

char *batch_run(struct batch *batch, double queue_s, uint64_t started_ns, size_t *ret_bytes)
{
    bool ok = true;

    batch->queue_s = queue_s;
    batch->started_ns = started_ns;
    if (batch->n > 1 && batch->env->each != NULL)
        batch->env->each(score_item, batch, batch->n);
    for (size_t i = 0; i < batch->n && (batch->n == 1 || batch->env->each == NULL); i++)
        score_item(batch, i);
    for (size_t i = 0; i < batch->n; i++)
        ok = finish_item(&batch->items[i]) && ok;
    return ok ? take_text(batch, ret_bytes) : NULL;
}

enum problem_code batch_problem_of(const struct batch *batch, size_t i)
{
    return batch->items[i].problem.code;
}
