/* notify.c - tell the service manager what we are up to (sd_notify's protocol). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"

void notify_send(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path != NULL ? strlen(path) : 0;
    int fd;

    if (n == 0)
        return;
    if (n >= sizeof(to.sun_path)) {
        log_event(LOG_LEVEL_WARN, "notify-failed", LOG_TEXT("reason", "NOTIFY_SOCKET is too long"));
        return;
    }
    memcpy(to.sun_path, path, n);
    if (path[0] == '@') /* an abstract socket */
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        sendto(fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
        log_event_limited(LOG_LEVEL_WARN, "notify-failed", LOG_TEXT("reason", strerror(errno)));
    if (fd >= 0)
        close(fd);
}
