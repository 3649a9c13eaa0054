/* server.h - the daemon while it runs: the loop and what lives on it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <uv.h>

#include "daemon/admission.h"
#include "daemon/arena.h"
#include "daemon/config.h"
#include "daemon/connection.h"
#include "daemon/linger.h"
#include "daemon/listener.h"
#include "daemon/mailbox.h"
#include "daemon/pool.h"
#include "daemon/settings.h"
#include "daemon/store.h"
#include "daemon/throttle.h"
#include "proto/env.h"

#define SERVER_MAX_LISTENERS 8
#define SERVER_N_SIGNALS     3

enum server_state {
    SERVER_SERVING,
    SERVER_DRAINING, /* not ready any more, but still accepting connections */
    SERVER_QUIESCED, /* no new connections; requests end */
    SERVER_STOPPED   /* the loop ends */
};

/* All of it is the loop thread's. */
struct server {
    struct settings *settings;   /* those of new requests */
    const struct config *config; /* theirs */
    char *const *arguments;      /* what a reload reads again, as are the files they name */
    char *const *variables;
    uv_loop_t loop;
    uv_check_t check;    /* after the poll phase: run libmicrohttpd where it is needed */
    uv_idle_t idle;      /* keeps the loop from sleeping while it is */
    uv_async_t finished; /* a worker is done */
    uv_timer_t sweep;
    uv_timer_t heartbeat;
    uv_timer_t drain;
    uv_timer_t watchdog;
    uv_signal_t signals[SERVER_N_SIGNALS];
    struct listener listeners[SERVER_MAX_LISTENERS];
    size_t n_listeners;
    struct connections connections;
    struct admission admission;
    struct arena_store arenas;
    struct lingers lingers;
    struct mailboxes mailboxes;
    struct pool *pool;
    size_t n_workers;
    size_t n_jobs;
    struct store *store; /* NULL: nothing is kept */
    uint32_t life;       /* random: tells the entity tags of this start from others */
    struct job *polls;   /* those who wait for a change */
    size_t n_polls;
    uint64_t polled_revision; /* the store's, when they were last looked at */
    uint64_t seed;            /* random: of the hashes of tokens and addresses */
    struct throttle throttle;
    enum server_state state;
    uint64_t quiesced_ms; /* when the listeners closed; 0 for not yet */
    uint64_t swept_ms;    /* when sweep.c last ran; 0 for not yet */
    bool feeds_watchdog;
    size_t n_stuck; /* workers, as last seen by the watchdog */
    bool hurried;   /* stopped with requests left: out of time, or asked a second time */
};

/*
 * Serve until told to stop. Returns the exit code: 0 after a drain.
 *   config                 copied
 *   arguments, variables   where it came from; a reload reads them again
 */
int server_run(const struct config *config, char *const *arguments, char *const *variables);

/* From now on these are in force; takes them. */
void server_use(struct server *server, struct settings *settings);

/* There is something to do for a listener: see to it in this turn or the next. */
void server_wake(struct server *server);

#endif
