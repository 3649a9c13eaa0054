/* job.h - one request's life: what it owns, and who works on it now. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_JOB_H
#define DAEMON_JOB_H

#include "daemon/answer.h"
#include "daemon/arena.h"
#include "daemon/etag.h"
#include "daemon/gate.h"
#include "daemon/pool.h"
#include "daemon/route.h"
#include "daemon/store.h"
#include "daemon/timing.h"
#include "proto/proto.h"
#include "proto/runs.h"
#include "proto/trace.h"

#define JOB_MAX_PARAMETERS 32

struct connection;
struct server;
struct settings;
struct token;

/* What the next call of libmicrohttpd's handler means; its arguments do not tell. */
enum job_state {
    JOB_FIRST,    /* the head is there */
    JOB_NOBODY,   /* no body will come: answer in the final call, or the connection would close */
    JOB_WAIT,     /* suspended: no memory for the body yet */
    JOB_GRANTED,  /* resumed: there is memory now */
    JOB_BODY,     /* the body is arriving */
    JOB_QUEUED,   /* suspended: a worker's, or the store's */
    JOB_POLL,     /* suspended: until its run changes */
    JOB_READY,    /* resumed: the answer is there */
    JOB_ANSWERED, /* the answer is queued */
    JOB_DROPPED   /* nobody to answer: close */
};

/*
 * Made when the request line is there, freed when libmicrohttpd says that the request is complete,
 * and nowhere else. A worker owns it while JOB_QUEUED.
 */
struct job {
    struct task task; /* first: the pool's; its turn admission's while JOB_WAIT */
    enum job_state state;
    bool suspended;
    struct server *server;
    struct settings *settings; /* held: those of its first byte */
    const struct token *token; /* who asks; NULL where nobody was asked to tell */
    struct connection *connection;
    struct MHD_Connection *mhd;
    const char *target; /* as sent; only its place is left when it is unescaped */
    size_t target_bytes;
    const char *target_fault; /* static; NULL for none */
    const char *method;       /* these two are libmicrohttpd's, until the request is complete */
    const char *path;
    const struct route *route;
    struct route_values values; /* of the names in the route's path */
    struct framing framing;
    struct parameter *parameters; /* as many as there are */
    struct score_input input;     /* body and parameters are ours, headers libmicrohttpd's */
    struct segments segments;     /* the input's: who finds shared memory for it */
    struct arena body;
    uint64_t taken_bytes;  /* from the budget: what the arena takes */
    struct job *next_poll; /* these three are run.c's while JOB_POLL */
    struct job *previous_poll;
    uint64_t poll_until_ms;
    struct run_query query;
    char etag[ETAG_BYTES]; /* of what the client has */
    struct store_write write;
    struct score_kept kept;
    bool keeps;                    /* its score goes to the store */
    void (*read)(struct job *job); /* what a worker does; NULL: score */
    struct loss *loss;             /* holds its answer's text */
    char answer_type[sizeof("multipart/mixed; boundary=") + LOSS_BOUNDARY_BYTES];
    struct score *score;
    bool opened;  /* score_open was well */
    bool counted; /* so was score_run */
    enum pool_lane lane;
    struct answer answer;
    struct trace trace; /* that of whoever asks */
    struct timing timing;
    uint64_t started_ns;
    uint64_t queued_ns;
    int held_fd; /* for a lingering close; -1 for none */
};

struct job *job_new(struct server *server, struct connection *connection,
                    struct MHD_Connection *mhd);
void job_free(struct job *job);

/* Only on the loop thread. */
void job_suspend(struct job *job);
void job_resume(struct job *job, enum job_state state);
/* Suspend until somebody resumes it. */
void job_wait(struct job *job, enum job_state state);

/* Where no query parameter means anything, whether there is none; PROBLEM_BAD_PARAMETER. */
bool job_has_no_query(const struct job *job, struct problem *reterr);

void job_fail(struct job *job, const struct problem *problem);

/* The job's memory for its body, once the budget has been asked. false where memory is out. */
bool job_begin_body(struct job *job);
/* Take some of the body; the problem is one of size or memory. */
bool job_append(struct job *job, const char *bytes, size_t n_bytes, struct problem *reterr);
uint64_t job_body_deadline(const struct job *job);

/* Answer while the body is arriving and give the connection up. */
void job_break(struct job *job, const struct problem *problem);

#endif
