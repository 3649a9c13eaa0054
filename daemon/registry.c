/* registry.c - the shared memory that clients have registered, by name and by handle. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"

struct entry {
    struct entry *next;
    struct region region;
    struct memfile *memfile;
    const void *owner;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct registry_limits limits;
static struct entry *first; /* in the order of registration */

/* The sums over all entries, so that whoever counts takes no lock. */
static atomic_size_t sizes_n[SEGMENT_FD];
static atomic_uint_fast64_t sizes_bytes[SEGMENT_FD];

void registry_set_limits(const struct registry_limits *to)
{
    limits = *to;
}

/* ---- with the mutex held --------------------------------------------------------------------- */

static struct entry **link_to(enum segment_kind kind, const char *name, uid_t uid)
{
    struct entry **link = &first;

    while (*link != NULL && !((*link)->region.kind == kind && (*link)->region.uid == uid &&
                              strcmp((*link)->region.name, name) == 0))
        link = &(*link)->next;
    return link;
}

static void drop(struct entry **link)
{
    struct entry *entry = *link;

    *link = entry->next;
    atomic_fetch_sub(&sizes_n[entry->region.kind], 1);
    atomic_fetch_sub(&sizes_bytes[entry->region.kind], entry->region.byte_size);
    memfile_release(entry->memfile);
    free(entry);
}

static bool quota(struct problem *reterr, const char *which)
{
    return problem_set(reterr, PROBLEM_SHM_QUOTA, NULL, "The limit %s is reached.", which);
}

static bool check_quota(const struct region *region, struct problem *reterr)
{
    size_t n = 0;
    size_t n_own = 0;
    uint64_t own_bytes = 0;

    for (const struct entry *entry = first; entry != NULL; entry = entry->next) {
        n++;
        n_own += entry->region.uid == region->uid;
        own_bytes += entry->region.uid == region->uid ? entry->region.byte_size : 0;
    }
    if (n >= limits.regions)
        return quota(reterr, "shm.regions");
    if (n_own >= limits.regions_per_uid)
        return quota(reterr, "shm.regions_per_uid");
    if (region->byte_size > limits.bytes_per_uid ||
        own_bytes > limits.bytes_per_uid - region->byte_size)
        return quota(reterr, "shm.bytes_per_uid");
    return true;
}

static bool is_same(const struct entry *entry, const struct region *region,
                    const struct memfile *memfile)
{
    return strcmp(entry->region.key, region->key) == 0 && entry->region.offset == region->offset &&
           entry->region.byte_size == region->byte_size &&
           entry->region.writable == region->writable &&
           memcmp(entry->memfile->segment.object, memfile->segment.object,
                  sizeof(memfile->segment.object)) == 0;
}

static bool add(const struct region *region, struct memfile *memfile, const void *owner,
                bool *ret_known, struct problem *reterr)
{
    struct entry **link = link_to(region->kind, region->name, region->uid);
    struct entry *entry;

    if (*link != NULL) {
        *ret_known = is_same(*link, region, memfile);
        return *ret_known ||
               problem_set(reterr, PROBLEM_SHM_NAME_IN_USE, NULL,
                           "Your region %s is another one; DELETE it first.", region->name);
    }
    if (!check_quota(region, reterr))
        return false;
    entry = malloc(sizeof(*entry));
    if (entry == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, NULL, "No memory for a region.");
    *entry = (struct entry){NULL, *region, memfile_reference(memfile), owner};
    *link = entry;
    atomic_fetch_add(&sizes_n[region->kind], 1);
    atomic_fetch_add(&sizes_bytes[region->kind], region->byte_size);
    return true;
}

/* ---- any thread ------------------------------------------------------------------------------ */

bool registry_add(struct region *region, struct memfile *memfile, const void *owner,
                  bool *ret_known, struct problem *reterr)
{
    bool ok;

    region->offset = memfile->offset;
    region->byte_size = memfile->segment.n_bytes;
    region->object_bytes = memfile->object_bytes;
    region->writable = memfile->segment.write != NULL;
    region->mode = memfile_mode(memfile);
    region->used_ms = clock_ms();
    *ret_known = false;
    pthread_mutex_lock(&mutex);
    ok = add(region, memfile, owner, ret_known, reterr);
    pthread_mutex_unlock(&mutex);
    memfile_release(memfile);
    return ok;
}

struct memfile *registry_take(enum segment_kind kind, const char *name, uid_t uid)
{
    struct memfile *memfile = NULL;
    struct entry *entry;

    pthread_mutex_lock(&mutex);
    entry = *link_to(kind, name, uid);
    if (entry != NULL) {
        entry->region.used_ms = clock_ms();
        memfile = memfile_reference(entry->memfile);
    }
    pthread_mutex_unlock(&mutex);
    return memfile;
}

bool registry_find(enum segment_kind kind, const char *name, uid_t uid, struct region *ret_region)
{
    const struct entry *entry;

    pthread_mutex_lock(&mutex);
    entry = *link_to(kind, name, uid);
    if (entry != NULL)
        *ret_region = entry->region;
    pthread_mutex_unlock(&mutex);
    return entry != NULL;
}

bool registry_remove(enum segment_kind kind, const char *name, uid_t uid, const void *owner)
{
    struct entry **link;
    bool found;

    pthread_mutex_lock(&mutex);
    link = link_to(kind, name, uid);
    found = *link != NULL && (*link)->owner == owner;
    if (found)
        drop(link);
    pthread_mutex_unlock(&mutex);
    return found;
}

size_t registry_list(enum segment_kind kind, uid_t uid, struct region *ret_regions, size_t cap)
{
    size_t n = 0;

    pthread_mutex_lock(&mutex);
    for (const struct entry *entry = first; entry != NULL && n < cap; entry = entry->next) {
        if (entry->region.kind == kind && entry->region.uid == uid)
            ret_regions[n++] = entry->region;
    }
    pthread_mutex_unlock(&mutex);
    return n;
}

void registry_remove_all(const void *owner)
{
    pthread_mutex_lock(&mutex);
    for (struct entry **link = &first; *link != NULL;) {
        if ((*link)->owner == owner)
            drop(link);
        else
            link = &(*link)->next;
    }
    pthread_mutex_unlock(&mutex);
}

void registry_expire(uint64_t now_ms, uint64_t idle_ms)
{
    pthread_mutex_lock(&mutex);
    for (struct entry **link = &first; *link != NULL;) {
        const struct region *region = &(*link)->region;

        if (region->kind == SEGMENT_SHM && now_ms > region->used_ms &&
            now_ms - region->used_ms > idle_ms)
            drop(link);
        else
            link = &(*link)->next;
    }
    pthread_mutex_unlock(&mutex);
}

void registry_clear(void)
{
    pthread_mutex_lock(&mutex);
    while (first != NULL)
        drop(&first);
    pthread_mutex_unlock(&mutex);
}

void registry_count(struct registry_counts *ret_counts)
{
    for (int kind = 0; kind < SEGMENT_FD; kind++) {
        ret_counts->n[kind] = atomic_load(&sizes_n[kind]);
        ret_counts->bytes[kind] = atomic_load(&sizes_bytes[kind]);
    }
}
