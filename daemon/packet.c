/* packet.c - one message of a SOCK_SEQPACKET socket, with the descriptors that come along. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for the descriptors of a message; the kernel closes those that do not fit. */
union control {
    char bytes[CMSG_SPACE(PACKET_MAX_FDS * sizeof(int))];
    struct cmsghdr aligned;
};

/* ---- receiving ------------------------------------------------------------------------------- */

void packet_close_fds(struct packet *packet)
{
    for (size_t i = 0; i < packet->n_fds; i++)
        close(packet->fds[i]);
    packet->n_fds = 0;
}

static void take_fds(struct msghdr *message, struct packet *packet)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
        size_t n = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(at) + i * sizeof(fd), sizeof(fd));
            if (packet->n_fds < PACKET_MAX_FDS)
                packet->fds[packet->n_fds++] = fd;
            else
                close(fd);
        }
    }
}

static bool check(const struct msghdr *message, struct problem *reterr)
{
    if ((message->msg_flags & MSG_CTRUNC) != 0)
        return problem_set(reterr, PROBLEM_BAD_REQUEST, NULL,
                           "The message has more than %d descriptors, or they could not be taken.",
                           PACKET_MAX_FDS);
    return (message->msg_flags & MSG_TRUNC) == 0 ||
           problem_set(reterr, PROBLEM_REQUEST_TOO_LARGE, NULL,
                       "The message has more than %zu bytes.", PACKET_REQUEST_BYTES);
}

enum packet_state packet_receive(int socket, struct packet *packet, struct problem *reterr)
{
    union control control;
    struct iovec text = {packet->text, PACKET_REQUEST_BYTES};
    struct msghdr message = {.msg_iov = &text,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    packet->n_fds = 0;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? PACKET_NONE : PACKET_CLOSED;
    take_fds(&message, packet);
    packet->n = (size_t)n;
    if (n == 0) { /* an empty message reads like the end, and means nothing either */
        packet_close_fds(packet);
        return PACKET_CLOSED;
    }
    if (check(&message, reterr))
        return PACKET_THERE;
    packet_close_fds(packet);
    return PACKET_BROKEN;
}

/* ---- sending --------------------------------------------------------------------------------- */

static enum packet_sent send_message(int socket, const struct msghdr *message)
{
    for (;;) {
        if (sendmsg(socket, message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return PACKET_SENT;
        if (errno != EINTR)
            return errno == EAGAIN || errno == ENOBUFS ? PACKET_FULL : PACKET_LOST;
    }
}

static enum packet_sent send_text(int socket, const char *text, size_t n)
{
    union {
        const char *text;
        void *bytes;
    } borrowed = {text}; /* sendmsg does not write to it but cannot say so */
    struct iovec part = {borrowed.bytes, n};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    return send_message(socket, &message);
}

/* Sealed, so that whoever maps it need not fear us. -1 for none. */
static int make_memfd(const char *text, size_t n)
{
    int fd = memfd_create("overlapd-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    for (size_t at = 0; fd >= 0 && at < n;) {
        ssize_t wrote = write(fd, text + at, n - at);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            close(fd);
            return -1;
        }
        at += (size_t)wrote;
    }
    if (fd >= 0)
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return fd;
}

static enum packet_sent send_memfd(int socket, const char *text, size_t n)
{
    union control control = {.bytes = {0}};
    char note[96];
    struct iovec part = {
        note,
        (size_t)snprintf(note, sizeof(note), "{\"ok\": true, \"fd\": 0, \"byte_size\": %zu}", n)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(sizeof(int))};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    int fd = make_memfd(text, n);
    enum packet_sent sent;

    if (fd < 0)
        return PACKET_LOST;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    sent = send_message(socket, &message);
    close(fd);
    return sent;
}

enum packet_sent packet_send(int socket, const char *text, size_t n)
{
    return n <= PACKET_ANSWER_BYTES ? send_text(socket, text, n) : send_memfd(socket, text, n);
}
