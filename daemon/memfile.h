/* memfile.h - a descriptor of shared memory that is ours: checked, read, sometimes mapped. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MEMFILE_H
#define DAEMON_MEMFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/segment.h"

struct memfile {
    struct segment segment; /* first: what proto sees of it */
    int fd;
    uint64_t offset; /* where the segment begins in the object */
    uint64_t object_bytes;
    unsigned seals;
    void *map; /* NULL where it is not mapped */
    size_t map_bytes;
    _Atomic unsigned n_references;
};

/* What is wanted of a descriptor. */
struct memfile_wish {
    uint64_t offset;
    uint64_t byte_size; /* UINT64_MAX: up to the object's end */
    bool has_owner;     /* the object must be this user's */
    uid_t owner;
    bool writable;       /* also to write to it, by segment.write */
    bool map;            /* where it can be: for what is used again */
    const char *pointer; /* names it in problems */
};

/*
 * Take a descriptor, which is closed where this fails and when the last reference goes. Nothing is
 * written to it unless that is wished: then it must be open for both, in tmpfs, without a seal
 * against writing. Only regular files of tmpfs and hugetlbfs, that can be read, are taken: reading
 * others may wait for ever. Mapped are only those that are sealed against shrinking and writing,
 * and have no holes, which would become memory of ours.
 */
struct memfile *memfile_new(int fd, const struct memfile_wish *wish, struct problem *reterr);

struct memfile *memfile_reference(struct memfile *memfile);
void memfile_release(struct memfile *memfile); /* NULL is fine; any thread */

const char *memfile_mode(const struct memfile *memfile); /* "mapped", "pread" */

#endif
