/* body.c - from a request's body to its options and the bytes of its two masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/base64.h"
#include "proto/json.h"
#include "proto/multipart.h"
#include "proto/score.h"

/* JSON that takes more memory than this when it is parsed needs leave from the budget. */
#define JSON_FREE_BYTES (1u << 20)

/* The first room for a body without its coding; it doubles from there. */
#define FIRST_BYTES ((size_t)64 << 10)

struct bytes {
    const uint8_t *at;
    size_t n;
};

static bool media_type_is(const char *content_type, const char *type)
{
    size_t n = strlen(type);

    return content_type != NULL && strncasecmp(content_type, type, n) == 0 &&
           strchr("; \t", content_type[n]) != NULL; /* or the end */
}

static enum coding_kind coding_of(const struct score_input *input)
{
    return input->content_encoding == NULL ? CODING_NONE
                                           : coding_find_http(input->content_encoding);
}

bool body_check(const struct score_input *input, struct problem *reterr)
{
    char boundary[MULTIPART_BOUNDARY_MAX + 1];

    if (coding_of(input) == CODING_N)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_ENCODING, NULL,
                           "Content-Encoding %s is not supported; %s are.", input->content_encoding,
                           coding_accept());
    if (media_type_is(input->content_type, "multipart/form-data"))
        return multipart_boundary(input->content_type, boundary, reterr);
    return media_type_is(input->content_type, "application/json") ||
           problem_set(
               reterr, PROBLEM_UNSUPPORTED_TYPE, NULL,
               "Content-Type is %s; multipart/form-data and application/json are supported.",
               input->content_type != NULL ? input->content_type : "missing");
}

/* Make room for twice the bytes, within the limit and the budget. */
static bool grow(struct score *score, size_t *cap, struct problem *reterr)
{
    uint64_t limit = score->env->limits.body_bytes;
    size_t room = *cap == 0 ? FIRST_BYTES : *cap * 2;
    uint8_t *body;

    if (room > limit + 1)
        room = (size_t)limit + 1;
    if (room == *cap)
        return problem_set(reterr, PROBLEM_BODY_TOO_LARGE, NULL,
                           "The body is larger than %llu bytes once decoded.",
                           (unsigned long long)limit);
    if (!score_take(score, room - *cap, reterr))
        return false;
    body = realloc(score->body, room);
    if (body == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to decode the body.");
    score->body = body;
    *cap = room;
    return true;
}

static bool decode(struct score *score, struct coding *coding, struct bytes *ret,
                   struct problem *reterr)
{
    size_t cap = 0;
    size_t n = 0;

    for (;;) {
        size_t got;

        if (n == cap && !grow(score, &cap, reterr))
            return false;
        if (!coding_read_some(coding, score->body + n, cap - n, &got, reterr))
            return false;
        n += got;
        if (n < cap)
            break;
    }
    *ret = (struct bytes){score->body, n};
    return coding_finish(coding, reterr);
}

static bool take_off_coding(struct score *score, const struct score_input *input, struct bytes *ret,
                            struct problem *reterr)
{
    enum coding_kind kind = coding_of(input);
    struct coding *coding;
    bool ok;

    *ret = (struct bytes){input->body, input->body_bytes};
    if (kind == CODING_NONE)
        return true;
    coding = coding_new(kind, input->body, input->body_bytes, NULL, reterr);
    ok = coding != NULL && decode(score, coding, ret, reterr);
    coding_free(coding);
    return ok;
}

static bool part_place(const struct part *part, const struct part **places, struct problem *reterr)
{
    static const char *const names[] = {"prediction", "reference", "request"};

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(part->name, names[i]) != 0)
            continue;
        if (places[i] != NULL)
            return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL, "Part \"%s\" is there twice.",
                               part->name);
        places[i] = part;
        return true;
    }
    return problem_set(reterr, PROBLEM_UNKNOWN_PART, NULL,
                       "Part \"%s\" is not known; there are prediction, reference and request.",
                       part->name);
}

/* The file name is kept, as it is the last hint to the format and parts do not last. */
static bool source_from_part(struct source *source, const char *base64, const struct part *part,
                             char filename[MULTIPART_FILENAME_BYTES], struct problem *reterr)
{
    if (source->json != NULL && part == NULL)
        return true;
    if (source->json != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "The mask stands in the request, and there is a part \"%s\" too.",
                           source->pointer + 2);
    if (base64 != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "base64 belongs in a JSON body; in a multipart body a mask is a part.");
    if (part == NULL)
        return problem_set(reterr, PROBLEM_MISSING_PART, source->pointer,
                           "There is no part \"%s\".", source->pointer + 2);
    source->bytes = part->bytes;
    source->n_bytes = part->n_bytes;
    memcpy(filename, part->filename, MULTIPART_FILENAME_BYTES);
    source->filename = filename;
    return true;
}

static bool read_parts(struct score *score, const struct score_input *input,
                       const struct part *const *places, struct problem *reterr)
{
    struct request *request = &score->request;
    const struct part *json = places[2];
    struct request_text text = {.parameters = input->parameters,
                                .n_parameters = input->n_parameters};

    if (json != NULL && json->n_bytes > score->env->limits.request_bytes)
        return problem_set(
            reterr, PROBLEM_REQUEST_TOO_LARGE, NULL,
            "The request part has %zu bytes; the limit is %zu. A mask that is JSON can "
            "be a part of its own.",
            json->n_bytes, (size_t)score->env->limits.request_bytes);
    if (json != NULL) {
        text.json = (const char *)json->bytes;
        text.n_json = json->n_bytes;
    }
    return request_init(request, &text, &score->env->limits, reterr) &&
           source_from_part(&request->prediction, request->prediction_base64, places[0],
                            score->filenames[SCORE_PREDICTION], reterr) &&
           source_from_part(&request->reference, request->reference_base64, places[1],
                            score->filenames[SCORE_REFERENCE], reterr);
}

static bool sort_parts(struct score *score, const struct score_input *input,
                       const struct parts *parts, struct problem *reterr)
{
    const struct part *places[3] = {NULL, NULL, NULL};

    for (size_t i = 0; i < parts->n; i++) {
        if (!part_place(&parts->list[i], places, reterr))
            return false;
    }
    return read_parts(score, input, places, reterr);
}

static bool read_multipart(struct score *score, const struct score_input *input, struct bytes body,
                           struct problem *reterr)
{
    const struct limits *limits = &score->env->limits;
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    struct parts parts = {calloc(limits->parts + 1, sizeof(struct part)), 0};
    bool ok;

    if (parts.list == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the body's parts.");
    ok = multipart_boundary(input->content_type, boundary, reterr) &&
         multipart_parse(body.at, body.n, boundary, limits, &parts, reterr) &&
         sort_parts(score, input, &parts, reterr);
    free(parts.list);
    return ok;
}

static bool source_from_base64(struct score *score, int which, const char *text,
                               struct source *source, struct problem *reterr)
{
    size_t n_text;

    if (source->json != NULL)
        return true;
    if (text == NULL)
        return problem_set(reterr, PROBLEM_MISSING_PART, source->pointer,
                           "A JSON body needs a source here: {\"base64\": \"...\"}.");
    n_text = strlen(text);
    if (n_text > JSON_FREE_BYTES && !score_take(score, base64_room(n_text), reterr))
        return false;
    score->decoded[which] = malloc(base64_room(n_text) + 1);
    if (score->decoded[which] == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to decode base64.");
    source->bytes = score->decoded[which];
    return base64_decode(text, n_text, score->decoded[which], &source->n_bytes) ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                       "The base64 is malformed at character %zu.", source->n_bytes);
}

static bool take_json(struct score *score, const struct bytes *body, struct problem *reterr)
{
    uint64_t n_bytes;

    if (body->n <= JSON_FREE_BYTES / JSON_BYTES_PER_BYTE)
        return true;
    return json_bound((const char *)body->at, body->n, &score->env->limits, &n_bytes, reterr) &&
           (n_bytes <= JSON_FREE_BYTES || score_take(score, n_bytes, reterr));
}

static bool read_json(struct score *score, const struct score_input *input, struct bytes body,
                      struct problem *reterr)
{
    struct request *request = &score->request;
    struct request_text text = {(const char *)body.at, body.n, input->parameters,
                                input->n_parameters};

    if (!take_json(score, &body, reterr))
        return false;
    return request_init(request, &text, &score->env->limits, reterr) &&
           source_from_base64(score, SCORE_PREDICTION, request->prediction_base64,
                              &request->prediction, reterr) &&
           source_from_base64(score, SCORE_REFERENCE, request->reference_base64,
                              &request->reference, reterr);
}

bool body_read(struct score *score, const struct score_input *input, struct problem *reterr)
{
    struct bytes body;

    if (!body_check(input, reterr) || !take_off_coding(score, input, &body, reterr))
        return false;
    if (media_type_is(input->content_type, "application/json"))
        return read_json(score, input, body, reterr);
    return read_multipart(score, input, body, reterr);
}
