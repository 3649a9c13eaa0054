/* http.c - what libmicrohttpd calls: the state machine of a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/http.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/access.h"
#include "daemon/admission.h"
#include "daemon/clock.h"
#include "daemon/handshake.h"
#include "daemon/head.h"
#include "daemon/job.h"
#include "daemon/journal.h"
#include "daemon/log.h"
#include "daemon/route.h"
#include "daemon/server.h"
#include "daemon/stats.h"
#include "daemon/user.h"

void *http_begin(void *user, const char *target, struct MHD_Connection *mhd)
{
    struct listener *listener = user;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *connection = info->socket_context;
    struct job *job;

    if (connection == NULL)
        return NULL;
    handshake_end(connection);
    job = job_new(listener->server, connection, mhd);
    if (job == NULL)
        return NULL;
    job->target_fault = gate_target_fault(target);
    job->target = target;
    job->target_bytes = target != NULL ? strlen(target) : 0;
    /* A first request's time began with the connection: a late request line gains none. */
    if (connection->phase != CONNECTION_HEADER)
        connection_enter(connection, CONNECTION_HEADER,
                         listener->server->config->timeouts_header_ms);
    return job;
}

static enum MHD_Result take_parameter(void *user, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct job *job = user;

    (void)kind;
    job->parameters[job->input.n_parameters++] =
        (struct parameter){name, value != NULL ? value : ""};
    return MHD_YES;
}

static bool has_body(const struct job *job)
{
    return job->framing.chunked || job->framing.content_length > 0;
}

static bool take_parameters(struct job *job, struct problem *reterr)
{
    int n = MHD_get_connection_values(job->mhd, MHD_GET_ARGUMENT_KIND, NULL, NULL);

    if (n > JOB_MAX_PARAMETERS)
        return problem_set(reterr, PROBLEM_BAD_PARAMETER, NULL,
                           "There are more than %d query parameters.", JOB_MAX_PARAMETERS);
    if (n == 0)
        return true;
    job->parameters = calloc((size_t)n, sizeof(*job->parameters));
    if (job->parameters == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "There is no memory.");
    job->input.parameters = job->parameters;
    MHD_get_connection_values(job->mhd, MHD_GET_ARGUMENT_KIND, take_parameter, job);
    return true;
}

static bool refuse_method(struct job *job, struct problem *reterr)
{
    char allow[ANSWER_ALLOW_BYTES];

    route_allow(job->path, allow, sizeof(allow));
    return problem_set(reterr, PROBLEM_METHOD_NOT_ALLOWED, NULL, "%s does not take %s, but %s.",
                       job->path, job->method, allow);
}

static bool find_route(struct job *job, struct problem *reterr)
{
    bool known;

    job->route = route_find(job->method, job->path, &known);
    if (!access_check(job, reterr))
        return false;
    if (!known)
        return problem_set(reterr, PROBLEM_NOT_FOUND, NULL, "There is nothing at %s.", job->path);
    if (strcmp(job->method, MHD_HTTP_METHOD_OPTIONS) == 0)
        return true;
    if (job->route != NULL)
        route_values(job->route, job->path, &job->values);
    if (job->route == NULL)
        return refuse_method(job, reterr);
    if (job->route->check == NULL && has_body(job))
        return problem_set(reterr, PROBLEM_BAD_REQUEST, NULL, "%s %s takes no body.", job->method,
                           job->path);
    return take_parameters(job, reterr);
}

static const char *header(const struct job *job, const char *name)
{
    return MHD_lookup_connection_value(job->mhd, MHD_HEADER_KIND, name);
}

/* As far as the head tells. */
static bool check(struct job *job, struct problem *reterr)
{
    if (!find_route(job, reterr))
        return false;
    if (job->route == NULL || job->route->check == NULL)
        return true;
    job->input.content_type = header(job, MHD_HTTP_HEADER_CONTENT_TYPE);
    job->input.content_encoding = header(job, MHD_HTTP_HEADER_CONTENT_ENCODING);
    return job->route->check(job, reterr);
}

static enum MHD_Result answer(struct job *job)
{
    struct server *server = job->server;

    if (server->state != SERVER_SERVING)
        job->answer.close = true;
    if (job->answer.code == PROBLEM_INTERNAL)
        log_event_limited(LOG_LEVEL_ERROR, "internal", LOG_TEXT("path", job->path),
                          LOG_TEXT("trace", journal_trace(job)));
    else if (job->answer.status >= MHD_HTTP_INTERNAL_SERVER_ERROR &&
             job->answer.code != PROBLEM_NONE)
        log_event_limited(LOG_LEVEL_WARN, "refused", LOG_TEXT("path", job->path),
                          LOG_TEXT("code", problem_name(job->answer.code)),
                          LOG_TEXT("trace", journal_trace(job)));
    stats_request(job->route, job->answer.status);
    stats_refusal(job->answer.code);
    job->state = JOB_ANSWERED;
    connection_enter(job->connection, CONNECTION_WRITE, server->config->timeouts_write_ms);
    return answer_queue(&job->answer, job->mhd) ? MHD_YES : MHD_NO;
}

/* In the first call: the body, if any, will not be read, so the connection ends and lingers. */
static enum MHD_Result reject(struct job *job)
{
    job->answer.close = true;
    job->held_fd = linger_hold(&job->server->lingers, job->connection->fd);
    return answer(job);
}

/* An answer in the first call ends the connection; where no body comes the final call is next. */
static enum MHD_Result answer_head(struct job *job)
{
    if (job->answer.code == PROBLEM_NONE || job->answer.code == PROBLEM_METHOD_NOT_ALLOWED)
        route_allow(job->path, job->answer.allow, sizeof(job->answer.allow));
    if (has_body(job))
        return reject(job);
    job->answer.close = job->answer.code == PROBLEM_TOO_MANY_FAILURES;
    job->state = JOB_NOBODY;
    return MHD_YES;
}

static bool begin_body(struct job *job)
{
    struct problem problem = {0};

    if (job_begin_body(job))
        return true;
    problem_set(&problem, PROBLEM_OUT_OF_MEMORY, NULL, "There is no memory for this body now.");
    job_fail(job, &problem);
    return false;
}

void http_refuse_lengths(struct listener *listener)
{
    for (struct connection *at = listener->server->connections.first; at != NULL; at = at->next) {
        struct problem problem = {0};

        if (at->job == NULL || at->job->state != JOB_FIRST || at->listener != listener)
            continue;
        if (head_check_length(at->job, &problem))
            continue;
        job_break(at->job, &problem);
        connection_end_sending(at); /* so that libmicrohttpd's answer cannot follow ours */
    }
}

static enum MHD_Result admit(struct job *job)
{
    struct problem problem = {0};

    switch (admission_ask(job, &problem)) {
    case ADMISSION_GRANTED:
        return begin_body(job) ? MHD_YES : reject(job);
    case ADMISSION_WAITING:
        return MHD_YES;
    default:
        job_fail(job, &problem);
        return reject(job);
    }
}

static enum MHD_Result first_call(struct job *job, const char *path, const char *method,
                                  const char *version)
{
    struct problem problem = {0};

    job->path = path;
    job->method = method;
    if (!head_check(job, version, &problem)) {
        answer_problem(&job->answer, &problem, NULL); /* the path may be part of the trick */
        return reject(job);
    }
    if (!check(job, &problem)) {
        job_fail(job, &problem);
        return answer_head(job);
    }
    if (job->route == NULL) { /* OPTIONS */
        answer_fixed(&job->answer, MHD_HTTP_NO_CONTENT, NULL, "", 0);
        job->answer.cors.preflight = access_is_preflight(job);
        return answer_head(job);
    }
    if (job->route->check != NULL)
        return admit(job);
    job->state = JOB_NOBODY;
    return MHD_YES;
}

/* Every byte must be taken: what libmicrohttpd keeps would hang or spin. */
static enum MHD_Result body_call(struct job *job, const char *bytes, size_t *n_bytes)
{
    struct problem problem = {0};

    if (*n_bytes == 0 && !head_check_trailer(job, &problem)) {
        answer_problem(&job->answer, &problem, NULL);
        job->answer.close = true;
        return answer(job);
    }
    if (*n_bytes == 0) {
        job->timing.receive_ns = clock_ns() - job->started_ns;
        return job->route->handle(job) ? answer(job) : MHD_YES;
    }
    if (!job_append(job, bytes, *n_bytes, &problem)) {
        job_break(job, &problem);
        return MHD_NO;
    }
    *n_bytes = 0;
    return MHD_YES;
}

static enum MHD_Result final_call(struct job *job)
{
    if (job->answer.status == 0 && !job->route->handle(job))
        return MHD_YES;
    return answer(job);
}

/* The parameters are libmicrohttpd's. NOLINTNEXTLINE(readability-function-size) */
enum MHD_Result http_handle(void *user, struct MHD_Connection *mhd, const char *path,
                            const char *method, const char *version, const char *bytes,
                            size_t *n_bytes, void **context)
{
    struct job *job = *context;

    (void)user;
    (void)mhd;
    if (job == NULL)
        return MHD_NO;
    switch (job->state) {
    case JOB_FIRST:
        return first_call(job, path, method, version);
    case JOB_NOBODY:
        return final_call(job);
    case JOB_GRANTED:
        return begin_body(job) ? MHD_YES : reject(job);
    case JOB_BODY:
        return body_call(job, bytes, n_bytes);
    case JOB_READY: /* with the body read or none to read, or refused before it */
        return job->body.bytes != NULL || !has_body(job) ? answer(job) : reject(job);
    case JOB_DROPPED:
        return MHD_NO;
    default: /* called though suspended or answered */
        return MHD_YES;
    }
}

void http_completed(void *user, struct MHD_Connection *mhd, void **context,
                    enum MHD_RequestTerminationCode code)
{
    struct listener *listener = user;
    struct job *job = *context;
    struct connection *connection;

    (void)mhd;
    (void)code;
    if (job == NULL)
        return;
    *context = NULL;
    connection = job->connection;
    journal_complete(job);
    job_free(job);
    connection_enter(connection, CONNECTION_IDLE, listener->server->config->timeouts_idle_ms);
    admission_grant(listener->server);
}

void http_notify_connection(void *user, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    struct listener *listener = user;
    struct server *server = listener->server;
    const union MHD_ConnectionInfo *info;
    struct connection *connection;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        listener->closed = true;
        if (*context != NULL)
            handshake_end(*context);
        connection_free(&server->connections, *context);
        *context = NULL;
        return;
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    connection = connection_new(&server->connections, listener, info->connect_fd);
    *context = connection;
    if (connection == NULL)
        return;
    connection->user = user_of_peer(info->connect_fd, server->seed);
    connection_enter(connection, CONNECTION_HEADER, server->config->timeouts_header_ms);
    if (listener->is_tls)
        handshake_begin(connection, mhd);
}
