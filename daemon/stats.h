/* stats.h - what has happened, counted, and what is going on: GET /metrics. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_STATS_H
#define DAEMON_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/problem.h"

struct job;
struct route;

/* Messages over listen.fd: symbol, the label that they are counted under. */
#define STATS_OP_MAP(X)         \
    X(REGISTER, "register")     \
    X(UNREGISTER, "unregister") \
    X(SCORE, "score")           \
    X(OTHER, "_other")

#define STATS_OP_ENUM(symbol, name) STATS_OP_##symbol,
enum stats_op { STATS_OP_MAP(STATS_OP_ENUM) STATS_N_OPS };
#undef STATS_OP_ENUM

/* Any thread. */
void stats_request(const struct route *route, unsigned status); /* NULL: of no route */
void stats_refusal(enum problem_code code);                     /* nothing for PROBLEM_NONE */
void stats_message(enum stats_op op);

/* The route GET /metrics: Prometheus' text format 0.0.4, or OpenMetrics 1.0 where Accept has it. */
bool stats_handle(struct job *job);

#endif
