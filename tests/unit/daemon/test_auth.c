/* test_auth.c - Authorization headers against tokens and scopes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/auth.h"
#include "daemon/scope.h"

static struct token list[2] = {{"scorer", SCOPE_SCORE, {0}}, {"reader", SCOPE_READ, {0}}};
static const struct tokens tokens = {list, 2};

static int make_tokens(void **state)
{
    (void)state;
    token_digest("abc", 3, list[0].digest);
    token_digest("xyz", 3, list[1].digest);
    return 0;
}

struct auth_case {
    const char *authorization;
    unsigned scopes;
    int status; /* 0: passes */
    const char *challenge;
};

#define UNKNOWN "Bearer realm=\"overlapd\", error=\"invalid_token\""

static const struct auth_case cases[] = {
    {"Bearer abc", SCOPE_SCORE, 0, NULL},
    {"bearer abc", SCOPE_SCORE, 0, NULL},
    {"BEARER   abc", SCOPE_SCORE, 0, NULL},
    {"Bearer abc", SCOPE_ANY, 0, NULL},
    {"Bearer xyz", SCOPE_READ | SCOPE_WRITE, 0, NULL},
    {"Bearer xyz", SCOPE_SCORE, 403,
     "Bearer realm=\"overlapd\", error=\"insufficient_scope\", scope=\"score\""},
    {"Bearer abc", SCOPE_READ | SCOPE_METRICS, 403,
     "Bearer realm=\"overlapd\", error=\"insufficient_scope\", scope=\"read metrics\""},
    {NULL, SCOPE_SCORE, 401, "Bearer realm=\"overlapd\""},
    {"", SCOPE_SCORE, 401, UNKNOWN},
    {"abc", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearer", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearer ", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearerabc", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearer ab", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearer abcd", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearer ABC", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearer abc ", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearer abc, Bearer abc", SCOPE_SCORE, 401, UNKNOWN},
    {"Bearer \"abc\"", SCOPE_SCORE, 401, UNKNOWN},
    {"Basic abc", SCOPE_SCORE, 401, UNKNOWN},
    {"Basic YWJjOg==", SCOPE_SCORE, 401, UNKNOWN},
};

static void each_header_is_judged_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem problem = {0};
        const struct token *token = NULL;
        char challenge[AUTH_CHALLENGE_BYTES];
        bool ok = auth_check(&tokens, cases[i].authorization, cases[i].scopes, &token, &problem);
        int status = problem.code != PROBLEM_NONE ? problem_status(problem.code) : 0;

        if (ok != (cases[i].status == 0) || status != cases[i].status)
            fail_msg("'%s': %d, not %d", cases[i].authorization, status, cases[i].status);
        assert_int_equal(token == NULL, status == 401);
        if (ok)
            continue;
        auth_challenge(&problem, cases[i].authorization, cases[i].scopes, challenge);
        assert_string_equal(challenge, cases[i].challenge);
    }
}

static void what_is_wrong_with_a_token_does_not_show(void **state)
{
    static const char *const wrong[] = {"Bearer ab", "Bearer abcd", "Bearer", "Bearer ",
                                        "Bearer x"};
    struct problem first = {0};
    const struct token *token = NULL;

    (void)state;
    auth_check(&tokens, "Bearer zzz", SCOPE_SCORE, &token, &first);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct problem problem = {0};

        auth_check(&tokens, wrong[i], SCOPE_SCORE, &token, &problem);
        if (strcmp(wrong[i], "Bearer") != 0)
            assert_string_equal(problem.detail, first.detail);
        assert_null(strstr(problem.detail, "zzz"));
    }
}

static void the_missing_scope_is_named(void **state)
{
    struct problem problem = {0};
    const struct token *token = NULL;

    (void)state;
    assert_false(auth_check(&tokens, "Bearer xyz", SCOPE_SCORE, &token, &problem));
    assert_string_equal(problem.detail, "The token 'reader' lacks the scope score.");
}

static void every_challenge_fits(void **state)
{
    struct problem problem = {.code = PROBLEM_FORBIDDEN};
    char challenge[AUTH_CHALLENGE_BYTES];

    (void)state;
    auth_challenge(&problem, "", SCOPE_ANY, challenge);
    assert_non_null(strstr(challenge, "metrics admin\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_header_is_judged_as_the_table_says),
        cmocka_unit_test(what_is_wrong_with_a_token_does_not_show),
        cmocka_unit_test(the_missing_scope_is_named),
        cmocka_unit_test(every_challenge_fits),
    };

    return cmocka_run_group_tests(tests, make_tokens, NULL);
}
