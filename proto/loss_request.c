/* loss_request.c - what a caller asks of a loss: sources and options, from JSON and the query. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/loss_request.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LAYOUT_NAME(symbol, name) name,
static const char *const layout_names[LAYOUT_N] = {LAYOUT_MAP(LAYOUT_NAME)};
#undef LAYOUT_NAME

const char *layout_name(enum layout layout)
{
    return layout_names[layout];
}

static bool bad(const struct option_value *value, const char *wanted, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text, "%s must be %s.",
                       value->pointer.text + 2, wanted);
}

static const char *word_of(const struct option_value *value)
{
    const char *word = json_string_value(value->json);

    return word != NULL ? word : "";
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool parse_loss(struct loss_request *request, const struct option_value *value,
                       struct problem *reterr)
{
    return ov_loss_find(word_of(value), &request->options.loss) == OV_OK ||
           bad(value, "a loss that /v1/info lists", reterr);
}

static bool parse_activation(struct loss_request *request, const struct option_value *value,
                             struct problem *reterr)
{
    return ov_activation_find(word_of(value), &request->options.activation) == OV_OK ||
           bad(value, "none, sigmoid or softmax", reterr);
}

static bool parse_target_type(struct loss_request *request, const struct option_value *value,
                              struct problem *reterr)
{
    request->target_auto = strcmp(word_of(value), "auto") == 0;
    return request->target_auto ||
           ov_target_find(word_of(value), &request->options.target) == OV_OK ||
           bad(value, "auto, labels, one_hot or soft", reterr);
}

static bool parse_reduction(struct loss_request *request, const struct option_value *value,
                            struct problem *reterr)
{
    return ov_reduction_find(word_of(value), &request->options.reduction) == OV_OK ||
           bad(value, "mean, sum, none or mean_batch", reterr);
}

static bool parse_weighting(struct loss_request *request, const struct option_value *value,
                            struct problem *reterr)
{
    return ov_weighting_find(word_of(value), &request->options.weighting) == OV_OK ||
           bad(value, "square, simple or uniform", reterr);
}

static bool parse_layout(struct loss_request *request, const struct option_value *value,
                         struct problem *reterr)
{
    for (int i = 0; i < LAYOUT_N; i++) {
        if (strcmp(word_of(value), layout_names[i]) == 0) {
            request->layout = (enum layout)i;
            return true;
        }
    }
    return bad(value, "ncs, cs, nsc or sc", reterr);
}

/* ---- truth ----------------------------------------------------------------------------------- */

static bool parse_bool(bool *ret, const struct option_value *value, struct problem *reterr)
{
    *ret = json_is_true(value->json);
    return json_is_boolean(value->json) || bad(value, "true or false", reterr);
}

static bool parse_include_background(struct loss_request *request, const struct option_value *value,
                                     struct problem *reterr)
{
    bool include;

    if (!parse_bool(&include, value, reterr))
        return false;
    request->options.exclude_background = !include;
    return true;
}

static bool parse_batch(struct loss_request *request, const struct option_value *value,
                        struct problem *reterr)
{
    return parse_bool(&request->options.batch, value, reterr);
}

static bool parse_soft_labels(struct loss_request *request, const struct option_value *value,
                              struct problem *reterr)
{
    return parse_bool(&request->options.soft_labels, value, reterr);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t at; /* in struct ov_loss_options */
} numbers[] = {
    {"smooth_numerator", offsetof(struct ov_loss_options, smooth_numerator)},
    {"smooth_denominator", offsetof(struct ov_loss_options, smooth_denominator)},
    {"alpha", offsetof(struct ov_loss_options, alpha)},
    {"beta", offsetof(struct ov_loss_options, beta)},
    {"gamma", offsetof(struct ov_loss_options, gamma)},
    {"focal_gamma", offsetof(struct ov_loss_options, focal_gamma)},
    {"lambda_overlap", offsetof(struct ov_loss_options, lambda_overlap)},
    {"lambda_voxel", offsetof(struct ov_loss_options, lambda_voxel)},
};

static double *number_at(struct ov_loss_options *options, size_t i)
{
    return (double *)(void *)((char *)options + numbers[i].at);
}

/* Which of them may be 0 is the library's to say. */
static bool parse_number(struct loss_request *request, const struct option_value *value,
                         struct problem *reterr)
{
    double number = json_number_value(value->json);

    if (!json_is_number(value->json) || number < 0)
        return bad(value, "a number of 0 or more", reterr);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (strcmp(value->pointer.text + 2, numbers[i].name) == 0)
            *number_at(&request->options, i) = number;
    }
    return true;
}

static bool parse_ignore(struct loss_request *request, const struct option_value *value,
                         struct problem *reterr)
{
    request->options.has_ignore = !json_is_null(value->json);
    return !request->options.has_ignore ||
           option_label(value->json, value->pointer.text, &request->options.ignore, reterr);
}

/* An array of numbers, NULL for null; *ret_numbers is to be freed. */
static bool parse_list(const struct option_value *value, double **ret_numbers, size_t *ret_n,
                       struct problem *reterr)
{
    size_t n = json_array_size(value->json);

    if (json_is_null(value->json))
        return true;
    if (n == 0 || n > value->limits->labels)
        return bad(value, "an array of numbers, no more than limits.labels of them", reterr);
    *ret_numbers = calloc(n, sizeof(**ret_numbers));
    if (*ret_numbers == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request.");
    *ret_n = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *number = json_array_get(value->json, i);

        if (!json_is_number(number))
            return bad(value, "an array of numbers", reterr);
        (*ret_numbers)[i] = json_number_value(number);
    }
    return true;
}

static bool parse_class_weights(struct loss_request *request, const struct option_value *value,
                                struct problem *reterr)
{
    bool good =
        parse_list(value, &request->class_weights, &request->options.n_class_weights, reterr);

    for (size_t i = 0; good && i < request->options.n_class_weights; i++)
        good = request->class_weights[i] >= 0 || bad(value, "numbers of 0 or more", reterr);
    request->options.class_weights = request->class_weights;
    return good;
}

static bool parse_upstream(struct loss_request *request, const struct option_value *value,
                           struct problem *reterr)
{
    return parse_list(value, &request->upstream, &request->n_upstream, reterr);
}

/* ---- sources --------------------------------------------------------------------------------- */

static bool parse_prediction(struct loss_request *request, const struct option_value *value,
                             struct problem *reterr)
{
    return source_read(&request->sources[LOSS_PREDICTION], "prediction", value, reterr);
}

static bool parse_target(struct loss_request *request, const struct option_value *value,
                         struct problem *reterr)
{
    return source_read(&request->sources[LOSS_TARGET], "target", value, reterr);
}

static bool parse_mask(struct loss_request *request, const struct option_value *value,
                       struct problem *reterr)
{
    return source_read(&request->sources[LOSS_MASK], "mask", value, reterr);
}

/* Elements in C order and nothing else: all of it must be said, so that no default can be wrong. */
static bool parse_output(struct loss_request *request, const struct option_value *value,
                         struct problem *reterr)
{
    static const char *const members[] = {"shm", "handle", "offset", "dtype", "shape"};
    const char *name;
    json_t *json;

    json_object_foreach(value->json, name, json)
    {
        size_t i = 0;

        while (i < sizeof(members) / sizeof(members[0]) && strcmp(name, members[i]) != 0)
            i++;
        if (i == sizeof(members) / sizeof(members[0]))
            return problem_set(reterr, PROBLEM_BAD_PARAMETER,
                               json_pointer_to("#/gradient", name).text,
                               "A place for a gradient has no such member.");
    }
    if (!source_read(&request->output, "gradient", value, reterr))
        return false;
    return (request->output.place.kind != SEGMENT_NONE && request->output.ndim > 0 &&
            request->output.dtype != OV_N_DTYPES) ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                       "A place for a gradient needs shm or handle, dtype and shape.");
}

static bool parse_gradient(struct loss_request *request, const struct option_value *value,
                           struct problem *reterr)
{
    request->gradient = json_is_true(value->json) || json_is_object(value->json);
    if (json_is_object(value->json))
        return parse_output(request, value, reterr);
    return json_is_boolean(value->json) ||
           bad(value, "true, false, or where it goes in shared memory", reterr);
}

/* ---- the request ----------------------------------------------------------------------------- */

static const struct loss_option {
    struct option_name name;
    bool (*parse)(struct loss_request *request, const struct option_value *value,
                  struct problem *reterr);
} options[] = {
    {{"prediction", QUERY_NONE}, parse_prediction},
    {{"target", QUERY_NONE}, parse_target},
    {{"mask", QUERY_NONE}, parse_mask},
    {{"loss", QUERY_WORD}, parse_loss},
    {{"activation", QUERY_WORD}, parse_activation},
    {{"target_type", QUERY_WORD}, parse_target_type},
    {{"reduction", QUERY_WORD}, parse_reduction},
    {{"layout", QUERY_WORD}, parse_layout},
    {{"include_background", QUERY_BOOL}, parse_include_background},
    {{"batch", QUERY_BOOL}, parse_batch},
    {{"soft_labels", QUERY_BOOL}, parse_soft_labels},
    {{"ignore", QUERY_LABEL}, parse_ignore},
    {{"class_weights", QUERY_NONE}, parse_class_weights},
    {{"weighting", QUERY_WORD}, parse_weighting},
    {{"smooth_numerator", QUERY_NUMBER}, parse_number},
    {{"smooth_denominator", QUERY_NUMBER}, parse_number},
    {{"alpha", QUERY_NUMBER}, parse_number},
    {{"beta", QUERY_NUMBER}, parse_number},
    {{"gamma", QUERY_NUMBER}, parse_number},
    {{"focal_gamma", QUERY_NUMBER}, parse_number},
    {{"lambda_overlap", QUERY_NUMBER}, parse_number},
    {{"lambda_voxel", QUERY_NUMBER}, parse_number},
    {{"gradient", QUERY_BOOL}, parse_gradient},
    {{"upstream", QUERY_NONE}, parse_upstream},
};

static const struct loss_option *find(const char *name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i].name.text, name) == 0)
            return &options[i];
    }
    return NULL;
}

static const struct option_name *find_name(const char *name)
{
    const struct loss_option *option = find(name);

    return option != NULL ? &option->name : NULL;
}

static bool read_members(struct loss_request *request, const struct limits *limits,
                         struct problem *reterr)
{
    const char *name;
    json_t *json;

    json_object_foreach(request->json, name, json)
    {
        struct option_value value = {json, json_pointer_to("#", name), limits};

        if (!find(name)->parse(request, &value, reterr))
            return false;
    }
    return true;
}

bool loss_request_init(struct loss_request *request, const struct request_text *text,
                       const struct limits *limits, struct problem *reterr)
{
    *request = (struct loss_request){
        .sources = {source_unknown("#/prediction"), source_unknown("#/target"),
                    source_unknown("#/mask")},
        .output = source_unknown("#/gradient"),
        .options = ov_loss_options_default(),
        .target_auto = true,
    };
    request->json = option_merge(text, limits, find_name, reterr);
    if (request->json != NULL && read_members(request, limits, reterr))
        return true;
    loss_request_done(request);
    return false;
}

void loss_request_done(struct loss_request *request)
{
    json_decref(request->json);
    free(request->class_weights);
    free(request->upstream);
    *request = (struct loss_request){.json = NULL};
}

static json_t *list(const double *values, size_t n)
{
    json_t *array = values != NULL ? json_array() : json_null();

    for (size_t i = 0; values != NULL && i < n; i++)
        json_push(&array, json_real(values[i]));
    return array;
}

json_t *loss_request_echo(const struct loss_request *request)
{
    struct ov_loss_options all = request->options;
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o, s:b}", "loss",
        ov_loss_name(all.loss), "activation", ov_activation_name(all.activation), "target_type",
        ov_target_name(all.target), "reduction", ov_reduction_name(all.reduction), "layout",
        layout_name(request->layout), "weighting", ov_weighting_name(all.weighting),
        "include_background", !all.exclude_background, "batch", all.batch, "soft_labels",
        all.soft_labels, "ignore", all.has_ignore ? json_integer(all.ignore) : json_null(),
        "class_weights", list(request->class_weights, all.n_class_weights), "upstream",
        list(request->upstream, request->n_upstream), "gradient", request->gradient);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        json_put(&json, numbers[i].name, json_real(*number_at(&all, i)));
    return json;
}
