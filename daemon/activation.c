/* activation.c - listening sockets that the service manager opened for us. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/activation.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* sd_listen_fds(3): they begin here. */
#define FIRST_FD 3

static size_t number(const char *name)
{
    const char *text = getenv(name);

    if (text == NULL || *text == '\0' || text[strspn(text, "0123456789")] != '\0')
        return 0;
    return (size_t)strtoul(text, NULL, 10);
}

static int option(int fd, int name)
{
    int value = 0;
    socklen_t n_bytes = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &n_bytes) == 0 ? value : 0;
}

static struct activation_socket look_at(int fd)
{
    bool listens = option(fd, SO_ACCEPTCONN) != 0;

    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return (struct activation_socket){
        .fd = fd, .family = option(fd, SO_DOMAIN), .type = listens ? option(fd, SO_TYPE) : 0};
}

/* The next of "a:b:c"; *names moves behind it. */
static void take_name(const char **names, char name[ACTIVATION_NAME_BYTES])
{
    size_t n = strcspn(*names, ":");

    if (n < ACTIVATION_NAME_BYTES)
        memcpy(name, *names, n);
    *names += n + ((*names)[n] == ':');
}

size_t activation_take(struct activation_socket *ret_sockets, size_t cap)
{
    size_t n = number("LISTEN_PID") == (size_t)getpid() ? number("LISTEN_FDS") : 0;
    const char *names = getenv("LISTEN_FDNAMES");

    if (names == NULL)
        names = "";
    for (size_t i = 0; i < n && i < cap; i++) {
        ret_sockets[i] = look_at(FIRST_FD + (int)i);
        take_name(&names, ret_sockets[i].name);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return n;
}
