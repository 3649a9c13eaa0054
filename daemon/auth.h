/* auth.h - whether an Authorization header is good for a route. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_AUTH_H
#define DAEMON_AUTH_H

#include "daemon/token.h"
#include "proto/problem.h"

#define AUTH_CHALLENGE_BYTES 128

/*
 * PROBLEM_UNAUTHENTICATED or PROBLEM_FORBIDDEN.
 *   authorization   the header's value; NULL for none
 *   scopes          one of these is needed
 *   ret_token       whose it is; also where it lacks the scope
 */
bool auth_check(const struct tokens *tokens, const char *authorization, unsigned scopes,
                const struct token **ret_token, struct problem *reterr);

/* WWW-Authenticate for a problem of auth_check's; text [AUTH_CHALLENGE_BYTES] */
void auth_challenge(const struct problem *problem, const char *authorization, unsigned scopes,
                    char *text);

#endif
