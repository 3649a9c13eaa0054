/* answer.c - what a request is answered with, and how it is handed to libmicrohttpd. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/answer.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "daemon/connection.h"
#include "proto/proto.h"

#define PROBLEM_TYPE "application/problem+json"

/* Where there is not even memory to say what is wrong. */
static const char no_memory[] = "{\"type\":\"/problems/out-of-memory\",\"title\":\"There is no "
                                "memory for this request now\",\"status\":503,\"detail\":\"\","
                                "\"code\":\"out-of-memory\"}";

void answer_done(struct answer *answer)
{
    struct answer next = {.cors = answer->cors, .traceparent = answer->traceparent};

    memcpy(next.challenge, answer->challenge, sizeof(next.challenge));
    free(answer->owned);
    *answer = next;
}

void answer_fixed(struct answer *answer, unsigned status, const char *type, const char *text,
                  size_t n_bytes)
{
    answer_done(answer);
    answer->status = status;
    answer->type = type;
    answer->text = text;
    answer->n_bytes = n_bytes;
}

void answer_take(struct answer *answer, const char *type, char *text, size_t n_bytes)
{
    answer_fixed(answer, MHD_HTTP_OK, type, text, n_bytes);
    answer->owned = text;
}

void answer_problem(struct answer *answer, const struct problem *problem, const char *instance)
{
    size_t n_bytes = 0;
    char *text = problem_print(problem, instance, &n_bytes);

    if (text == NULL) {
        answer_fixed(answer, (unsigned)problem_status(PROBLEM_OUT_OF_MEMORY), PROBLEM_TYPE,
                     no_memory, sizeof(no_memory) - 1);
        answer->code = PROBLEM_OUT_OF_MEMORY;
        return;
    }
    answer_take(answer, PROBLEM_TYPE, text, n_bytes);
    answer->status = (unsigned)problem_status(problem->code);
    answer->code = problem->code;
}

#define MAX_FIELDS 28

/* How long a browser may remember a preflight's answer. */
#define PREFLIGHT_S "600"

static size_t list_cors(const struct answer *answer, struct answer_field *fields)
{
    size_t n = 0;

    if (answer->cors.varies)
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_VARY, "Origin"};
    if (answer->cors.origin == NULL)
        return n;
    fields[n++] =
        (struct answer_field){MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, answer->cors.origin};
    if (!answer->cors.preflight) {
        fields[n++] = (struct answer_field){
            "Access-Control-Expose-Headers",
            "Accept-Encoding, Accept-Post, Allow, ETag, Retry-After, traceparent"};
        return n;
    }
    fields[n++] = (struct answer_field){"Access-Control-Allow-Methods", answer->allow};
    fields[n++] = (struct answer_field){
        "Access-Control-Allow-Headers",
        "Authorization, Content-Encoding, Content-Type, If-Match, If-None-Match, traceparent"};
    fields[n++] = (struct answer_field){"Access-Control-Max-Age", PREFLIGHT_S};
    return n;
}

/* The headers of an answer, beside those that frame it. */
static size_t list_fields(const struct answer *answer, struct answer_field *fields)
{
    size_t n = list_cors(answer, fields);

    if (answer->type != NULL)
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_CONTENT_TYPE, answer->type};
    if (answer->allow[0] != '\0')
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_ALLOW, answer->allow};
    if (answer->code == PROBLEM_UNSUPPORTED_ENCODING)
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_ACCEPT_ENCODING, coding_accept()};
    if (answer->code == PROBLEM_UNSUPPORTED_TYPE)
        fields[n++] = (struct answer_field){"Accept-Post", "multipart/form-data, application/json"};
    if (answer->challenge[0] != '\0')
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_WWW_AUTHENTICATE, answer->challenge};
    if (answer->status == (unsigned)problem_status(PROBLEM_QUEUE_FULL) ||
        answer->code == PROBLEM_TOO_MANY_FAILURES)
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_RETRY_AFTER, "1"};
    if (answer->etag[0] != '\0') {
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_ETAG, answer->etag};
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT};
    }
    if (answer->etag[0] != '\0' && !answer->no_store)
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"};
    if (answer->no_store || answer->code != PROBLEM_NONE)
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"};
    if (answer->traceparent != NULL)
        fields[n++] = (struct answer_field){"traceparent", answer->traceparent};
    for (const struct answer_field *more = answer->more; more != NULL && more->name != NULL; more++)
        fields[n++] = *more;
    if (answer->close)
        fields[n++] = (struct answer_field){MHD_HTTP_HEADER_CONNECTION, "close"};
    return n;
}

static struct MHD_Response *make_response(struct answer *answer)
{
    struct MHD_Response *response;
    union {
        const char *text;
        void *bytes;
    } body = {answer->text}; /* libmicrohttpd does not write to it but cannot say so */

    response = MHD_create_response_from_buffer(answer->n_bytes, body.bytes,
                                               answer->owned != NULL ? MHD_RESPMEM_MUST_FREE
                                                                     : MHD_RESPMEM_PERSISTENT);
    if (response != NULL)
        answer->owned = NULL;
    return response;
}

bool answer_queue(struct answer *answer, struct MHD_Connection *mhd)
{
    struct answer_field fields[MAX_FIELDS];
    size_t n_fields = list_fields(answer, fields);
    struct MHD_Response *response = make_response(answer);
    bool ok = response != NULL;

    for (size_t i = 0; i < n_fields && ok; i++)
        ok = MHD_add_response_header(response, fields[i].name, fields[i].value) == MHD_YES;
    ok = ok && MHD_queue_response(mhd, answer->status, response) == MHD_YES;
    if (response != NULL)
        MHD_destroy_response(response);
    return ok;
}

void answer_send(const struct answer *answer, struct connection *connection)
{
    char head[2048];
    struct answer_field fields[MAX_FIELDS];
    size_t n_fields = list_fields(answer, fields);
    union {
        const char *text;
        void *bytes;
    } body = {answer->text};
    struct iovec parts[2] = {{head, 0}, {body.bytes, answer->n_bytes}};
    size_t n = (size_t)snprintf(head, sizeof(head), "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\n",
                                answer->status, MHD_get_reason_phrase_for(answer->status),
                                answer->n_bytes);

    for (size_t i = 0; i < n_fields; i++)
        n += (size_t)snprintf(head + n, sizeof(head) - n, "%s: %s\r\n", fields[i].name,
                              fields[i].value);
    n += (size_t)snprintf(head + n, sizeof(head) - n, "%s\r\n",
                          answer->close ? "" : "Connection: close\r\n");
    parts[0].iov_len = n;
    connection_send(connection, parts, answer->n_bytes > 0 ? 2 : 1);
}
