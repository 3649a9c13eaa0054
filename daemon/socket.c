/* socket.c - listening sockets, bound by us: libmicrohttpd would let others share the port. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define BACKLOG 4096

/* Enough to be busy with until the loop gives more; a client that does not read would fill 4 MiB.
 */
#define MOST_UNSENT_BYTES (128 << 10)

static int give_up(int fd)
{
    int error = errno;

    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

static int listen_on(const struct address *address, int type)
{
    int on = 1;
    int family = address->storage.ss_family;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return give_up(fd);
    /* [::] means IPv6 alone wherever we run. */
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
        return give_up(fd);
    if (bind(fd, (const struct sockaddr *)&address->storage, address->n_bytes) != 0 ||
        listen(fd, BACKLOG) != 0)
        return give_up(fd);
    return fd;
}

void socket_bound_unsent(int fd)
{
    int most_bytes = MOST_UNSENT_BYTES;

    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most_bytes, sizeof(most_bytes));
}

int socket_listen(const struct address *address)
{
    return listen_on(address, SOCK_STREAM);
}

static int connect_to(const struct address *address, int type, int timeout_s)
{
    struct timeval timeout = {timeout_s, 0};
    int fd = socket(address->storage.ss_family, type | SOCK_CLOEXEC, 0);

    /* The timeout for sending holds for connect too. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
        connect(fd, (const struct sockaddr *)&address->storage, address->n_bytes) != 0)
        return give_up(fd);
    return fd;
}

int socket_connect(const struct address *address, int timeout_s)
{
    return connect_to(address, SOCK_STREAM, timeout_s);
}

/* Whether a socket lies at the address with nobody behind it. */
static bool is_stale(const char *path, const struct address *address, int type)
{
    struct stat status;
    int fd;

    if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    fd = connect_to(address, type, 1);
    if (fd < 0)
        return errno == ECONNREFUSED;
    close(fd);
    return false;
}

int socket_listen_unix(const char *path, int type, unsigned mode)
{
    struct address address;
    int fd;
    mode_t before;

    if (!address_unix(path, &address)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (is_stale(path, &address, type))
        unlink(path);
    /* With the mode from the first moment on; no other thread is there yet. */
    before = umask((mode_t)(~mode & 0777));
    fd = listen_on(&address, type);
    umask(before);
    return fd;
}

/*
 * With TLS its last record, the notice that it closes, may never be read and hide the end: there
 * who ends one direction ends both, as TLS before 1.3 has it.
 */
bool socket_is_gone(int fd, bool is_tls)
{
    struct pollfd reset = {fd, is_tls ? POLLRDHUP : 0, 0};
    char byte;
    ssize_t n;

    if (poll(&reset, 1, 0) > 0 && (reset.revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0)
        return true;
    n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}
