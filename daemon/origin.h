/* origin.h - which web pages may use the daemon (CORS). */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ORIGIN_H
#define DAEMON_ORIGIN_H

#include <stdbool.h>

enum origin {
    ORIGIN_NONE,   /* no browser, or a page's own link */
    ORIGIN_SELF,   /* a page of ours: the scheme aside, it is the host that was asked */
    ORIGIN_LISTED, /* in http.cors_origins */
    ORIGIN_FOREIGN
};

/* origin, host: the headers' values; NULL for none */
enum origin origin_judge(const char *origin, const char *host, const char *listed);

/* Whether each is like https://host or http://host:port, as browsers write them; "*" is not. */
bool origin_are_valid(const char *listed);

#endif
