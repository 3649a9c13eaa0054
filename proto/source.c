/* source.c - where a mask comes from, as a request says it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "proto/option.h"

/* A source being read: `name` is its own, "prediction" or "reference". */
struct reading {
    struct source *source;
    const char *name;
    enum format_kind inline_format; /* of a mask that stands in the request; else FORMAT_N */
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

/* ---- shared memory --------------------------------------------------------------------------- */

static bool read_place(struct source *source, enum segment_kind kind, const json_t *json,
                       const char *pointer, struct problem *reterr)
{
    if (source->place.kind != SEGMENT_NONE)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer, "A source is one mask only.");
    if (kind == SEGMENT_FD) {
        if (!json_is_integer(json) || json_integer_value(json) < 0)
            return bad(reterr, pointer, "the number of a descriptor, from 0");
        source->place.index = (uint64_t)json_integer_value(json);
    } else if (!json_is_string(json)) {
        return bad(reterr, pointer, "a string");
    }
    source->place.kind = kind;
    source->place.text = json_string_value(json);
    return true;
}

static bool read_offset(struct source *source, const json_t *json, const char *pointer,
                        struct problem *reterr)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0)
        return bad(reterr, pointer, "a number of bytes");
    source->offset = (uint64_t)json_integer_value(json);
    return true;
}

static bool read_strides(struct source *source, const json_t *json, const char *pointer,
                         struct problem *reterr)
{
    size_t n = json_array_size(json);

    if (!json_is_array(json) || n < 1 || n > OV_MAX_NDIM)
        return bad(reterr, pointer, "an array of 1 to 7 integers");
    for (size_t i = 0; i < n; i++) {
        const json_t *stride = json_array_get(json, i);

        if (!json_is_integer(stride))
            return bad(reterr, pointer, "an array of integers, in bytes");
        source->strides_bytes[i] = json_integer_value(stride);
    }
    source->n_strides = (int)n;
    return true;
}

/* The members of a mask in shared memory; *ret_is tells whether this is one of them. */
static bool read_segment(struct source *source, const char *member, const json_t *json,
                         const char *pointer, bool *ret_is, struct problem *reterr)
{
    static const char *const kinds[] = {
        [SEGMENT_SHM] = "shm", [SEGMENT_HANDLE] = "handle", [SEGMENT_FD] = "fd"};

    *ret_is = true;
    for (enum segment_kind kind = SEGMENT_SHM; kind <= SEGMENT_FD; kind++) {
        if (strcmp(member, kinds[kind]) == 0)
            return read_place(source, kind, json, pointer, reterr);
    }
    *ret_is = strcmp(member, "offset") == 0 || strcmp(member, "strides") == 0;
    source->has_layout = source->has_layout || *ret_is;
    if (strcmp(member, "offset") == 0)
        return read_offset(source, json, pointer, reterr);
    return !*ret_is || read_strides(source, json, pointer, reterr);
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool read_where(struct reading *reading, const char *member, const char *text,
                       const char *pointer, struct problem *reterr)
{
    if (strcmp(member, "base64") == 0)
        reading->source->base64 = text;
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
        return source->format != FORMAT_N || bad(reterr, pointer, "a format that /v1/info lists");
    }
    if (strcmp(member, "encoding") == 0) {
        source->coding = coding_find(text, strlen(text));
        return source->coding != CODING_N || bad(reterr, pointer, "a coding that /v1/info lists");
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

static bool read_layers(struct source *source, json_t *json, const char *pointer,
                        struct problem *reterr)
{
    const char *name;
    json_t *value;

    if (!json_is_object(json))
        return bad(reterr, pointer, "an object: {\"axis\": 0, \"labels\": [1, 2]}");
    json_object_foreach(json, name, value)
    {
        struct json_pointer at = json_pointer_to(pointer, name);

        if (strcmp(name, "axis") != 0 && strcmp(name, "labels") != 0 &&
            strcmp(name, "threshold") != 0)
            return problem_set(reterr, PROBLEM_BAD_PARAMETER, at.text,
                               "\"layers\" has no such member.");
    }
    source->channels = json;
    return true;
}

/* Members that only some formats have; they read them themselves, from source->options. */
#define OF(kind) ((uint64_t)1 << FORMAT_##kind)

static const struct {
    const char *name;
    uint64_t formats;
} own_members[] = {
    {"annotation", OF(LABEL_STUDIO)},
    {"colors", OF(PNG) | OF(TIFF)},
    {"frame", OF(CVAT)},
    {"image_id", OF(COCO)},
    {"label", OF(RLE) | OF(ENCORD) | OF(CVAT_MASK) | OF(KAGGLE) | OF(LABEL_STUDIO_RLE) |
                  OF(SUPERVISELY) | OF(POLYGONS)},
    {"layers",
     OF(NPY) | OF(NIFTI) | OF(PNG) | OF(TIFF) | OF(NPZ) | OF(NRRD) | OF(METAIMAGE) | OF(RAW)},
    {"member", OF(NPZ)},
    {"task", OF(LABEL_STUDIO)},
    {"threshold", OF(DICOM)},
};

/* A format that is not known yet may be any. */
static bool is_own_member(const char *name, enum format_kind format, bool *ret_belongs)
{
    for (size_t i = 0; i < sizeof(own_members) / sizeof(own_members[0]); i++) {
        if (strcmp(own_members[i].name, name) == 0) {
            *ret_belongs = format == FORMAT_AUTO || (own_members[i].formats >> format & 1) != 0;
            return true;
        }
    }
    return false;
}

bool source_check(const struct source *source, enum format_kind format, struct problem *reterr)
{
    const char *name;
    json_t *value;

    json_object_foreach(source->options, name, value)
    {
        bool belongs;

        if (is_own_member(name, format, &belongs) && !belongs)
            return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                               "A source of format %s has no \"%s\".", format_name(format), name);
    }
    return true;
}

/* A mask that stands in the request, called as its format. */
static bool read_inline(struct reading *reading, const char *member, const json_t *json,
                        const char *pointer, struct problem *reterr)
{
    enum format_kind format = format_find(member, strlen(member));
    bool belongs;

    if (is_own_member(member, FORMAT_AUTO, &belongs))
        return true;
    if (format == FORMAT_N || format_of(format)->open_json == NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer,
                           "A source has no member \"%.64s\".", member);
    if (reading->source->json != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, pointer, "A source is one mask only.");
    reading->source->json = json;
    reading->inline_format = format;
    return true;
}

static bool read_member(struct reading *reading, const char *member, json_t *json,
                        const char *pointer, struct problem *reterr)
{
    static const char *const words[] = {"part", "base64", "format", "encoding", "dtype", "order"};
    bool is_segment;

    if (strcmp(member, "shape") == 0) {
        reading->source->declared = true;
        return read_shape(reading->source, json, pointer, reterr);
    }
    if (strcmp(member, "layers") == 0)
        return read_layers(reading->source, json, pointer, reterr);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(member, words[i]) == 0)
            return read_word(reading, member, json_string_value(json), pointer, reterr);
    }
    if (!read_segment(reading->source, member, json, pointer, &is_segment, reterr))
        return false;
    return is_segment || read_inline(reading, member, json, pointer, reterr);
}

/* Exactly one of the ways to give a mask; a file that is a part need not say so. */
static bool check_one_way(const struct reading *reading, const struct option_value *value,
                          struct problem *reterr)
{
    int n_ways = (json_object_get(value->json, "part") != NULL) +
                 (reading->source->base64 != NULL) + (reading->source->json != NULL) +
                 (reading->source->place.kind != SEGMENT_NONE);

    if (n_ways > 1)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                           "A source is a part, or base64, or in shared memory, or stands in the "
                           "request: one of these.");
    return !reading->source->has_layout || reading->source->place.kind != SEGMENT_NONE ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                       "offset and strides belong to masks in shared memory.");
}

/* Whatever the order of the members. */
static bool check_agreement(const struct reading *reading, const struct option_value *value,
                            struct problem *reterr)
{
    struct source *source = reading->source;
    enum format_kind format = reading->inline_format;

    if (source->n_strides > 0 && json_object_get(value->json, "order") != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                           "order is of elements without gaps, and strides say all of it: one of "
                           "these.");
    if (format == FORMAT_N)
        return true;
    if (source->format != FORMAT_AUTO && source->format != format)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                           "The mask is called %s, but its format %s.", format_name(format),
                           format_name(source->format));
    source->format = format;
    return source->coding == CODING_AUTO || source->coding == CODING_NONE ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, value->pointer.text,
                       "encoding is of files; this mask stands in the request.");
}

bool source_read(struct source *source, const char *name, const struct option_value *value,
                 struct problem *reterr)
{
    struct reading reading = {source, name, FORMAT_N};
    const char *member;
    json_t *json;

    if (!json_is_object(value->json))
        return bad(reterr, value->pointer.text, "an object");
    json_object_foreach(value->json, member, json)
    {
        struct json_pointer pointer = json_pointer_to(value->pointer.text, member);

        if (!read_member(&reading, member, json, pointer.text, reterr))
            return false;
    }
    source->options = value->json;
    return check_one_way(&reading, value, reterr) && check_agreement(&reading, value, reterr);
}

bool option_prediction(struct request *request, const struct option_value *value,
                       struct problem *reterr)
{
    return source_read(&request->prediction, "prediction", value, reterr);
}

bool option_reference(struct request *request, const struct option_value *value,
                      struct problem *reterr)
{
    return source_read(&request->reference, "reference", value, reterr);
}
