/* activation.h - listening sockets that the service manager opened for us. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ACTIVATION_H
#define DAEMON_ACTIVATION_H

#include <stddef.h>

#define ACTIVATION_NAME_BYTES 8

struct activation_socket {
    int fd;                           /* closed by exec, and does not block */
    int family;                       /* AF_... */
    int type;                         /* SOCK_...; 0 where it is no listening socket */
    char name[ACTIVATION_NAME_BYTES]; /* "" for none, and for one that is longer than ours */
};

/*
 * What $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES promise, once: they are taken out of the
 * environment. Returns how many were passed, of which the first cap are in ret_sockets.
 */
size_t activation_take(struct activation_socket *ret_sockets, size_t cap);

#endif
