/* loss_file.c - a gradient as a file in memory: NPY, version 1.0. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "proto/loss.h"

#define HEADER_BYTES 256 /* magic, lengths, a dict of at most 7 axes, padding to 64 */

/* What NumPy calls the type; bfloat16 is none of its own, and two bytes to it. */
static const char *descr_of(enum ov_tensor_dtype dtype)
{
    switch (dtype) {
    case OV_TENSOR_F16:
        return "<f2";
    case OV_TENSOR_BF16:
        return "<V2";
    case OV_TENSOR_F64:
        return "<f8";
    default:
        return "<f4";
    }
}

static size_t print_header(const struct loss *loss, char *text, size_t cap)
{
    const struct loss_input *input = &loss->inputs[LOSS_PREDICTION];
    const struct mask_header *header = reader_header(input->reader);
    size_t n = (size_t)snprintf(text, cap, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                                descr_of(input->tensor.dtype));

    for (int i = 0; i < header->ndim; i++)
        n += (size_t)snprintf(text + n, cap - n, "%llu,%s", (unsigned long long)header->shape[i],
                              i + 1 < header->ndim ? " " : "");
    return n + (size_t)snprintf(text + n, cap - n, "), }");
}

static const uint8_t magic[8] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

/* The header ends with a line feed, and where data is aligned to 64 bytes. */
static void write_header(const struct loss *loss, uint8_t *file)
{
    char text[HEADER_BYTES - 10];
    size_t n = print_header(loss, text, sizeof(text));

    memset(text + n, ' ', sizeof(text) - n);
    text[sizeof(text) - 1] = '\n';
    memcpy(file, magic, sizeof(magic));
    file[8] = (uint8_t)sizeof(text);
    file[9] = (uint8_t)(sizeof(text) >> 8);
    memcpy(file + 10, text, sizeof(text));
}

/* JSON of values and options: no number is longer than this, with its comma. */
#define NUMBER_BYTES 32
#define JSON_BYTES   8192

static size_t room_before(const struct loss *loss)
{
    const struct loss_request *request = &loss->request;

    return JSON_BYTES + NUMBER_BYTES * ((size_t)loss->n_values + request->n_upstream +
                                        request->options.n_class_weights);
}

bool loss_file_new(struct loss *loss, void **ret_elements, struct problem *reterr)
{
    uint64_t n_bytes = reader_header(loss->inputs[LOSS_PREDICTION].reader)->n_bytes;
    /* A multiple of 64, so that elements are aligned in memory as in the file. */
    size_t n_before = (room_before(loss) + 63) / 64 * 64;

    loss->gradient = growth_new(
        &loss->growth, n_before + HEADER_BYTES + (size_t)n_bytes + LOSS_AFTER_BYTES, 1, reterr);
    if (loss->gradient == NULL)
        return false;
    loss->n_before = n_before;
    loss->n_file = HEADER_BYTES + (size_t)n_bytes;
    write_header(loss, loss->gradient + n_before);
    *ret_elements = loss->gradient + n_before + HEADER_BYTES;
    return true;
}
