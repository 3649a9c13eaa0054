/* registry.h - the shared memory that clients have registered, by name and by handle. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_REGISTRY_H
#define DAEMON_REGISTRY_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/memfile.h"

#define REGISTRY_NAME_BYTES 65  /* a name of up to 64, and its end */
#define REGISTRY_KEY_BYTES  252 /* "/" and up to 250 */

/* What is registered; a copy. */
struct region {
    enum segment_kind kind; /* SEGMENT_SHM: by name; SEGMENT_HANDLE: by descriptor */
    char name[REGISTRY_NAME_BYTES];
    char key[REGISTRY_KEY_BYTES]; /* "" for a handle */
    uid_t uid;                    /* whose it is: for others it is not there */
    uint64_t offset;
    uint64_t byte_size;
    uint64_t object_bytes;
    bool writable;
    const char *mode;
    uint64_t used_ms; /* on the monotonic clock */
};

struct registry_limits {
    size_t regions; /* of all users */
    size_t regions_per_uid;
    uint64_t bytes_per_uid;
};

struct registry_counts {
    size_t n[SEGMENT_FD]; /* by kind */
    uint64_t bytes[SEGMENT_FD];
};

/* One registry per process; any thread. */
void registry_set_limits(const struct registry_limits *to);

/*
 * Add a region; its memory is taken, also where this fails. Problems: PROBLEM_SHM_QUOTA,
 * PROBLEM_SHM_NAME_IN_USE.
 *   region      kind, name, key and uid; the rest is filled in
 *   owner       what the region dies with; NULL for nothing
 *   ret_known   the very same was there already
 */
bool registry_add(struct region *region, struct memfile *memfile, const void *owner,
                  bool *ret_known, struct problem *reterr);

/* A reference to the memory of a user's own region; NULL for none. It counts as a use of it. */
struct memfile *registry_take(enum segment_kind kind, const char *name, uid_t uid);

/* false for none. */
bool registry_find(enum segment_kind kind, const char *name, uid_t uid, struct region *ret_region);
bool registry_remove(enum segment_kind kind, const char *name, uid_t uid, const void *owner);

/* Up to `cap` of a user's regions of one kind, in the order of registration; how many. */
size_t registry_list(enum segment_kind kind, uid_t uid, struct region *ret_regions, size_t cap);

void registry_remove_all(const void *owner);             /* all that die with it */
void registry_expire(uint64_t now_ms, uint64_t idle_ms); /* named ones that nobody has used */
void registry_clear(void);
void registry_count(struct registry_counts *ret_counts);

#endif
