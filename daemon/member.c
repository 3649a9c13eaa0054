/* member.c - which users may use the Unix socket. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/member.h"

#include <sys/socket.h>

#include "daemon/words.h"

/* Who is in more groups is judged by the first; the kernel then says so and gives none. */
#define MAX_GROUPS 1024

/* What the kernel shows for every user that has no number here (fs.overflowuid's default): not one
 * user. */
#define OVERFLOW_ID 65534

static bool is_user(const char *uids, uid_t uid)
{
    return uid != OVERFLOW_ID && words_have_id(uids, uid);
}

static bool is_group(const char *gids, gid_t gid)
{
    return gid != OVERFLOW_ID && words_have_id(gids, gid);
}

static bool is_in_group(int fd, const char *gids)
{
    gid_t groups[MAX_GROUPS];
    socklen_t n_bytes = sizeof(groups);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n_bytes) != 0)
        return false;
    for (size_t i = 0; i < n_bytes / sizeof(groups[0]); i++) {
        if (is_group(gids, groups[i]))
            return true;
    }
    return false;
}

bool member_is_allowed(int fd, const char *uids, const char *gids)
{
    struct ucred peer;
    socklen_t n_bytes = sizeof(peer);

    if (uids[0] == '\0' && gids[0] == '\0')
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n_bytes) != 0)
        return false;
    return is_user(uids, peer.uid) || is_group(gids, peer.gid) || is_in_group(fd, gids);
}
