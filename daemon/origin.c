/* origin.c - which web pages may use the daemon (CORS). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/origin.h"

#include <string.h>
#include <strings.h>

#include "daemon/words.h"

/* What follows the scheme; NULL where there is none. */
static const char *authority(const char *origin)
{
    if (strncmp(origin, "http://", 7) == 0)
        return origin + 7;
    if (strncmp(origin, "https://", 8) == 0)
        return origin + 8;
    return NULL;
}

enum origin origin_judge(const char *origin, const char *host, const char *listed)
{
    const char *own;

    if (origin == NULL)
        return ORIGIN_NONE;
    own = authority(origin);
    if (own != NULL && host != NULL && strcasecmp(own, host) == 0)
        return ORIGIN_SELF;
    return words_have(listed, origin) ? ORIGIN_LISTED : ORIGIN_FOREIGN;
}

bool origin_are_valid(const char *listed)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
    const char *word;
    size_t n;

    while (words_next(&listed, &word, &n)) {
        const char *host = authority(word);
        size_t n_scheme = host != NULL ? (size_t)(host - word) : n;

        if (n <= n_scheme || strspn(host, allowed) < n - n_scheme)
            return false;
    }
    return true;
}
