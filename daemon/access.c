/* access.c - who may ask for what, decided before a body is read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/access.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <string.h>

#include "daemon/auth.h"
#include "daemon/clock.h"
#include "daemon/job.h"
#include "daemon/journal.h"
#include "daemon/log.h"
#include "daemon/member.h"
#include "daemon/origin.h"
#include "daemon/route.h"
#include "daemon/scope.h"
#include "daemon/server.h"
#include "daemon/throttle.h"
#include "daemon/user.h"

static const char *header(const struct job *job, const char *name)
{
    return MHD_lookup_connection_value(job->mhd, MHD_HEADER_KIND, name);
}

bool access_is_preflight(const struct job *job)
{
    return strcmp(job->method, MHD_HTTP_METHOD_OPTIONS) == 0 && job->answer.cors.origin != NULL &&
           header(job, "Access-Control-Request-Method") != NULL;
}

/* A form of another page can be sent without a preflight: that is why it is refused, not only left
 * without the headers that let the page read the answer. */
static bool check_origin(struct job *job, struct problem *reterr)
{
    const char *listed = job->settings->config.http_cors_origins;
    const char *origin = header(job, MHD_HTTP_HEADER_ORIGIN);
    enum origin verdict = origin_judge(origin, header(job, MHD_HTTP_HEADER_HOST), listed);

    job->answer.cors.varies = listed[0] != '\0';
    if (verdict == ORIGIN_LISTED)
        job->answer.cors.origin = origin;
    return verdict != ORIGIN_FOREIGN ||
           problem_set(reterr, PROBLEM_FOREIGN_ORIGIN, NULL,
                       "Pages of '%s' may not use this daemon (http.cors_origins).", origin);
}

static bool check_peer(const struct job *job, struct problem *reterr)
{
    const struct config *config = &job->settings->config;

    return member_is_allowed(job->connection->fd, config->auth_unix_uids, config->auth_unix_gids) ||
           problem_set(reterr, PROBLEM_FORBIDDEN, NULL,
                       "Your user may not use this socket (auth.unix_uids, auth.unix_gids).");
}

/*
 * A valid token passes whatever others at its address do: 256 bits are guessed at no rate, and the
 * address may be a proxy's. So the limit is one on the work and the log lines that failures cost.
 */
static void count_failure(struct job *job, struct problem *problem)
{
    uint64_t most = job->settings->config.auth_failures;
    struct address address = {.n_bytes = sizeof(address.storage)};
    char text[ADDRESS_TEXT_BYTES] = "";

    if (getpeername(job->connection->fd, (struct sockaddr *)&address.storage, &address.n_bytes) ==
        0)
        address_print(&address, text);
    log_event_limited(LOG_LEVEL_WARN, "unauthenticated", LOG_TEXT("address", text),
                      LOG_TEXT("path", job->path), LOG_TEXT("reason", problem->detail),
                      LOG_TEXT("trace", journal_trace(job)));
    if (most == 0 || throttle_pass(&job->server->throttle, &address, most, clock_ms()))
        return;
    *problem = (struct problem){0};
    problem_set(problem, PROBLEM_TOO_MANY_FAILURES, NULL,
                "Your address has failed more than %" PRIu64 " times within a second.", most);
}

static bool check_token(struct job *job, unsigned scopes, struct problem *reterr)
{
    const char *authorization = header(job, MHD_HTTP_HEADER_AUTHORIZATION);
    struct problem problem = {0};

    if (auth_check(&job->settings->tokens, authorization, scopes, &job->token, &problem)) {
        job->task.turn.user = user_of_token(job->token, job->server->seed);
        return true;
    }
    auth_challenge(&problem, authorization, scopes, job->answer.challenge);
    if (problem.code == PROBLEM_UNAUTHENTICATED)
        count_failure(job, &problem);
    return problem_set(reterr, problem.code, NULL, "%s", problem.detail);
}

bool access_check(struct job *job, struct problem *reterr)
{
    unsigned scopes = job->route != NULL ? job->route->scopes : SCOPE_ANY;

    if (!check_origin(job, reterr))
        return false;
    if (scopes == SCOPE_NONE || access_is_preflight(job))
        return true;
    if (job->connection->listener->is_unix)
        return check_peer(job, reterr);
    return !job->settings->has_tokens || check_token(job, scopes, reterr);
}
