/* refusal.h - what every refusal must be: a problem document, and a daemon that is well. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_REFUSAL_H
#define TESTS_API_REFUSAL_H

#include "tests/api/masks.h"

#define GOOD "\0\1\1\2\0\0"

static inline struct bytes good_npy(void)
{
    return npy_u8("(6,)", GOOD, 6);
}

/* Codes are alternatives, divided by '|'. */
static inline bool code_is_among(const char *code, const char *codes)
{
    size_t length = strlen(code);
    for (const char *at = codes; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strcspn(at, "|") == length && strncmp(at, code, length) == 0)
            return true;
    return false;
}

static inline void assert_leaks_nothing(const char *detail)
{
    static const char *const secrets[] = {"/tmp", "/work", "/home", "/root",
                                          ".c:",  "0x7f",  "errno"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (strstr(detail, secrets[i]))
            fail_msg("'%s' in the detail: %s", secrets[i], detail);
}

/* The answer is a problem document of one of these codes; it stays the caller's. */
static inline void assert_problem(const struct answer *answer, long status, const char *codes)
{
    char type[256];
    const char *code = json_string_value(json_at(answer->json, "code"));
    const char *detail = json_string_value(json_at(answer->json, "detail"));
    if (answer->status != status || !code || !code_is_among(code, codes))
        fail_msg("%ld %s, wanted %ld %s: %s", answer->status, code ? code : "?", status, codes,
                 (const char *)answer->body.data);
    assert_string_equal(answer_header(answer, "Content-Type", type), "application/problem+json");
    assert_int_equal(json_integer_value(json_at(answer->json, "status")), status);
    assert_true(json_is_string(json_at(answer->json, "type")));
    assert_true(strlen(json_string_value(json_at(answer->json, "title"))) > 0);
    assert_true(detail && strlen(detail) > 8);
    assert_leaks_nothing(detail);
}

static inline void assert_refused(struct answer answer, long status, const char *codes)
{
    assert_problem(&answer, status, codes);
    answer_free(&answer);
}

/* As assert_refused, with the pointer of errors[0]. */
static inline void assert_refused_at(struct answer answer, const char *codes, const char *pointer)
{
    char quoted[160];
    assert_problem(&answer, 400, codes);
    snprintf(quoted, sizeof quoted, "\"%s\"", pointer);
    assert_member(&answer, "errors/0/pointer", quoted);
    answer_free(&answer);
}

static inline void assert_accepted(struct answer answer)
{
    assert_status(&answer, 200);
    answer_free(&answer);
}

/* Score two files, which are freed. */
static inline struct answer post_files_to(const struct daemon *daemon, const char *path,
                                          struct bytes prediction, struct bytes reference,
                                          const char *request)
{
    struct answer answer = answer_score(daemon, path, prediction, reference, request);
    free(prediction.data);
    free(reference.data);
    return answer;
}

static inline struct answer post_files(struct bytes prediction, struct bytes reference,
                                       const char *request)
{
    return post_files_to(shared, "/v1/score", prediction, reference, request);
}

/* A good request is answered, and every byte of the budget has come back. */
static inline void assert_well(const struct daemon *daemon)
{
    struct pollfd nothing = {.fd = -1};
    assert_accepted(post_files_to(daemon, "/v1/score", good_npy(), good_npy(), NULL));
    for (int i = 0; i < 100 && daemon_gauge(daemon, "budget_used_bytes") != 0; i++)
        poll(&nothing, 1, 20);
    assert_int_equal(daemon_gauge(daemon, "budget_used_bytes"), 0);
}

static inline int is_well(void **state)
{
    (void)state;
    assert_well(shared);
    return 0;
}

#endif
