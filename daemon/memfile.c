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

/* Either of these refuses pwrite. */
#define WRITE_SEALS ((unsigned)(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))

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

static bool read_only(const char *pointer, const char *why, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_SHM_READ_ONLY, pointer, "The shared memory %s.", why);
}

/* With O_APPEND the kernel would write elsewhere than it is told; hugetlbfs has no pwrite. */
static bool check_writable(const struct memfile *memfile, const struct memfile_wish *wish,
                           struct problem *reterr)
{
    int flags = fcntl(memfile->fd, F_GETFL);
    struct statfs system;

    if (flags < 0 || (flags & O_ACCMODE) != O_RDWR)
        return read_only(wish->pointer, "is not open for reading and writing", reterr);
    if ((flags & O_APPEND) != 0)
        return read_only(wish->pointer, "is open for appending (O_APPEND)", reterr);
    if ((memfile->seals & WRITE_SEALS) != 0)
        return read_only(wish->pointer, "is sealed against writing", reterr);
    return (fstatfs(memfile->fd, &system) == 0 && system.f_type == TMPFS_MAGIC) ||
           read_only(wish->pointer, "is of huge pages, which can only be read here", reterr);
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
        !check_owner(wish, ret_status, reterr) || ret_status->st_size < 0 ||
        (wish->writable && !check_writable(memfile, wish, reterr)))
        return false;
    memfile->offset = wish->offset;
    memfile->object_bytes = (uint64_t)ret_status->st_size;
    memfile->segment.object[0] = (uint64_t)ret_status->st_dev;
    memfile->segment.object[1] = (uint64_t)ret_status->st_ino;
    memfile->segment.start = wish->offset;
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

static bool refuse_write(int error, const char *pointer, struct problem *reterr)
{
    switch (error) {
    case ENOSPC:
    case ENOMEM:
    case EDQUOT:
    case EFBIG:
        return problem_set(reterr, PROBLEM_SHM_FULL, pointer,
                           "There is no room for the memory's pages (error %d): its tmpfs is full, "
                           "or memory is. Pages that are there already need none.",
                           error);
    case EPERM:
        return read_only(pointer, "has been sealed", reterr);
    default:
        return problem_set(reterr, PROBLEM_SHM_READ_ONLY, pointer,
                           "The shared memory cannot be written to (error %d).", error);
    }
}

/* All pages first, so that a full tmpfs is told before a byte has changed. */
static bool reserve(const struct memfile *memfile, uint64_t offset, size_t n, const char *pointer,
                    struct problem *reterr)
{
    struct stat status;
    int done;

    if (fstat(memfile->fd, &status) != 0 || status.st_size < 0 ||
        (uint64_t)status.st_size < offset + n)
        return problem_set(reterr, PROBLEM_SHM_TRUNCATED, pointer,
                           "The shared memory has become shorter than what is to be written.");
    do {
        done = fallocate(memfile->fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)n);
    } while (done != 0 && errno == EINTR);
    return done == 0 || refuse_write(errno, pointer, reterr);
}

/* By pwrite: through a map, a client that truncates its memory would end the daemon (SIGBUS). */
static bool write_bytes(const struct segment *segment, uint64_t offset, const void *bytes, size_t n,
                        const char *pointer, struct problem *reterr)
{
    const struct memfile *memfile = (const struct memfile *)segment;
    const char *at = bytes;

    offset += memfile->offset;
    if (!reserve(memfile, offset, n, pointer, reterr))
        return false;
    while (n > 0) {
        ssize_t put = pwrite(memfile->fd, at, n, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return refuse_write(put < 0 ? errno : ENOSPC, pointer, reterr);
        at += put;
        offset += (uint64_t)put;
        n -= (size_t)put;
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
    if (wish->writable)
        memfile->segment.write = write_bytes;
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
