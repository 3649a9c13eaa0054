/* secret.c - files that nobody else may read: tokens and the private key. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A group may read it, which a daemon without rights of its own can need. */
#define OPEN_TO_OTHERS 0037

static bool is_private(int fd, const char *path, const char *what, bool is_credential,
                       struct config_error *reterr)
{
    struct stat status;

    if (fstat(fd, &status) != 0)
        return config_fail(reterr, "%s %s: %s", what, path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return config_fail(reterr, "%s %s: not a regular file", what, path);
    if (!is_credential && (status.st_mode & OPEN_TO_OTHERS) != 0)
        return config_fail(
            reterr, "%s %s: its mode is %04o, which lets others in; make it 0600 (0640 at most)",
            what, path, (unsigned)(status.st_mode & 07777));
    return true;
}

int secret_open(const char *path, const char *what, bool is_credential, struct config_error *reterr)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        config_fail(reterr, "%s %s: %s", what, path, strerror(errno));
    else if (!is_private(fd, path, what, is_credential, reterr)) {
        close(fd);
        fd = -1;
    }
    return fd;
}
