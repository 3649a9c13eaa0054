/* linger.c - closing connections without losing the answer: read on until the client has it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/clock.h"

#define ALLOWED_MS 5000

/* Descriptors held back from connections for this (server.c counts on it). */
#define MAX_LINGERS 16

/* Per turn of the loop: a fast sender must not keep others waiting. */
#define READS_PER_TURN 4

/* At once: of TCP without a copy, of a Unix socket, which cannot do that, with one. */
#define DROP_BYTES ((size_t)1 << 20)
#define READ_BYTES ((size_t)16 << 10)

/* Who has sent so much since the answer will not read it. */
#define MOST_BYTES ((size_t)64 << 20)

struct lingering {
    uv_poll_t poll;
    struct lingering *next;
    struct lingers *lingers;
    int fd;
    bool is_tcp;
    size_t n_bytes; /* discarded so far */
    uint64_t deadline_ms;
};

static void closed(uv_handle_t *handle)
{
    struct lingering *linger = handle->data;

    close(linger->fd);
    free(linger);
}

static void end(struct lingering *linger)
{
    struct lingering **link = &linger->lingers->first;

    while (*link != linger)
        link = &(*link)->next;
    *link = linger->next;
    linger->lingers->n--;
    uv_poll_stop(&linger->poll);
    uv_close((uv_handle_t *)&linger->poll, closed);
}

static ssize_t discard_some(const struct lingering *linger)
{
    char bytes[READ_BYTES];

    if (linger->is_tcp)
        return recv(linger->fd, NULL, DROP_BYTES, MSG_DONTWAIT | MSG_TRUNC);
    return recv(linger->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
}

static void discard(uv_poll_t *poll, int status, int events)
{
    struct lingering *linger = poll->data;
    ssize_t n = 1;

    (void)events;
    for (int i = 0; i < READS_PER_TURN && n > 0; i++) {
        n = discard_some(linger);
        linger->n_bytes += n > 0 ? (size_t)n : 0;
    }
    if (status < 0 || n == 0 || linger->n_bytes >= MOST_BYTES ||
        (n < 0 && errno != EAGAIN && errno != EINTR))
        end(linger);
}

int linger_hold(struct lingers *lingers, int fd)
{
    int held = lingers->n < MAX_LINGERS ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    lingers->n += held >= 0;
    return held;
}

static bool is_tcp(int fd)
{
    int domain = AF_UNSPEC;
    socklen_t n_bytes = sizeof(domain);

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n_bytes) == 0 && domain != AF_UNIX;
}

void linger_begin(struct lingers *lingers, int held_fd)
{
    struct lingering *linger = calloc(1, sizeof(*linger));

    shutdown(held_fd, SHUT_WR);
    if (linger == NULL || uv_poll_init(lingers->loop, &linger->poll, held_fd) != 0) {
        free(linger);
        close(held_fd);
        lingers->n--;
        return;
    }
    linger->poll.data = linger;
    linger->lingers = lingers;
    linger->fd = held_fd;
    linger->is_tcp = is_tcp(held_fd);
    linger->deadline_ms = clock_ms() + ALLOWED_MS;
    linger->next = lingers->first;
    lingers->first = linger;
    uv_poll_start(&linger->poll, UV_READABLE | UV_DISCONNECT, discard);
}

void linger_sweep(struct lingers *lingers, uint64_t now_ms)
{
    struct lingering *next;

    for (struct lingering *linger = lingers->first; linger != NULL; linger = next) {
        next = linger->next;
        if (now_ms >= linger->deadline_ms)
            end(linger);
    }
}

void linger_end_all(struct lingers *lingers)
{
    linger_sweep(lingers, UINT64_MAX);
}
