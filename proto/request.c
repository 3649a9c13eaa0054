/* request.c - what a caller asks of a score: sources and options, from JSON and the query. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/request.h"

#include <math.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/option.h"

struct source source_unknown(const char *pointer)
{
    return (struct source){
        .pointer = pointer, .format = FORMAT_AUTO, .coding = CODING_AUTO, .dtype = OV_N_DTYPES};
}

static void set_defaults(struct request *request)
{
    *request = (struct request){
        .prediction = source_unknown("#/prediction"),
        .reference = source_unknown("#/reference"),
        .labels_auto = true,
        .has_background = true,
        .metrics = {OV_DICE, OV_IOU},
        .n_metrics = 2,
        .beta = 1,
        .empty = ov_empty_policy_default(),
    };
}

static const struct option_name *find_name(const char *name)
{
    const struct option *option = option_find(name);

    return option != NULL ? &option->name : NULL;
}

static bool read_members(struct request *request, const struct limits *limits,
                         struct problem *reterr)
{
    const char *name;
    json_t *value;

    json_object_foreach(request->json, name, value)
    {
        const struct option *option = option_find(name);
        struct option_value of = {value, json_pointer_to("#", name), limits};

        if (!option->parse(request, &of, reterr))
            return false;
    }
    return true;
}

bool request_init(struct request *request, const struct request_text *text,
                  const struct limits *limits, struct problem *reterr)
{
    set_defaults(request);
    request->json = option_merge(text, limits, find_name, reterr);
    if (request->json != NULL && read_members(request, limits, reterr))
        return true;
    request_done(request);
    return false;
}

bool request_init_parsed(struct request *request, json_t *json, const struct limits *limits,
                         struct problem *reterr)
{
    set_defaults(request);
    request->json = json_incref(json);
    if (option_check_members(json, find_name, reterr) && read_members(request, limits, reterr))
        return true;
    request_done(request);
    return false;
}

void request_done(struct request *request)
{
    for (size_t i = 0; i < request->n_regions; i++)
        free(request->regions[i].labels);
    free(request->regions);
    free(request->labels);
    free(request->ignore);
    json_decref(request->json);
    set_defaults(request);
}

static json_t *echo_labels(const struct request *request)
{
    json_t *array;

    if (request->labels_auto)
        return json_string("auto");
    array = json_array();
    for (size_t i = 0; i < request->n_labels; i++) {
        const struct named_label *label = &request->labels[i];

        json_push(&array, label->name == NULL
                              ? json_integer(label->label)
                              : json_pack("{s:I, s:s}", "label", (json_int_t)label->label, "name",
                                          label->name));
    }
    return array;
}

static json_t *echo_list(const int64_t *labels, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        json_push(&array, json_integer(labels[i]));
    return array;
}

static json_t *echo_regions(const struct request *request)
{
    json_t *object = json_object();

    for (size_t i = 0; i < request->n_regions; i++)
        json_put(&object, request->regions[i].name,
                 echo_list(request->regions[i].labels, request->regions[i].n_labels));
    return object;
}

static json_t *echo_metrics(const struct request *request)
{
    json_t *array = json_array();

    for (size_t i = 0; i < request->n_metrics; i++)
        json_push(&array, json_string(ov_metric_name(request->metrics[i])));
    if (request->generalised_dice)
        json_push(&array, json_string("generalised_dice"));
    return array;
}

static const char *empty_word(double value)
{
    return isnan(value) ? "null" : value == 0 ? "zero" : "one";
}

json_t *request_echo(const struct request *request)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:f, s:{s:s, s:s, s:s}, s:o, s:s, s:s, s:s, s:b}",
                     "labels", echo_labels(request), "regions", echo_regions(request), "ignore",
                     echo_list(request->ignore, request->n_ignore), "background",
                     request->has_background ? json_integer(request->background) : json_null(),
                     "metrics", echo_metrics(request), "beta", request->beta, "empty", "both_empty",
                     empty_word(request->empty.both_empty), "reference_empty",
                     empty_word(request->empty.reference_empty), "prediction_empty",
                     empty_word(request->empty.prediction_empty), "threshold",
                     request->has_threshold ? json_real(request->threshold) : json_null(),
                     "geometry", request->ignore_geometry ? "ignore" : "check", "axes",
                     request->reverse_axes ? "reverse" : "as-is", "overlap",
                     request->refuse_overlap ? "error" : "layers", "confusion", request->confusion);
}
