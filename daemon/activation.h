/* activation.h - listening sockets that the service manager opened for us. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ACTIVATION_H
#define DAEMON_ACTIVATION_H

#include <stddef.h>

struct activation_socket {
    int fd;     /* closed by exec, and does not block */
    int family; /* AF_... */
    int type;   /* SOCK_...; 0 where it is no listening socket */
};

/*
 * What $LISTEN_PID and $LISTEN_FDS promise, once: both are taken out of the environment. Returns
 * how many were passed, of which the first cap are in ret_sockets.
 */
size_t activation_take(struct activation_socket *ret_sockets, size_t cap);

#endif
