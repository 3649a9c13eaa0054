/* tls.h - the certificate of the TCP listeners, and the sessions that begin with it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_TLS_H
#define DAEMON_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <time.h>

#include "daemon/config.h"

/*
 * TLS 1.2 and 1.3 with forward secrecy and authenticated encryption; what GnuTLS can do besides is
 * left out.
 */
#define TLS_PRIORITIES                                                               \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:" \
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:"       \
    "%SERVER_PRECEDENCE"

#define TLS_TIME_BYTES 24 /* "2026-01-31T23:59:59Z" */

/* A certificate and its key as the files had them; a reload makes another. The loop thread's. */
struct tls;

/*
 * Read listen.tls_cert and listen.tls_key. NULL where one cannot be had, they do not belong
 * together or memory is out.
 */
struct tls *tls_new(const struct config *config, struct config_error *reterr);
struct tls *tls_hold(struct tls *tls);
void tls_release(struct tls *tls); /* NULL is legal */

/* Why clients will not trust it at that time, for its dates; NULL for nothing. */
const char *tls_fault(const struct tls *tls, time_t now);
void tls_print_expiry(const struct tls *tls, char text[TLS_TIME_BYTES]);

/* A session that has not shaken hands yet does so with this certificate, which must be held. */
void tls_begin(struct tls *tls, gnutls_session_t session);

/* What libmicrohttpd wants to start with; each session is given its certificate by tls_begin. */
gnutls_certificate_retrieve_function3 tls_no_certificate;

#endif
