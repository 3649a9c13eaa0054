/* source.c - where a mask comes from, as a request says it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/option.h"

/* A source being read: `name` is its own, "prediction" or "reference". */
struct reading {
    struct source *source;
    const char **base64;
    const char *name;
};

static bool bad(struct problem *reterr, const char *pointer, const char *wanted)
{
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer, "%s must be %s.", pointer + 2,
                       wanted);
}

static bool read_shape(struct source *source, const json_t *json, const char *pointer,
                       struct problem *reterr)
{
    size_t n = json_array_size(json);

    if (!json_is_array(json) || n < 1 || n > OV_MAX_NDIM)
        return bad(reterr, pointer, "an array of 1 to 7 integers");
    for (size_t i = 0; i < n; i++) {
        json_int_t extent = json_integer_value(json_array_get(json, i));

        if (extent < 1)
            return bad(reterr, pointer, "an array of integers above 0");
        source->shape[i] = (uint64_t)extent;
    }
    source->ndim = (int)n;
    return true;
}

static bool read_where(struct reading *reading, const char *member, const char *text,
                       const char *pointer, struct problem *reterr)
{
    if (strcmp(member, "base64") == 0)
        *reading->base64 = text;
    else if (strcmp(text, reading->name) != 0)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer, "%s must be \"%s\".",
                           pointer + 2, reading->name);
    return true;
}

/* The members whose values are words. */
static bool read_word(struct reading *reading, const char *member, const char *text,
                      const char *pointer, struct problem *reterr)
{
    struct source *source = reading->source;

    if (text == NULL)
        return bad(reterr, pointer, "a string");
    if (strcmp(member, "part") == 0 || strcmp(member, "base64") == 0)
        return read_where(reading, member, text, pointer, reterr);
    if (strcmp(member, "format") == 0) {
        source->format = format_find(text, strlen(text));
        return source->format != FORMAT_N || bad(reterr, pointer, "npy, nifti, png or raw");
    }
    if (strcmp(member, "encoding") == 0) {
        source->coding = coding_find(text, strlen(text));
        return source->coding != CODING_N || bad(reterr, pointer, "none, gzip, zlib or zstd");
    }
    if (strcmp(member, "dtype") == 0) {
        source->declared = true;
        return ov_dtype_find(text, &source->dtype) == OV_OK ||
               bad(reterr, pointer, "a NumPy dtype from uint8 to float64");
    }
    source->declared = true;
    source->order = strcmp(text, "F") == 0 ? OV_ORDER_F : OV_ORDER_C;
    return strcmp(text, "F") == 0 || strcmp(text, "C") == 0 || bad(reterr, pointer, "C or F");
}

static bool read_member(struct reading *reading, const char *member, const json_t *json,
                        const char *pointer, struct problem *reterr)
{
    static const char *const words[] = {"part", "base64", "format", "encoding", "dtype", "order"};

    if (strcmp(member, "shape") == 0) {
        reading->source->declared = true;
        return read_shape(reading->source, json, pointer, reterr);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(member, words[i]) == 0)
            return read_word(reading, member, json_string_value(json), pointer, reterr);
    }
    return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer, "A source has no such member.");
}

static bool read_source(struct reading *reading, const struct option_value *value,
                        struct problem *reterr)
{
    const char *member;
    json_t *json;

    if (!json_is_object(value->json))
        return bad(reterr, value->pointer.text, "an object");
    json_object_foreach(value->json, member, json)
    {
        struct json_pointer pointer = json_pointer_to(value->pointer.text, member);

        if (!read_member(reading, member, json, pointer.text, reterr))
            return false;
    }
    if (json_object_get(value->json, "part") != NULL && *reading->base64 != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                           "A source is either a part or base64.");
    return true;
}

bool option_prediction(struct request *request, const struct option_value *value,
                       struct problem *reterr)
{
    struct reading reading = {.source = &request->prediction,
                              .base64 = &request->prediction_base64,
                              .name = "prediction"};

    return read_source(&reading, value, reterr);
}

bool option_reference(struct request *request, const struct option_value *value,
                      struct problem *reterr)
{
    struct reading reading = {
        .source = &request->reference, .base64 = &request->reference_base64, .name = "reference"};

    return read_source(&reading, value, reterr);
}
