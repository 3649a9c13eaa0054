/* score.c - one pair being scored: from a request to counts, and who owns what on the way. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/score.h"
#include "proto/extent.h"
#include "proto/overlay.h"

#include <stdlib.h>
#include <string.h>

bool score_check(const struct score_input *input, const struct env *env, struct problem *reterr)
{
    struct request_text text = {.parameters = input->parameters,
                                .n_parameters = input->n_parameters};
    struct request request;

    if (!body_check(input, reterr) || !request_init(&request, &text, &env->limits, reterr))
        return false;
    request_done(&request);
    return true;
}

/* Masks that number their labels are opened first: those that only name them are given the same. */
static bool open_both(struct score *score, struct problem *reterr)
{
    struct source *sources[] = {&score->request.prediction, &score->request.reference};
    int first = format_only_names(sources[SCORE_PREDICTION]) ? SCORE_REFERENCE : SCORE_PREDICTION;

    for (int i = 0; i < SCORE_N_MASKS; i++) {
        int which = i == 0 ? first : 1 - first;

        sources[which]->names = score->names;
        if (score->request.has_threshold)
            sources[which]->threshold = &score->request.threshold;
        score->readers[which] = reader_new(sources[which], score->env, reterr);
        if (score->readers[which] == NULL)
            return false;
    }
    return true;
}

/* The names that the request itself gives come before those in the masks. */
static bool name_labels(struct score *score, struct problem *reterr)
{
    const struct request *request = &score->request;

    score->names = names_new();
    if (score->names == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for names.");
    for (size_t i = 0; i < request->n_labels; i++) {
        const struct named_label *label = &request->labels[i];

        if (label->name != NULL &&
            !names_set(score->names, label->label, label->name, strlen(label->name), reterr))
            return false;
    }
    return true;
}

static bool begin_overlay(struct score *score, struct problem *reterr)
{
    if (score->request.keep_overlay)
        score->overlay = overlay_new(score, reterr);
    return !score->request.keep_overlay || score->overlay != NULL;
}

bool score_open(struct score *score, struct problem *reterr)
{
    return name_labels(score, reterr) && open_both(score, reterr) &&
           extent_match(score->readers[SCORE_PREDICTION], score->readers[SCORE_REFERENCE],
                        &score->request, reterr) &&
           pair_make(reader_header(score->readers[SCORE_PREDICTION]),
                     reader_header(score->readers[SCORE_REFERENCE]), &score->request, &score->pair,
                     reterr) &&
           layering_make(score, reterr) && begin_overlay(score, reterr);
}

/* What speaks of a case that is kept, where none is. */
static bool keeps_nothing(const struct score *score, struct problem *reterr)
{
    const char *pointer = score->request.keep_overlay        ? "#/keep"
                          : score->request.kept_case != NULL ? "#/case"
                                                             : NULL;

    return pointer == NULL || problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer,
                                          "Nothing is kept of this request; %s belongs to PUT "
                                          "/v1/runs/{run}/cases/{case}.",
                                          pointer + 2);
}

static bool find_sources(struct score *score, struct problem *reterr)
{
    struct request *request = &score->request;

    return body_source(&score->body, SCORE_PREDICTION, &request->prediction, reterr) &&
           body_source(&score->body, SCORE_REFERENCE, &request->reference, reterr);
}

static struct score *new_score(const struct env *env, struct problem *reterr)
{
    static const char *const names[SCORE_N_MASKS] = {"prediction", "reference"};
    struct score *score = calloc(1, sizeof(*score));

    if (score == NULL) {
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request.");
        return NULL;
    }
    score->env = env;
    body_init(&score->body, env, names, SCORE_N_MASKS);
    return score;
}

static bool read_request(struct score *score, const struct score_input *input,
                         struct problem *reterr)
{
    struct request_text text = {.parameters = input->parameters,
                                .n_parameters = input->n_parameters};

    if (!body_read(&score->body, input, reterr))
        return false;
    text.json = score->body.json;
    text.n_json = score->body.n_json;
    return request_init(&score->request, &text, &score->env->limits, reterr) &&
           find_sources(score, reterr);
}

struct score *score_new_parsed(json_t *request, const struct segments *segments,
                               const struct env *env, struct problem *reterr)
{
    struct score *score = new_score(env, reterr);

    if (score == NULL)
        return NULL;
    body_of_parsed(&score->body, segments);
    if (!request_init_parsed(&score->request, request, &env->limits, reterr) ||
        !find_sources(score, reterr) || !keeps_nothing(score, reterr)) {
        score_free(score);
        return NULL;
    }
    return score;
}

struct score *score_new(const struct score_input *input, const struct env *env,
                        struct problem *reterr)
{
    struct score *score = new_score(env, reterr);

    if (score == NULL)
        return NULL;
    if (!read_request(score, input, reterr) || (!input->keeps && !keeps_nothing(score, reterr))) {
        score_free(score);
        return NULL;
    }
    return score;
}

void score_free(struct score *score)
{
    if (score == NULL)
        return;
    for (int i = 0; i < SCORE_N_MASKS; i++)
        reader_free(score->readers[i]);
    ov_counter_free(score->counter);
    overlay_free(score->overlay);
    found_done(&score->found);
    names_free(score->names);
    free(score->ignored_sets);
    free(score->classes);
    free(score->regions);
    request_done(&score->request);
    body_done(&score->body);
    free(score);
}

/* Layers are counted run by run, unless the other mask's order needs them unpacked. */
static uint64_t bytes_to_count(const struct score *score, int which)
{
    const struct mask_header *header = reader_header(score->readers[which]);

    if (header->layers != NULL && score->pair.same_order)
        return layers_n_runs(header->layers) * sizeof(struct ov_run);
    return header->n_bytes;
}

uint64_t score_decoded_bytes(const struct score *score)
{
    return bytes_to_count(score, SCORE_PREDICTION) + bytes_to_count(score, SCORE_REFERENCE);
}

static bool is_quick(const struct source *source)
{
    return format_is_plain(source) || format_is_short(source);
}

bool score_needs_a_worker(const struct score *score)
{
    return score->request.keep_overlay || !is_quick(&score->request.prediction) ||
           !is_quick(&score->request.reference);
}

static uint64_t most_labels(const struct mask_header *header)
{
    if (header->layers != NULL)
        return layers_n_sets(header->layers) + layers_n_labels(header->layers);
    return ov_dtype_bytes(header->encoding.dtype) == 1 ? 256 : header->n_voxels;
}

uint64_t score_most_labels(const struct score *score)
{
    uint64_t n_labels = 0;

    if (score->request.has_threshold)
        return 2;
    for (int i = 0; i < SCORE_N_MASKS; i++)
        n_labels += most_labels(reader_header(score->readers[i]));
    return n_labels;
}

bool score_has_tables(const struct score *score)
{
    return score->request.confusion || score->request.n_regions > 0;
}

struct stage_times score_times(const struct score *score)
{
    return (struct stage_times){score->decode_ns, score->count_ns};
}

size_t score_n_classes(const struct score *score)
{
    return score->n_classes;
}

bool score_run(struct score *score, struct problem *reterr)
{
    uint64_t start;
    bool ok;

    if (!tally_run(score, reterr))
        return false;
    score->found.counter = score->counter;
    start = score->env->now_ns();
    ok = classes_make(score, reterr);
    score->count_ns += score->env->now_ns() - start;
    return ok;
}
