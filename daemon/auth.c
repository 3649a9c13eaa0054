/* auth.c - whether an Authorization header is good for a route. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/scope.h"

static const char scheme[] = "Bearer ";

/* NULL where it is of another scheme. */
static const char *credentials(const char *authorization)
{
    const char *text;

    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return NULL;
    text = authorization + sizeof(scheme) - 1;
    return text + strspn(text, " ");
}

/* The same words whether a token was never there or is there no more. */
static const struct token *find(const struct tokens *tokens, const char *authorization,
                                struct problem *reterr)
{
    const struct token *token;
    const char *text;

    if (authorization == NULL) {
        problem_set(reterr, PROBLEM_UNAUTHENTICATED, NULL,
                    "A token is needed here: Authorization: Bearer ...");
        return NULL;
    }
    text = credentials(authorization);
    if (text == NULL) {
        problem_set(reterr, PROBLEM_UNAUTHENTICATED, NULL,
                    "The Authorization header is not of the scheme Bearer.");
        return NULL;
    }
    token = token_find(tokens, text, strlen(text));
    if (token == NULL)
        problem_set(reterr, PROBLEM_UNAUTHENTICATED, NULL, "The token is not a valid one.");
    return token;
}

bool auth_check(const struct tokens *tokens, const char *authorization, unsigned scopes,
                const struct token **ret_token, struct problem *reterr)
{
    const struct token *token = find(tokens, authorization, reterr);
    char names[SCOPE_TEXT_BYTES];

    if (token == NULL)
        return false;
    *ret_token = token;
    if ((token->scopes & scopes) != 0)
        return true;
    scope_print(scopes, " or ", names);
    return problem_set(reterr, PROBLEM_FORBIDDEN, NULL, "The token '%s' lacks the scope %s.",
                       token->name, names);
}

/* RFC 6750, section 3 */
void auth_challenge(const struct problem *problem, const char *authorization, unsigned scopes,
                    char *text)
{
    char names[SCOPE_TEXT_BYTES];

    if (problem->code == PROBLEM_FORBIDDEN) {
        scope_print(scopes, " ", names);
        snprintf(text, AUTH_CHALLENGE_BYTES,
                 "Bearer realm=\"overlapd\", error=\"insufficient_scope\", scope=\"%s\"", names);
        return;
    }
    snprintf(text, AUTH_CHALLENGE_BYTES, "Bearer realm=\"overlapd\"%s",
             authorization != NULL ? ", error=\"invalid_token\"" : "");
}
