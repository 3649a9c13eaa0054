/* user.c - whose a request is, as far as fairness goes: a token's, or else a peer's. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/user.h"

#include <xxhash.h>

#include "daemon/address.h"
#include "daemon/uid.h"

uint64_t user_of_token(const struct token *token, uint64_t seed)
{
    return XXH3_64bits_withSeed(token->digest, sizeof(token->digest), seed);
}

uint64_t user_of_uid(uid_t uid, uint64_t seed)
{
    return XXH3_64bits_withSeed(&uid, sizeof(uid), seed);
}

uint64_t user_of_peer(int fd, uint64_t seed)
{
    struct address address = {.n_bytes = sizeof(address.storage)};
    uid_t uid = (uid_t)-1;

    if (getpeername(fd, (struct sockaddr *)&address.storage, &address.n_bytes) != 0)
        return 0;
    if (address.storage.ss_family != AF_UNIX)
        return address_hash(&address, seed);
    uid_of_peer(fd, &uid);
    return user_of_uid(uid, seed);
}
