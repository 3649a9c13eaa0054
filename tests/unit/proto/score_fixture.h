/* score_fixture.h - bodies and an environment to score in. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCORE_FIXTURE_H
#define TESTS_SCORE_FIXTURE_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/proto.h"

static uint64_t fixture_taken_bytes;
static uint64_t fixture_budget_bytes = UINT64_MAX;

static bool fixture_take(uint64_t n_bytes)
{
    if (n_bytes > fixture_budget_bytes - fixture_taken_bytes)
        return false;
    fixture_taken_bytes += n_bytes;
    return true;
}

static void fixture_give(uint64_t n_bytes)
{
    fixture_taken_bytes -= n_bytes;
}

static uint64_t fixture_now_ns(void)
{
    static uint64_t now_ns;

    return now_ns += 1000;
}

static struct env fixture_env = {
    .limits = {.body_bytes = 1 << 20,
               .decoded_bytes = 1 << 20,
               .voxels = 1 << 20,
               .labels = 1024,
               .confusion_labels = 256,
               .regions = 64,
               .request_bytes = 65536,
               .json_depth = 32,
               .json_values = 65536,
               .parts = 8,
               .part_header_bytes = 4096,
               .overlay_pixels = 4096,
               .overlay_slices = 64},
    .budget_bytes = UINT64_MAX,
    .hash_seed = 42,
    .now_ns = fixture_now_ns,
    .memory_take = fixture_take,
    .memory_give = fixture_give,
};

/* A body of parts, bytes and all; grows by fixture_part. */
struct fixture_body {
    char bytes[131072];
    size_t n;
};

static void fixture_part(struct fixture_body *body, const char *name, const void *bytes, size_t n)
{
    body->n += (size_t)snprintf(body->bytes + body->n, sizeof(body->bytes) - body->n,
                                "--B\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n", name);
    memcpy(body->bytes + body->n, bytes, n);
    memcpy(body->bytes + body->n + n, "\r\n", 2);
    body->n += n + 2;
}

static void fixture_end(struct fixture_body *body)
{
    memcpy(body->bytes + body->n, "--B--\r\n", 7);
    body->n += 7;
}

static struct score_input fixture_input(const struct fixture_body *body)
{
    return (struct score_input){.content_type = "multipart/form-data; boundary=B",
                                .body = (const uint8_t *)body->bytes,
                                .body_bytes = body->n};
}

struct fixture_text {
    char *text; /* NULL where there is a problem */
    size_t n;
};

/* The answer as it would be sent. Whatever happens, all memory is given back. */
static inline struct fixture_text fixture_print(const struct score_input *input,
                                                struct problem *problem)
{
    struct score *score = score_new(input, &fixture_env, problem);
    struct fixture_text printed = {NULL, 0};

    if (score != NULL && score_open(score, problem) && score_run(score, problem))
        printed.text = score_print(score, 0.5, 1.5, &printed.n, problem);
    score_free(score);
    return printed;
}

/* The JSON of an answer, which must be well-formed; NULL for none. Frees the text. */
static inline json_t *fixture_parse(struct fixture_text printed)
{
    json_t *answer = NULL;

    if (printed.text != NULL) {
        answer = json_loadb(printed.text, printed.n, JSON_REJECT_DUPLICATES, NULL);
        if (answer == NULL)
            abort();
    }
    free(printed.text);
    return answer;
}

/* The answer, or NULL with the problem set. */
static inline json_t *fixture_score(const struct score_input *input, struct problem *problem)
{
    return fixture_parse(fixture_print(input, problem));
}

/* Two raw uint8 masks of n voxels, with members of the request beside the sources ("" for none). */
static inline json_t *fixture_pair(const char *prediction, const char *reference, size_t n,
                                   const char *members, struct problem *problem)
{
    struct fixture_body body = {.n = 0};
    struct score_input input;
    char request[4096];

    snprintf(request, sizeof(request),
             "{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[%zu]},"
             "\"reference\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[%zu]}%s}",
             n, n, members);
    fixture_part(&body, "request", request, strlen(request));
    fixture_part(&body, "prediction", prediction, n);
    fixture_part(&body, "reference", reference, n);
    fixture_end(&body);
    input = fixture_input(&body);
    return fixture_score(&input, problem);
}

/* The member of an object; it must be there. */
static inline json_t *at(json_t *json, const char *name)
{
    json_t *member = json_object_get(json, name);

    if (member == NULL)
        fail_msg("no member %s", name);
    return member;
}

static inline json_t *class_at(json_t *answer, size_t i)
{
    return json_array_get(at(answer, "classes"), i);
}

static inline void expect_integer(json_t *json, const char *name, long long value)
{
    assert_int_equal(json_integer_value(at(json, name)), value);
}

static inline void expect_real(json_t *json, const char *name, double value)
{
    if (json_number_value(at(json, name)) != value)
        fail_msg("%s is %.17g, not %.17g", name, json_number_value(at(json, name)), value);
}

#endif
