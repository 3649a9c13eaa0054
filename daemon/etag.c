/* etag.c - entity tags: which revision of which life of this daemon an answer was made from. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/server.h"

void etag_make(const struct server *server, uint64_t revision, uint64_t other, bool csv,
               char ret_etag[ETAG_BYTES])
{
    int n = snprintf(ret_etag, ETAG_BYTES, "\"%08" PRIx32 "-%" PRIu64, server->life, revision);

    if (other != 0)
        n += snprintf(ret_etag + n, ETAG_BYTES - (size_t)n, "-%" PRIu64, other);
    snprintf(ret_etag + n, ETAG_BYTES - (size_t)n, csv ? ".csv\"" : "\"");
}

/* Our tags have no comma in them, so that a list can be cut at commas. */
bool etag_matches(const char *if_none_match, const char *etag)
{
    size_t n_etag = strlen(etag);

    while (if_none_match != NULL && *if_none_match != '\0') {
        size_t n;

        if_none_match += strspn(if_none_match, ", \t");
        if_none_match += strncmp(if_none_match, "W/", 2) == 0 ? 2 : 0;
        n = strcspn(if_none_match, ", \t");
        if ((n == n_etag && memcmp(if_none_match, etag, n) == 0) ||
            (n == 1 && *if_none_match == '*'))
            return true;
        if_none_match += n;
    }
    return false;
}

uint64_t etag_revision(const struct server *server, const char *if_match)
{
    char etag[ETAG_BYTES];
    const char *dash = strchr(if_match, '-');
    uint64_t revision = dash != NULL ? strtoull(dash + 1, NULL, 10) : 0;

    for (int csv = 0; csv <= 1; csv++) {
        etag_make(server, revision, 0, csv, etag);
        if (strcmp(if_match, etag) == 0)
            return revision;
    }
    return UINT64_MAX;
}
