/* failing_io.c - preloaded into a daemon: SIGUSR2 makes the n-th write to its store fail. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

/*
 * The order is 4 n + 2 (for ever) + 1 (ENOSPC, else EIO), negative for none. Calls that count are
 * those that change a file whose name begins with "store". FAKE_FILE_SYSTEM is what statfs says.
 */
static atomic_long left = -1;
static atomic_bool for_ever;
static atomic_int error;

EXPORTED ssize_t write(int fd, const void *bytes, size_t n);
EXPORTED ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at);
EXPORTED ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at);
EXPORTED int fsync(int fd);
EXPORTED int fdatasync(int fd);
EXPORTED int ftruncate(int fd, off_t n);
EXPORTED int ftruncate64(int fd, off64_t n);
EXPORTED int statfs(const char *path, struct statfs *ret);

/* What the C library has under a name; a pointer to a function has no other way out of dlsym. */
#define REAL(name) (*(__typeof__(&(name)) *)(void *)&(void *){dlsym(RTLD_NEXT, #name)})

static bool is_store(int fd)
{
    char path[64];
    char target[256];
    ssize_t n;
    const char *name;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, target, sizeof(target) - 1);
    target[n > 0 ? n : 0] = '\0';
    name = strrchr(target, '/');
    return name != NULL && strncmp(name, "/store", 6) == 0;
}

static bool fails(int fd)
{
    if (atomic_load(&left) < 0 || !is_store(fd))
        return false;
    if (atomic_load(&left) > 0) {
        atomic_fetch_sub(&left, 1);
        return false;
    }
    if (!atomic_load(&for_ever))
        atomic_store(&left, -1);
    errno = atomic_load(&error);
    return true;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    return fails(fd) ? -1 : REAL(write)(fd, bytes, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return fails(fd) ? -1 : REAL(pwrite)(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    return fails(fd) ? -1 : REAL(pwrite64)(fd, bytes, n, at);
}

int fsync(int fd)
{
    return fails(fd) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    return fails(fd) ? -1 : REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t n)
{
    return fails(fd) ? -1 : REAL(ftruncate)(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    return fails(fd) ? -1 : REAL(ftruncate64)(fd, n);
}

int statfs(const char *path, struct statfs *ret)
{
    const char *type = getenv("FAKE_FILE_SYSTEM");
    int status = REAL(statfs)(path, ret);

    if (status == 0 && type != NULL)
        ret->f_type = strtol(type, NULL, 0);
    return status;
}

static void take_order(int number, siginfo_t *info, void *context)
{
    int order = info->si_value.sival_int;

    (void)number;
    (void)context;
    atomic_store(&left, -1);
    atomic_store(&error, order & 1 ? ENOSPC : EIO);
    atomic_store(&for_ever, (order & 2) != 0);
    if (order >= 0)
        atomic_store(&left, order / 4);
}

static __attribute__((constructor)) void listen_for_orders(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};

    action.sa_sigaction = take_order;
    sigaction(SIGUSR2, &action, NULL);
}
