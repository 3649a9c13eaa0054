/* head.c - what libmicrohttpd made of a request's head, handed to the gate. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/head.h"

#include <microhttpd.h>
#include <string.h>

#include "daemon/job.h"
#include "daemon/journal.h"
#include "daemon/server.h"

/* More than any client sends; libmicrohttpd bounds the bytes, not the count. */
#define MAX_HEADERS 128

struct heads {
    struct header list[MAX_HEADERS];
    size_t n;
    bool too_many;
};

static enum MHD_Result take_header(void *user, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct heads *heads = user;

    (void)kind;
    heads->too_many = heads->n == MAX_HEADERS;
    if (heads->too_many)
        return MHD_NO;
    heads->list[heads->n++] = (struct header){name, value != NULL ? value : ""};
    return MHD_YES;
}

static struct gate_request head_of(const struct job *job, struct heads *heads)
{
    const struct config *config = &job->settings->config;

    heads->n = 0;
    heads->too_many = false;
    MHD_get_connection_values(job->mhd, MHD_HEADER_KIND, take_header, heads);
    return (struct gate_request){.method = job->method,
                                 .path = job->path,
                                 .headers = heads->list,
                                 .n_headers = heads->n,
                                 .target = job->target,
                                 .target_bytes = job->target_bytes,
                                 .max_body_bytes = config->limits_body_bytes,
                                 .allowed_hosts = job->connection->listener->allowed_hosts};
}

/* Of other versions we do not know how they parse; later ones refuse these themselves. */
static bool is_seamless(const struct job *job, struct gate_request *request)
{
    const union MHD_ConnectionInfo *info;

    if (strcmp(MHD_get_version(), "0.9.75") != 0)
        return true;
    info = MHD_get_connection_info(job->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    request->head_bytes = info != NULL ? info->header_size : 0;
    return gate_is_seamless(request);
}

bool head_check(struct job *job, const char *version, struct problem *reterr)
{
    struct heads heads;
    struct gate_request request = head_of(job, &heads);

    journal_take_trace(job, heads.list, heads.n);
    request.version = version;
    if (job->target_fault != NULL)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "%s.", job->target_fault);
    if (heads.too_many)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL, "There are more than %d headers.",
                           MAX_HEADERS);
    if (!is_seamless(job, &request))
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                           "A line of the head does not end with CRLF, is folded, has a NUL in it "
                           "or no name, or there are blanks too many in the first.");
    return gate_check(&request, &job->framing, reterr);
}

bool head_check_length(const struct job *job, struct problem *reterr)
{
    struct heads heads;
    struct framing framing;
    struct gate_request request = head_of(job, &heads);

    return gate_check_body(&request, &framing, reterr);
}

bool head_check_trailer(const struct job *job, struct problem *reterr)
{
    struct heads heads = {.n = 0};

    if (!job->framing.chunked)
        return true;
    MHD_get_connection_values(job->mhd, MHD_FOOTER_KIND, take_header, &heads);
    if (heads.too_many)
        return problem_set(reterr, PROBLEM_BAD_HEADER, NULL,
                           "There are more than %d headers after the body.", MAX_HEADERS);
    return gate_check_trailer(heads.list, heads.n, reterr);
}
