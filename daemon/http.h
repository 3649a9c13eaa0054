/* http.h - what libmicrohttpd calls: the state machine of a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include <microhttpd.h>

struct listener;

/* Each gets the listener as its first argument. */
void *http_begin(void *user, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_handle(void *user, struct MHD_Connection *mhd, const char *path,
                            const char *method, const char *version, const char *bytes,
                            size_t *n_bytes, void **context);
void http_completed(void *user, struct MHD_Connection *mhd, void **context,
                    enum MHD_RequestTerminationCode code);
void http_notify_connection(void *user, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code);

/*
 * A Content-Length that libmicrohttpd 0.9.75 cannot read, or that does not fit 64 bits, it answers
 * before it asks us, and with the status line and the headers sent twice. It logs first, however:
 * then we answer, once.
 */
void http_refuse_lengths(struct listener *listener);

#endif
