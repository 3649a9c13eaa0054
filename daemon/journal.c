/* journal.c - what the log says of a request: one line once it is complete, and its trace. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/journal.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/address.h"
#include "daemon/clock.h"
#include "daemon/job.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "daemon/uid.h"

void journal_take_trace(struct job *job, const struct header *headers, size_t n_headers)
{
    const char *text = NULL;
    size_t n = 0;

    for (size_t i = 0; i < n_headers; i++) {
        if (strcasecmp(headers[i].name, "traceparent") == 0) {
            text = headers[i].value;
            n++;
        }
    }
    if (n == 1 && trace_parse(text, &job->trace))
        job->answer.traceparent = job->trace.text;
}

const char *journal_trace(const struct job *job)
{
    return job->trace.id[0] != '\0' ? job->trace.id : NULL;
}

/* "192.0.2.7:50123", or "uid:1000" at a Unix socket. */
static const char *print_peer(const struct job *job, char *text)
{
    const union MHD_ConnectionInfo *info;
    struct address address = {.n_bytes = 0};
    uid_t uid;

    text[0] = '\0';
    if (job->connection->listener->is_unix) {
        if (uid_of_peer(job->connection->fd, &uid))
            snprintf(text, ADDRESS_TEXT_BYTES, "uid:%u", (unsigned)uid);
        return text;
    }
    info = MHD_get_connection_info(job->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info == NULL || info->client_addr == NULL)
        return text;
    address.n_bytes = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                               : sizeof(struct sockaddr_in);
    memcpy(&address.storage, info->client_addr, address.n_bytes);
    address_print(&address, text);
    return text;
}

/* Below 0, and so left out, where there was no such stage. */
static double stage(bool was_there, uint64_t ns)
{
    return was_there ? clock_seconds(ns) : -1;
}

/* The path may name patients: it is for who debugs. A route says which it was. */
static void write_line(const struct job *job, enum log_level level, double seconds)
{
    const struct timing *timing = &job->timing;
    char peer[ADDRESS_TEXT_BYTES];

    log_event(
        level, "request", LOG_TEXT("method", job->route != NULL ? job->route->method : job->method),
        LOG_TEXT("route", job->route != NULL ? job->route->path : "_other"),
        LOG_TEXT("path", log_is_on(LOG_LEVEL_DEBUG) ? job->path : NULL),
        LOG_UINT("status", job->answer.status),
        LOG_TEXT("code", job->answer.code != PROBLEM_NONE ? problem_name(job->answer.code) : NULL),
        LOG_UINT("in_bytes", job->input.body_bytes), LOG_UINT("out_bytes", job->answer.n_bytes),
        LOG_SECONDS("seconds", seconds),
        LOG_SECONDS("receive", stage(timing->has_body, timing->receive_ns)),
        LOG_SECONDS("queue", stage(timing->was_queued, timing->queue_ns)),
        LOG_SECONDS("decode", stage(timing->was_computed, timing->decode_ns)),
        LOG_SECONDS("count", stage(timing->was_computed, timing->count_ns)),
        LOG_TEXT("peer", print_peer(job, peer)),
        LOG_TEXT("token", job->token != NULL ? job->token->name : NULL),
        LOG_TEXT("trace", journal_trace(job)));
}

void journal_complete(struct job *job)
{
    enum log_level level =
        strcmp(job->server->config->log_access, "yes") == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    double seconds = clock_seconds(clock_ns() - job->started_ns);

    job->timing.body_bytes = job->input.body_bytes;
    job->timing.has_body = job->input.body_bytes > 0;
    timing_observe(job->route, job->answer.status, &job->timing, seconds);
    if (log_is_on(level))
        write_line(job, level, seconds);
}
