/* request.c - what a caller asks of a score: sources and options, from JSON and the query. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/request.h"

#include <math.h>
#include <stdlib.h>

#include "proto/json.h"
#include "proto/option.h"
#include "proto/writer.h"

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

static void put_labels(struct writer *writer, const struct request *request)
{
    writer_put(writer, "labels");
    if (request->labels_auto) {
        writer_string(writer, "auto");
        return;
    }
    writer_open(writer, '[');
    for (size_t i = 0; i < request->n_labels; i++) {
        const struct named_label *label = &request->labels[i];

        if (label->name == NULL) {
            writer_integer(writer, label->label);
            continue;
        }
        writer_open(writer, '{');
        writer_put_integer(writer, "label", label->label);
        writer_put_string(writer, "name", label->name);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
}

static void put_regions(struct writer *writer, const struct request *request)
{
    writer_put(writer, "regions");
    writer_open(writer, '{');
    for (size_t i = 0; i < request->n_regions; i++) {
        writer_name(writer, request->regions[i].name);
        writer_integers(writer, request->regions[i].labels, request->regions[i].n_labels);
    }
    writer_close(writer, '}');
}

static void put_metrics(struct writer *writer, const struct request *request)
{
    writer_put(writer, "metrics");
    writer_open(writer, '[');
    for (size_t i = 0; i < request->n_metrics; i++)
        writer_string(writer, ov_metric_name(request->metrics[i]));
    if (request->generalised_dice)
        writer_string(writer, "generalised_dice");
    writer_close(writer, ']');
}

static const char *empty_word(double value)
{
    return isnan(value) ? "null" : value == 0 ? "zero" : "one";
}

static void put_empty(struct writer *writer, const struct ov_empty_policy *empty)
{
    writer_put(writer, "empty");
    writer_open(writer, '{');
    writer_put_string(writer, "both_empty", empty_word(empty->both_empty));
    writer_put_string(writer, "reference_empty", empty_word(empty->reference_empty));
    writer_put_string(writer, "prediction_empty", empty_word(empty->prediction_empty));
    writer_close(writer, '}');
}

void request_write(const struct request *request, struct writer *writer)
{
    writer_open(writer, '{');
    put_labels(writer, request);
    put_regions(writer, request);
    writer_put(writer, "ignore");
    writer_integers(writer, request->ignore, request->n_ignore);
    if (request->has_background)
        writer_put_integer(writer, "background", request->background);
    else
        writer_put_null(writer, "background");
    put_metrics(writer, request);
    writer_put_real(writer, "beta", request->beta);
    put_empty(writer, &request->empty);
    writer_put_real(writer, "threshold", request->has_threshold ? request->threshold : NAN);
    writer_put_string(writer, "geometry", request->ignore_geometry ? "ignore" : "check");
    writer_put_string(writer, "axes", request->reverse_axes ? "reverse" : "as-is");
    writer_put_string(writer, "overlap", request->refuse_overlap ? "error" : "layers");
    writer_put_bool(writer, "confusion", request->confusion);
    writer_close(writer, '}');
}
