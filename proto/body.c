/* body.c - a request's body taken apart: its JSON, and the files that its sources name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/base64.h"
#include "proto/json.h"

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
static bool grow(struct body *body, size_t *cap, struct problem *reterr)
{
    uint64_t limit = body->growth.env->limits.body_bytes;
    size_t room = *cap == 0 ? FIRST_BYTES : *cap * 2;
    uint8_t *larger;

    if (room > limit + 1)
        room = (size_t)limit + 1;
    if (room == *cap)
        return problem_set(reterr, PROBLEM_BODY_TOO_LARGE, NULL,
                           "The body is larger than %llu bytes once decoded, the limit "
                           "(limits.body_bytes).",
                           (unsigned long long)limit);
    if (!growth_take(&body->growth, room - *cap, reterr))
        return false;
    larger = realloc(body->decoded, room);
    if (larger == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to decode the body.");
    body->decoded = larger;
    *cap = room;
    return true;
}

static bool decode(struct body *body, struct coding *coding, struct bytes *ret,
                   struct problem *reterr)
{
    size_t cap = 0;
    size_t n = 0;

    for (;;) {
        size_t got;

        if (n == cap && !grow(body, &cap, reterr))
            return false;
        if (!coding_read_some(coding, body->decoded + n, cap - n, &got, reterr))
            return false;
        n += got;
        if (n < cap)
            break;
    }
    *ret = (struct bytes){body->decoded, n};
    return coding_finish(coding, reterr);
}

static bool take_off_coding(struct body *body, const struct score_input *input, struct bytes *ret,
                            struct problem *reterr)
{
    enum coding_kind kind = coding_of(input);
    struct coding *coding;
    uint64_t least_bytes;
    bool ok;

    *ret = (struct bytes){input->body, input->body_bytes};
    if (kind == CODING_NONE)
        return true;
    least_bytes = coding_least_bytes(kind, input->body, input->body_bytes);
    if (least_bytes > body->growth.env->limits.body_bytes)
        return problem_set(reterr, PROBLEM_BODY_TOO_LARGE, NULL,
                           "The body says that it has %llu bytes once decoded, or it was cut off; "
                           "the limit is %llu (limits.body_bytes).",
                           (unsigned long long)least_bytes,
                           (unsigned long long)body->growth.env->limits.body_bytes);
    coding = coding_new(kind, input->body, input->body_bytes, NULL, reterr);
    ok = coding != NULL && decode(body, coding, ret, reterr);
    coding_free(coding);
    return ok;
}

/* ---- multipart ------------------------------------------------------------------------------- */

/* "prediction, reference and request" */
static void list_names(const struct body *body, char *text, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < body->n_files; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s%s", i > 0 ? ", " : "", body->files[i].name);
    snprintf(text + n, cap - n, " and request");
}

static bool keep_request(struct body *body, const struct part *part, struct problem *reterr)
{
    size_t limit = (size_t)body->growth.env->limits.request_bytes;

    if (body->json != NULL)
        return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL, "Part \"request\" is there twice.");
    if (part->n_bytes > limit)
        return problem_set(
            reterr, PROBLEM_REQUEST_TOO_LARGE, NULL,
            "The request part has %zu bytes; the limit is %zu (limits.request_bytes). "
            "A mask that is JSON can be a part of its own.",
            part->n_bytes, limit);
    body->json = (const char *)part->bytes;
    body->n_json = part->n_bytes;
    return true;
}

/* The file name is kept, as it is the last hint to the format and parts do not last. */
static bool keep_part(struct body *body, const struct part *part, struct problem *reterr)
{
    char names[128];

    if (strcmp(part->name, "request") == 0)
        return keep_request(body, part, reterr);
    for (size_t i = 0; i < body->n_files; i++) {
        struct body_file *file = &body->files[i];

        if (strcmp(part->name, file->name) != 0)
            continue;
        if (file->bytes != NULL)
            return problem_set(reterr, PROBLEM_BAD_MULTIPART, NULL, "Part \"%s\" is there twice.",
                               part->name);
        file->bytes = part->bytes;
        file->n_bytes = part->n_bytes;
        memcpy(file->filename, part->filename, sizeof(file->filename));
        return true;
    }
    list_names(body, names, sizeof(names));
    return problem_set(reterr, PROBLEM_UNKNOWN_PART, NULL,
                       "Part \"%s\" is not known; there are %s.", part->name, names);
}

static bool keep_parts(struct body *body, const struct parts *parts, struct problem *reterr)
{
    for (size_t i = 0; i < parts->n; i++) {
        if (!keep_part(body, &parts->list[i], reterr))
            return false;
    }
    return true;
}

static bool read_multipart(struct body *body, const struct score_input *input, struct bytes bytes,
                           struct problem *reterr)
{
    const struct limits *limits = &body->growth.env->limits;
    char boundary[MULTIPART_BOUNDARY_MAX + 1];
    struct parts parts = {calloc(limits->parts + 1, sizeof(struct part)), 0};
    bool ok;

    if (parts.list == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for the body's parts.");
    ok = multipart_boundary(input->content_type, boundary, reterr) &&
         multipart_parse(bytes.at, bytes.n, boundary, limits, &parts, reterr) &&
         keep_parts(body, &parts, reterr);
    free(parts.list);
    return ok;
}

static bool source_from_part(const struct body_file *file, struct source *source,
                             struct problem *reterr)
{
    if (source->base64 != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "base64 belongs in a JSON body; in a multipart body a mask is a part.");
    if (file->bytes == NULL)
        return problem_set(reterr, PROBLEM_MISSING_PART, source->pointer,
                           "There is no part \"%s\".", file->name);
    source->bytes = file->bytes;
    source->n_bytes = file->n_bytes;
    source->filename = file->filename;
    return true;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool read_json(struct body *body, struct bytes bytes, struct problem *reterr)
{
    uint64_t n_bytes;

    body->json = (const char *)bytes.at;
    body->n_json = bytes.n;
    if (bytes.n <= JSON_FREE_BYTES / JSON_BYTES_PER_BYTE)
        return true;
    return json_bound(body->json, body->n_json, &body->growth.env->limits, &n_bytes, reterr) &&
           (n_bytes <= JSON_FREE_BYTES || growth_take(&body->growth, n_bytes, reterr));
}

static bool source_from_base64(struct body *body, struct body_file *file, struct source *source,
                               struct problem *reterr)
{
    size_t n_text;

    if (source->base64 == NULL)
        return problem_set(reterr, PROBLEM_MISSING_PART, source->pointer,
                           "A JSON body needs a source here, such as {\"base64\": \"...\"}.");
    n_text = strlen(source->base64);
    if (n_text > JSON_FREE_BYTES && !growth_take(&body->growth, base64_room(n_text), reterr))
        return false;
    file->owned = malloc(base64_room(n_text) + 1);
    if (file->owned == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory to decode base64.");
    source->bytes = file->owned;
    return base64_decode(source->base64, n_text, file->owned, &source->n_bytes) ||
           problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                       "The base64 is malformed at character %zu.", source->n_bytes);
}

/* ---- both ------------------------------------------------------------------------------------ */

bool body_read(struct body *body, const struct score_input *input, struct problem *reterr)
{
    struct bytes bytes;

    if (!body_check(input, reterr) || !take_off_coding(body, input, &bytes, reterr))
        return false;
    body->segments = input->segments;
    body->is_json = media_type_is(input->content_type, "application/json");
    return body->is_json ? read_json(body, bytes, reterr)
                         : read_multipart(body, input, bytes, reterr);
}

/* The body owns a reference to the segment from here on. */
static bool source_from_segment(struct body *body, struct body_file *file, struct source *source,
                                struct problem *reterr)
{
    const struct segments *segments = body->segments;

    if (segments == NULL)
        return problem_set(reterr, PROBLEM_SHM_DISABLED, source->pointer,
                           "Masks in shared memory are not taken here.");
    file->segment = segments->find(segments->user, &source->place, source->pointer, reterr);
    source->segment = file->segment;
    return file->segment != NULL;
}

void body_of_parsed(struct body *body, const struct segments *segments)
{
    body->segments = segments;
    body->is_json = true;
}

bool body_source(struct body *body, size_t which, struct source *source, struct problem *reterr)
{
    struct body_file *file = &body->files[which];
    bool is_segment = source->place.kind != SEGMENT_NONE;

    if ((source->json != NULL || is_segment) && file->bytes != NULL)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, source->pointer,
                           "The mask stands in the request, and there is a part \"%s\" too.",
                           file->name);
    if (source->json != NULL)
        return true;
    if (is_segment)
        return source_from_segment(body, file, source, reterr);
    return body->is_json ? source_from_base64(body, file, source, reterr)
                         : source_from_part(file, source, reterr);
}

bool body_has(const struct body *body, size_t which, const struct source *source)
{
    return body->files[which].bytes != NULL || source->base64 != NULL || source->json != NULL ||
           source->place.kind != SEGMENT_NONE;
}

void body_init(struct body *body, const struct env *env, const char *const *names, size_t n_names)
{
    *body = (struct body){.growth = {.env = env}, .n_files = n_names};
    for (size_t i = 0; i < n_names; i++)
        body->files[i].name = names[i];
}

void body_done(struct body *body)
{
    for (size_t i = 0; i < body->n_files; i++) {
        free(body->files[i].owned);
        if (body->files[i].segment != NULL)
            body->files[i].segment->release(body->files[i].segment);
    }
    body->n_files = 0;
    free(body->decoded);
    body->decoded = NULL;
    growth_done(&body->growth);
}
