/* settings.h - what a request goes by: configuration, limits, tokens; replaced whole by a reload.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include "daemon/config.h"
#include "daemon/tls.h"
#include "daemon/token.h"
#include "proto/env.h"

/*
 * Nothing in it changes while somebody holds it, so that a request is judged by one set from its
 * head to its answer, by workers too. Holding and releasing are the loop thread's.
 */
struct settings {
    size_t n_holders;
    struct config config;
    struct env env;
    struct tokens tokens;
    bool has_tokens; /* they are asked for; there may be none */
    struct tls *tls; /* of the TCP listeners; NULL for none */
    char *info;      /* the text of /v1/info; NULL until there is a server */
    size_t info_bytes;
};

/* Held once. NULL where the tokens cannot be had or memory is out. The budget must be set. */
struct settings *settings_new(const struct config *config, struct config_error *reterr);

/* Threads that take any job: as configured, or one for each core. */
size_t settings_threads(const struct config *config);

/* What is wrong with listen.tls_cert today although it is served; NULL for nothing. */
const char *settings_fault(const struct settings *settings);

/* Say in the log until when the certificate is good, if there is one. */
void settings_log_certificate(const struct settings *settings);

struct settings *settings_hold(struct settings *settings);
void settings_release(struct settings *settings); /* NULL is legal */

#endif
