/* answer.h - what a request is answered with, and how it is handed to libmicrohttpd. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ANSWER_H
#define DAEMON_ANSWER_H

#include "daemon/etag.h"
#include "proto/problem.h"

#define ANSWER_ALLOW_BYTES     64
#define ANSWER_CHALLENGE_BYTES 128

struct MHD_Connection;
struct connection;

/* What a browser wants to know; it belongs to the request and stays when the answer is replaced. */
struct cors {
    const char *origin; /* the page's, borrowed, where it may read the answer; NULL for none */
    bool varies;        /* the answer depends on it */
    bool preflight;     /* and says what such a page may send */
};

/* A header of an answer. */
struct answer_field {
    const char *name;
    const char *value;
};

/* A zeroed one is no answer yet. */
struct answer {
    unsigned status;
    const char *type; /* content type; NULL for no body */
    const char *text; /* the body */
    char *owned;      /* the body where it is the answer's; NULL where it is static */
    size_t n_bytes;
    enum problem_code code;
    char allow[ANSWER_ALLOW_BYTES];         /* "" for none */
    char challenge[ANSWER_CHALLENGE_BYTES]; /* WWW-Authenticate; "" for none */
    char etag[ETAG_BYTES];                  /* "" for none */
    const struct answer_field *more;        /* static, ended by one without a name; or NULL */
    struct cors cors;
    const char *traceparent; /* the request's, sent back; NULL for none; stays as cors does */
    bool no_store;           /* it is worth nothing later */
    bool close;              /* the connection ends with this answer */
};

/* Each replaces what there was. _fixed: static text; _take: the body becomes the answer's. */
void answer_fixed(struct answer *answer, unsigned status, const char *type, const char *text,
                  size_t n_bytes);
void answer_take(struct answer *answer, const char *type, char *text, size_t n_bytes);
/* instance: the path, or NULL */
void answer_problem(struct answer *answer, const struct problem *problem, const char *instance);

void answer_done(struct answer *answer);

/* Queue it as the response. The body moves on. false: the connection must be given up. */
bool answer_queue(struct answer *answer, struct MHD_Connection *mhd);

/*
 * Write it to the socket past libmicrohttpd, which cannot answer while a body is arriving, although
 * nothing else has been sent then. The connection must be closed afterwards. Never blocks.
 */
void answer_send(const struct answer *answer, struct connection *connection);

#endif
