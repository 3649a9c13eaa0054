/* memfile.c - a descriptor of shared memory that is ours: checked, read, sometimes mapped. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SEALED ((unsigned)(F_SEAL_SHRINK | F_SEAL_WRITE))

/* ---- checks ---------------------------------------------------------------------------------- */

static bool bad(const struct memfile_wish *wish, const char *why, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_SHM_BAD_OBJECT, wish->pointer, "The descriptor %s.", why);
}

static bool check_access(int fd, const struct memfile_wish *wish, struct problem *reterr)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || (flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY)
        return bad(wish, "cannot be read from", reterr);
    return true;
}

static bool check_kind(int fd, const struct memfile_wish *wish, const struct stat *status,
                       struct problem *reterr)
{
    struct statfs system;

    if (!S_ISREG(status->st_mode))
        return bad(wish, "is not of a regular file", reterr);
    if (fstatfs(fd, &system) != 0 ||
        (system.f_type != TMPFS_MAGIC && system.f_type != HUGETLBFS_MAGIC))
        return bad(wish, "is not of shared memory (a memfd, or a file in tmpfs)", reterr);
    return true;
}

static bool check_owner(const struct memfile_wish *wish, const struct stat *status,
                        struct problem *reterr)
{
    return !wish->has_owner || status->st_uid == wish->owner ||
           problem_set(reterr, PROBLEM_SHM_FORBIDDEN, wish->pointer,
                       "The shared memory belongs to another user than the one who asks.");
}

/* By subtraction: a sum could wrap. */
static bool check_bounds(const struct memfile_wish *wish, uint64_t object_bytes,
                         uint64_t *ret_bytes, struct problem *reterr)
{
    bool to_end = wish->byte_size == UINT64_MAX;

    if (wish->offset > object_bytes || (!to_end && wish->byte_size > object_bytes - wish->offset))
        return problem_set(reterr, PROBLEM_SHM_TOO_SMALL, wish->pointer,
                           "offset and byte_size lead beyond the object's %llu bytes.",
                           (unsigned long long)object_bytes);
    *ret_bytes = to_end ? object_bytes - wish->offset : wish->byte_size;
    return *ret_bytes > 0 || problem_set(reterr, PROBLEM_SHM_TOO_SMALL, wish->pointer,
                                         "The shared memory has no bytes there.");
}

static bool check(struct memfile *memfile, const struct memfile_wish *wish, struct stat *ret_status,
                  struct problem *reterr)
{
    if (!check_access(memfile->fd, wish, reterr))
        return false;
    if (fstat(memfile->fd, ret_status) != 0)
        return bad(wish, "cannot be looked at", reterr);
    if (!check_kind(memfile->fd, wish, ret_status, reterr) ||
        !check_owner(wish, ret_status, reterr) || ret_status->st_size < 0)
        return false;
    memfile->offset = wish->offset;
    memfile->object_bytes = (uint64_t)ret_status->st_size;
    memfile->device = ret_status->st_dev;
    memfile->inode = ret_status->st_ino;
    return check_bounds(wish, memfile->object_bytes, &memfile->segment.n_bytes, reterr);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static bool read_bytes(const struct segment *segment, uint64_t offset, void *bytes, size_t n)
{
    const struct memfile *memfile = (const struct memfile *)segment;
    char *at = bytes;

    offset += memfile->offset;
    while (n > 0) {
        ssize_t got = pread(memfile->fd, at, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

/* From the object's start: an offset would have to be a multiple of a page, large ones too. */
static void map(struct memfile *memfile, const struct stat *status)
{
    uint64_t n_bytes = memfile->offset + memfile->segment.n_bytes;
    bool has_holes = (uint64_t)status->st_blocks < (memfile->object_bytes + 511) / 512;
    void *at;

    if ((memfile->seals & SEALED) != SEALED || has_holes)
        return;
    at = mmap(NULL, (size_t)n_bytes, PROT_READ, MAP_SHARED, memfile->fd, 0);
    if (at == MAP_FAILED &&
        errno == EPERM) /* Linux before 6.7, for what is sealed against writing */
        at = mmap(NULL, (size_t)n_bytes, PROT_READ, MAP_PRIVATE, memfile->fd, 0);
    if (at == MAP_FAILED)
        return;
    memfile->map = at;
    memfile->map_bytes = (size_t)n_bytes;
    memfile->segment.mapped = (const uint8_t *)at + memfile->offset;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void release(struct segment *segment)
{
    memfile_release((struct memfile *)segment);
}

struct memfile *memfile_new(int fd, const struct memfile_wish *wish, struct problem *reterr)
{
    struct memfile *memfile = calloc(1, sizeof(*memfile));
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS); /* before the size is looked at: seals only ever increase */

    if (memfile == NULL) {
        problem_set(reterr, PROBLEM_OUT_OF_MEMORY, wish->pointer, "No memory for a region.");
        close(fd);
        return NULL;
    }
    memfile->fd = fd;
    memfile->n_references = 1;
    memfile->segment.read = read_bytes;
    memfile->segment.release = release;
    memfile->seals = seals > 0 ? (unsigned)seals : 0;
    if (!check(memfile, wish, &status, reterr)) {
        memfile_release(memfile);
        return NULL;
    }
    if (wish->map)
        map(memfile, &status);
    return memfile;
}

struct memfile *memfile_reference(struct memfile *memfile)
{
    atomic_fetch_add(&memfile->n_references, 1);
    return memfile;
}

void memfile_release(struct memfile *memfile)
{
    if (memfile == NULL || atomic_fetch_sub(&memfile->n_references, 1) != 1)
        return;
    if (memfile->map != NULL)
        munmap(memfile->map, memfile->map_bytes);
    close(memfile->fd);
    free(memfile);
}

const char *memfile_mode(const struct memfile *memfile)
{
    return memfile->map != NULL ? "mapped" : "pread";
}
