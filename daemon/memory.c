/* memory.c - the byte budget of bodies and masks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/memory.h"

#include <assert.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic uint64_t budget;
static _Atomic uint64_t used; /* with what is kept */
static _Atomic uint64_t kept;
static bool (*release)(void *user, uint64_t n_bytes);
static void *release_user;

/* glibc maps blocks larger than the largest mapped one that was freed, and keeps twice that. */
void memory_hold(void)
{
    void *volatile block = malloc(256 << 10);

    free(block);
}

void memory_set_budget(uint64_t n_bytes)
{
    atomic_store(&budget, n_bytes);
}

uint64_t memory_budget(void)
{
    return atomic_load(&budget);
}

uint64_t memory_used(void)
{
    uint64_t idle = atomic_load(&kept);
    uint64_t all = atomic_load(&used);

    return all > idle ? all - idle : 0; /* another thread may have released some in between */
}

static bool try_to_take(uint64_t n_bytes)
{
    uint64_t limit = atomic_load(&budget);
    uint64_t now = atomic_load(&used);

    do {
        if (n_bytes > limit || now > limit - n_bytes)
            return false;
    } while (!atomic_compare_exchange_weak(&used, &now, now + n_bytes));
    return true;
}

bool memory_take(uint64_t n_bytes)
{
    do {
        if (try_to_take(n_bytes))
            return true;
    } while (release != NULL && n_bytes <= atomic_load(&budget) && release(release_user, n_bytes));
    return try_to_take(n_bytes); /* another thread may have released the last */
}

void memory_keep(uint64_t n_bytes)
{
    atomic_fetch_add(&used, n_bytes);
    atomic_fetch_add(&kept, n_bytes);
}

void memory_unkeep(uint64_t n_bytes)
{
    atomic_fetch_sub(&kept, n_bytes);
    memory_give(n_bytes);
}

void memory_on_shortage(bool (*give_way)(void *user, uint64_t n_bytes), void *user)
{
    release = give_way;
    release_user = user;
}

void memory_give(uint64_t n_bytes)
{
    uint64_t before = atomic_fetch_sub(&used, n_bytes);

    assert(before >= n_bytes);
    (void)before;
}

/* A file of one number; UINT64_MAX for "max" and where there is none. */
static uint64_t read_number(const char *path)
{
    char line[32] = "";
    char *end = line;
    unsigned long long number = 0;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return UINT64_MAX;
    if (fgets(line, sizeof(line), file) != NULL)
        number = strtoull(line, &end, 10);
    fclose(file);
    return end != line ? number : UINT64_MAX;
}

/* The cgroup (v2) of this process, "/a/b"; "" where it is not told. */
static void read_cgroup(const char *root, char *path, size_t cap)
{
    char name[PATH_MAX];
    char line[PATH_MAX];
    FILE *file;

    path[0] = '\0';
    snprintf(name, sizeof(name), "%s/proc/self/cgroup", root);
    file = fopen(name, "re");
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "0::", 3) == 0)
            snprintf(path, cap, "%s", line + 3);
    }
    fclose(file);
}

/* Each level above may say less. */
static uint64_t cgroup_limit(const char *root)
{
    char group[PATH_MAX];
    char path[2 * PATH_MAX + 64];
    char *slash;
    uint64_t least = UINT64_MAX;
    uint64_t found;

    read_cgroup(root, group, sizeof(group));
    do {
        snprintf(path, sizeof(path), "%s/sys/fs/cgroup%s/memory.max", root, group);
        found = read_number(path);
        if (found < least)
            least = found;
        slash = strrchr(group, '/');
        if (slash != NULL)
            *slash = '\0';
    } while (slash != NULL);
    snprintf(path, sizeof(path), "%s/sys/fs/cgroup/memory/memory.limit_in_bytes", root);
    found = read_number(path);
    return found < least ? found : least;
}

uint64_t memory_limit(const char *root)
{
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t group = cgroup_limit(root);

    return group < machine ? group : machine;
}
