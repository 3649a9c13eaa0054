/* loss_print.c - values and gradient into an answer: JSON, or JSON and a file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/loss.h"

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *shape_json(const struct mask_header *header)
{
    json_t *array = json_array();

    for (int i = 0; i < header->ndim; i++)
        json_push(&array, json_integer((json_int_t)header->shape[i]));
    return array;
}

static json_t *input_json(const struct loss_input *input)
{
    const struct mask_header *header;

    if (input->reader == NULL)
        return json_null();
    header = reader_header(input->reader);
    return json_pack("{s:s, s:s, s:s, s:o, s:s}", "format", format_name(header->format), "encoding",
                     coding_name(header->coding), "dtype", ov_dtype_name(header->encoding.dtype),
                     "shape", shape_json(header), "order", header->order == OV_ORDER_C ? "C" : "F");
}

static json_t *values_json(const struct loss *loss)
{
    json_t *array = json_array();

    for (uint64_t i = 0; i < loss->n_values; i++)
        json_push(&array, number(loss->values[i]));
    return array;
}

static json_t *output_json(const struct loss *loss, const struct mask_header *header)
{
    const struct source *output = &loss->request.output;

    return json_pack(
        "{s:s, s:I, s:s, s:o, s:s}", output->place.kind == SEGMENT_SHM ? "shm" : "handle",
        output->place.text, "offset", (json_int_t)output->offset, "dtype",
        ov_dtype_name(header->encoding.dtype), "shape", shape_json(header), "order", "C");
}

static json_t *gradient_json(const struct loss *loss)
{
    const struct mask_header *header = reader_header(loss->inputs[LOSS_PREDICTION].reader);

    if (loss->gradient == NULL)
        return json_null();
    if (loss->output != NULL)
        return output_json(loss, header);
    return json_pack("{s:s, s:s, s:s, s:o, s:s}", "part", "gradient", "format", "npy", "dtype",
                     ov_dtype_name(header->encoding.dtype), "shape", shape_json(header), "order",
                     "C");
}

static json_t *answer_json(const struct loss *loss, double queue_s, double total_s)
{
    const struct ov_tensor *prediction = &loss->inputs[LOSS_PREDICTION].tensor;

    return json_pack(
        "{s:o, s:o, s:I, s:I, s:o, s:{s:o, s:o, s:o}, s:o, s:{s:f, s:f, s:f, s:f}}", "value",
        loss->n_values == 1 ? number(loss->values[0]) : json_null(), "values", values_json(loss),
        "samples", (json_int_t)prediction->shape[0], "classes", (json_int_t)prediction->shape[1],
        "gradient", gradient_json(loss), "inputs", "prediction",
        input_json(&loss->inputs[LOSS_PREDICTION]), "target",
        input_json(&loss->inputs[LOSS_TARGET]), "mask", input_json(&loss->inputs[LOSS_MASK]),
        "options", loss_request_echo(&loss->request), "timing", "queue", queue_s, "decode",
        (double)loss->decode_ns / 1e9, "compute", (double)loss->compute_ns / 1e9, "total", total_s);
}

/* ---- two parts ------------------------------------------------------------------------------- */

static bool holds(const void *bytes, size_t n, const char *text)
{
    return memmem(bytes, n, text, strlen(text)) != NULL;
}

/* A line that stands in neither part, so that it can stand between them. */
static void choose_boundary(const struct loss *loss, const char *json, size_t n_json,
                            char boundary[LOSS_BOUNDARY_BYTES])
{
    const uint8_t *file = loss->gradient + loss->n_before;
    unsigned n = 0;

    do {
        snprintf(boundary, LOSS_BOUNDARY_BYTES, "overlapd-%u", n++);
    } while (holds(file, loss->n_file, boundary) || holds(json, n_json, boundary));
}

/* The first part goes right before the file, its end right behind it. */
static bool frame(struct loss *loss, const char *json, size_t n_json, struct loss_answer *ret)
{
    uint8_t *file = loss->gradient + loss->n_before;
    char head[128];
    char middle[256];
    size_t n_head, n_middle, n_before;

    choose_boundary(loss, json, n_json, ret->boundary);
    n_head = (size_t)snprintf(head, sizeof(head), "--%s\r\nContent-Type: application/json\r\n\r\n",
                              ret->boundary);
    n_middle = (size_t)snprintf(middle, sizeof(middle),
                                "\r\n--%s\r\nContent-Type: application/octet-stream\r\n"
                                "Content-Disposition: attachment; name=\"gradient\"; "
                                "filename=\"gradient.npy\"\r\nContent-Length: %zu\r\n\r\n",
                                ret->boundary, loss->n_file);
    n_before = n_head + n_json + n_middle;
    if (n_before > loss->n_before)
        return false;
    memcpy(file - n_before, head, n_head);
    memcpy(file - n_before + n_head, json, n_json);
    memcpy(file - n_middle, middle, n_middle);
    ret->text = (const char *)file - n_before;
    ret->n_bytes = n_before + loss->n_file +
                   (size_t)snprintf((char *)file + loss->n_file, LOSS_AFTER_BYTES, "\r\n--%s--\r\n",
                                    ret->boundary);
    return true;
}

bool loss_print(struct loss *loss, double queue_s, double total_s, struct loss_answer *ret_answer,
                struct problem *reterr)
{
    json_t *json = answer_json(loss, queue_s, total_s);
    struct loss_answer answer = {.boundary = ""};

    loss->text = json != NULL ? json_print(json, &answer.n_bytes) : NULL;
    json_decref(json);
    if (loss->text == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the answer.");
    answer.text = loss->text;
    if (loss->n_file > 0 && !frame(loss, loss->text, answer.n_bytes, &answer))
        return problem_set(reterr, PROBLEM_INTERNAL, NULL, "The answer's JSON is too long.");
    *ret_answer = answer;
    return true;
}

void loss_shed(struct loss *loss)
{
    loss_inputs_done(loss);
    loss_output_done(loss);
    body_done(&loss->body);
}
