/* loss.c - one loss being computed: from a request to values and a gradient. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/loss.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/names.h"
#include "proto/shape.h"

/* What Lovasz sorts: per element of the prediction, and per voxel. */
#define LOVASZ_ELEMENT_BYTES 16
#define LOVASZ_VOXEL_BYTES   32

static const char *const part_names[LOSS_N_PARTS] = {"prediction", "target", "mask"};

static const struct ov_offence none = {OV_LOSS_PREDICTION, 0};

/* ---- what the library refuses ---------------------------------------------------------------- */

/* The axes are those that the library sees: samples, classes, space; labels have no classes. */
static struct shape_text place_of(const struct ov_tensor *tensor, uint64_t element)
{
    uint64_t index[OV_MAX_NDIM] = {0};

    for (int i = tensor->ndim - 1; i >= 0; i--) {
        index[i] = element % tensor->shape[i];
        element /= tensor->shape[i];
    }
    return shape_text(tensor->ndim, index);
}

static bool refuse_element(const struct loss *loss, enum problem_code code,
                           struct ov_offence offence, const char *what, struct problem *reterr)
{
    enum loss_part part = offence.input == OV_LOSS_TARGET ? LOSS_TARGET : LOSS_PREDICTION;
    const struct ov_tensor *tensor = &loss->inputs[part].tensor;
    bool has_classes = tensor->ndim == loss->inputs[LOSS_PREDICTION].tensor.ndim;

    return problem_set(reterr, code, loss->request.sources[part].pointer,
                       "Element %llu of the %s, at %s of its axes samples, %sspace, %s.",
                       (unsigned long long)offence.index, part_names[part],
                       place_of(tensor, offence.index).at, has_classes ? "classes, " : "", what);
}

static bool refuse(const struct loss *loss, enum ov_status status, struct ov_offence offence,
                   struct problem *reterr)
{
    switch (status) {
    case OV_ENOMEM:
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the loss.");
    case OV_ENAN:
        return refuse_element(loss, PROBLEM_NOT_A_NUMBER, offence, "is not a number (NaN)", reterr);
    case OV_EINFINITE:
        return refuse_element(loss, PROBLEM_OUT_OF_RANGE, offence, "is infinite", reterr);
    case OV_EPROBABILITY:
        return refuse_element(loss, PROBLEM_OUT_OF_RANGE, offence,
                              "is no probability; logits need \"activation\": \"sigmoid\" or "
                              "\"softmax\"",
                              reterr);
    case OV_EFRACTION:
        return refuse_element(loss, PROBLEM_NON_INTEGRAL, offence, "is no whole number", reterr);
    case OV_ECLASS:
        return refuse_element(loss, PROBLEM_OUT_OF_RANGE, offence,
                              "is the number of no class; \"ignore\" leaves one label out", reterr);
    case OV_EDTYPE:
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, "#/prediction",
                           "A prediction is float16, bfloat16, float32 or float64, a mask uint8.");
    case OV_ESIZE:
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, "#/prediction",
                           "With \"layout\": \"%s\" the prediction has too few axes or too many.",
                           layout_name(loss->request.layout));
    default:
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#",
                           "The options do not go together: %s.", ov_status_text(status));
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

bool loss_check(const struct score_input *input, const struct env *env, struct problem *reterr)
{
    struct request_text text = {.parameters = input->parameters,
                                .n_parameters = input->n_parameters};
    struct loss_request request;

    if (!body_check(input, reterr) || !loss_request_init(&request, &text, &env->limits, reterr))
        return false;
    loss_request_done(&request);
    return true;
}

static bool read_request(struct loss *loss, const struct score_input *input, struct problem *reterr)
{
    struct loss_request *request = &loss->request;
    struct request_text text = {.parameters = input->parameters,
                                .n_parameters = input->n_parameters};

    if (!body_read(&loss->body, input, reterr))
        return false;
    text.json = loss->body.json;
    text.n_json = loss->body.n_json;
    if (!loss_request_init(request, &text, &loss->env->limits, reterr))
        return false;
    for (size_t part = 0; part < LOSS_N_PARTS; part++) {
        request->sources[part].names = loss->names;
        if ((part != LOSS_MASK || body_has(&loss->body, part, &request->sources[part])) &&
            !body_source(&loss->body, part, &request->sources[part], reterr))
            return false;
    }
    return loss_output_find(loss, reterr);
}

struct loss *loss_new(const struct score_input *input, const struct env *env,
                      struct problem *reterr)
{
    struct loss *loss = calloc(1, sizeof(*loss));

    if (loss == NULL) {
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request.");
        return NULL;
    }
    loss->env = env;
    loss->growth.env = env;
    body_init(&loss->body, env, part_names, LOSS_N_PARTS);
    loss->names = names_new();
    if (loss->names == NULL)
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the request.");
    if (loss->names == NULL || !read_request(loss, input, reterr)) {
        loss_free(loss);
        return NULL;
    }
    return loss;
}

static uint64_t input_bytes(const struct source *source)
{
    uint64_t n_elements, n_bytes;

    if (!format_is_plain(source))
        return UINT64_MAX;
    if (source->place.kind == SEGMENT_NONE)
        return source->n_bytes;
    return ov_shape_size(source->ndim, source->shape, source->dtype, &n_elements, &n_bytes) == OV_OK
               ? n_bytes
               : UINT64_MAX;
}

uint64_t loss_input_bytes(const struct loss *loss)
{
    uint64_t sum = 0;

    for (size_t part = 0; part < LOSS_N_PARTS; part++) {
        const struct source *source = &loss->request.sources[part];
        uint64_t n_bytes = body_has(&loss->body, part, source) ? input_bytes(source) : 0;

        if (n_bytes > UINT64_MAX - sum)
            return UINT64_MAX;
        sum += n_bytes;
    }
    return sum;
}

void loss_free(struct loss *loss)
{
    if (loss == NULL)
        return;
    loss_inputs_done(loss);
    loss_output_done(loss);
    loss_request_done(&loss->request);
    names_free(loss->names);
    body_done(&loss->body);
    free(loss->values);
    free(loss->gradient);
    free(loss->text);
    growth_done(&loss->growth);
    free(loss);
}

/* ---- computing ------------------------------------------------------------------------------- */

static bool count_values(struct loss *loss, struct problem *reterr)
{
    const struct ov_tensor *prediction = &loss->inputs[LOSS_PREDICTION].tensor;
    const struct loss_request *request = &loss->request;
    enum ov_status status = ov_loss_n_values(&request->options, prediction->shape[0],
                                             prediction->shape[1], &loss->n_values);

    if (status != OV_OK)
        return refuse(loss, status, none, reterr);
    if (loss->n_values > OV_MAX_LABELS)
        return problem_set(reterr, PROBLEM_TOO_MANY_LABELS, "#/reduction",
                           "The loss has %llu values; no more than %d are returned.",
                           (unsigned long long)loss->n_values, OV_MAX_LABELS);
    if (request->upstream != NULL && request->n_upstream != loss->n_values)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, "#/upstream",
                           "The loss has %llu values; upstream must have one for each.",
                           (unsigned long long)loss->n_values);
    loss->values = calloc((size_t)loss->n_values, sizeof(*loss->values));
    return loss->values != NULL || refuse(loss, OV_ENOMEM, none, reterr);
}

/* What the library allocates beside the gradient, where it is more than some hundred KiB. */
static bool take_scratch(struct loss *loss, struct problem *reterr)
{
    const struct mask_header *header = reader_header(loss->inputs[LOSS_PREDICTION].reader);
    uint64_t n_classes = loss->inputs[LOSS_PREDICTION].tensor.shape[1];

    if (loss->request.options.loss != OV_LOSS_LOVASZ)
        return true;
    return growth_take(&loss->body.growth,
                       header->n_voxels * LOVASZ_ELEMENT_BYTES +
                           header->n_voxels / n_classes * LOVASZ_VOXEL_BYTES,
                       reterr);
}

static bool new_gradient(struct loss *loss, void **ret_elements, struct problem *reterr)
{
    return loss->output != NULL ? loss_output_new(loss, ret_elements, reterr)
                                : loss_file_new(loss, ret_elements, reterr);
}

static bool compute(struct loss *loss, struct problem *reterr)
{
    const struct loss_input *inputs = loss->inputs;
    struct ov_loss_inputs tensors = {&inputs[LOSS_PREDICTION].tensor, &inputs[LOSS_TARGET].tensor,
                                     inputs[LOSS_MASK].reader != NULL ? &inputs[LOSS_MASK].tensor
                                                                      : NULL};
    struct ov_tensor gradient;
    struct ov_offence offence = {OV_LOSS_PREDICTION, 0};
    enum ov_status status;

    void *elements = NULL;

    if (loss->request.gradient && !new_gradient(loss, &elements, reterr))
        return false;
    if (loss->request.gradient)
        gradient = loss_like_prediction(loss, elements);
    status =
        ov_loss_forward_backward(&tensors, &loss->request.options, loss->request.upstream,
                                 loss->request.gradient ? &gradient : NULL, loss->values, &offence);
    return status == OV_OK || refuse(loss, status, offence, reterr);
}

bool loss_run(struct loss *loss, struct problem *reterr)
{
    uint64_t start = loss->env->now_ns();
    uint64_t read;
    bool ok;

    if (!loss_inputs_read(loss, reterr))
        return false;
    if (loss->inputs[LOSS_PREDICTION].tensor.ndim < 2)
        return refuse(loss, OV_ESIZE, none, reterr);
    read = loss->env->now_ns();
    loss->decode_ns = read - start;
    ok = loss_fit_shapes(loss, reterr) && loss_fit_options(loss, reterr) &&
         loss_output_check(loss, reterr) && count_values(loss, reterr) &&
         take_scratch(loss, reterr) && compute(loss, reterr);
    loss->compute_ns = loss->env->now_ns() - read;
    return ok;
}

struct stage_times loss_times(const struct loss *loss)
{
    return (struct stage_times){loss->decode_ns, loss->compute_ns};
}
