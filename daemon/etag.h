/* etag.h - entity tags: which revision of which life of this daemon an answer was made from. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ETAG_H
#define DAEMON_ETAG_H

#include <stdbool.h>
#include <stdint.h>

#define ETAG_BYTES 64

struct server;

/*
 * A tag holds for one life of the daemon: a store put back from a copy may give revisions again.
 *   other   the second run of a comparison; 0 for none
 */
void etag_make(const struct server *server, uint64_t revision, uint64_t other, bool csv,
               char ret_etag[ETAG_BYTES]);

/* Whether an If-None-Match names a tag. NULL: no. */
bool etag_matches(const char *if_none_match, const char *etag);

/* The revision of an If-Match; UINT64_MAX, which nothing has, where it is none of ours. */
uint64_t etag_revision(const struct server *server, const char *if_match);

#endif
