/* uid.c - who is at the other end of a Unix socket, and whether they may share memory with us. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/uid.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the kernel shows for a user that has no number here (fs.overflowuid's default). */
#define OVERFLOW_UID ((uid_t)65534)

bool uid_of_peer(int fd, uid_t *ret_uid)
{
    struct ucred peer = {.uid = OVERFLOW_UID};
    socklen_t n_bytes = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n_bytes) != 0)
        return false;
    *ret_uid = peer.uid;
    return true;
}

/* The next entry of a list; *n is 0 at its end. */
static const char *next_entry(const char *list, size_t *n)
{
    list += strspn(list, ", \t");
    *n = strcspn(list, ", \t");
    return list;
}

static bool is_word(const char *entry, size_t n, const char *word)
{
    return strlen(word) == n && memcmp(entry, word, n) == 0;
}

static bool is_number(const char *entry, size_t n)
{
    return n > 0 && n < 10 && strspn(entry, "0123456789") >= n;
}

bool uid_is_list(const char *list)
{
    size_t n;

    for (const char *at = next_entry(list, &n); n > 0; at = next_entry(at + n, &n)) {
        if (!is_word(at, n, "self") && !is_word(at, n, "any") && !is_number(at, n))
            return false;
    }
    return true;
}

bool uid_is_listed(const char *list, uid_t uid)
{
    size_t n;

    if (uid == OVERFLOW_UID || uid == (uid_t)-1)
        return false;
    for (const char *at = next_entry(list, &n); n > 0; at = next_entry(at + n, &n)) {
        if (is_word(at, n, "any") || (is_word(at, n, "self") && uid == geteuid()) ||
            (is_number(at, n) && strtoul(at, NULL, 10) == uid))
            return true;
    }
    return false;
}
