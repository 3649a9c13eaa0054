/* http.h - what libmicrohttpd calls: the state machine of a request. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include <microhttpd.h>

struct job;

/* Each gets the listener as its first argument. */
void *http_begin(void *user, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_handle(void *user, struct MHD_Connection *mhd, const char *path,
                            const char *method, const char *version, const char *bytes,
                            size_t *n_bytes, void **context);
void http_completed(void *user, struct MHD_Connection *mhd, void **context,
                    enum MHD_RequestTerminationCode code);
void http_notify_connection(void *user, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code);

#endif
