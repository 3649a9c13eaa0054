/* store_index.c - every run's last revision, in memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "daemon/store_impl.h"

#define FIRST_BUCKETS ((size_t)256)

/* Names are chosen by clients, but no more than max_runs are kept: a long chain costs little. */
static size_t hash(const char *name)
{
    uint64_t value = 0xcbf29ce484222325u; /* FNV-1a */

    for (; *name != '\0'; name++)
        value = (value ^ (unsigned char)*name) * 0x100000001b3u;
    return (size_t)(value ^ (value >> 32));
}

static struct store_entry **find(const struct store_index *index, const char *name)
{
    struct store_entry **link = &index->buckets[hash(name) & (index->n_buckets - 1)];

    while (*link != NULL && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    return link;
}

/* Where memory for more buckets is out the chains grow instead. */
static bool grow(struct store_index *index)
{
    struct store_index wider = {.n_buckets =
                                    index->n_buckets > 0 ? 2 * index->n_buckets : FIRST_BUCKETS};

    wider.buckets = calloc(wider.n_buckets, sizeof(struct store_entry *));
    if (wider.buckets == NULL)
        return index->n_buckets > 0;
    for (size_t i = 0; i < index->n_buckets; i++) {
        struct store_entry *next;

        for (struct store_entry *at = index->buckets[i]; at != NULL; at = next) {
            struct store_entry **link = find(&wider, at->name);

            next = at->next;
            at->next = NULL;
            *link = at;
        }
    }
    free(index->buckets);
    index->buckets = wider.buckets;
    index->n_buckets = wider.n_buckets;
    return true;
}

static bool add(struct store_index *index, const char *name, uint64_t revision)
{
    size_t n = strlen(name) + 1;
    struct store_entry *entry;

    if (index->n >= index->n_buckets && !grow(index))
        return false;
    entry = malloc(sizeof(*entry) + n);
    if (entry == NULL)
        return false;
    entry->next = NULL;
    entry->revision = revision;
    memcpy(entry->name, name, n);
    *find(index, name) = entry;
    index->n++;
    return true;
}

static void drop(struct store_index *index, struct store_entry **link)
{
    struct store_entry *entry = *link;

    *link = entry->next;
    free(entry);
    index->n--;
}

bool store_index_set(struct store *store, const char *run, uint64_t revision)
{
    struct store_index *index = &store->index;
    struct store_entry **link;
    bool ok = true;

    uv_mutex_lock(&store->index_mutex);
    link = index->n_buckets > 0 ? find(index, run) : NULL;
    if (link != NULL && *link != NULL && revision == 0)
        drop(index, link);
    else if (link != NULL && *link != NULL)
        (*link)->revision = revision;
    else if (revision != 0)
        ok = add(index, run, revision);
    uv_mutex_unlock(&store->index_mutex);
    return ok;
}

void store_index_clear(struct store *store)
{
    struct store_index *index = &store->index;

    uv_mutex_lock(&store->index_mutex);
    for (size_t i = 0; i < index->n_buckets; i++) {
        while (index->buckets[i] != NULL)
            drop(index, &index->buckets[i]);
    }
    free(index->buckets);
    *index = (struct store_index){NULL, 0, 0};
    uv_mutex_unlock(&store->index_mutex);
}

bool store_peek(struct store *store, const char *run, uint64_t *ret_revision)
{
    struct store_entry *entry = NULL;

    uv_mutex_lock(&store->index_mutex);
    if (store->index.n_buckets > 0)
        entry = *find(&store->index, run);
    if (entry != NULL)
        *ret_revision = entry->revision;
    uv_mutex_unlock(&store->index_mutex);
    return entry != NULL;
}

uint64_t store_revision(struct store *store)
{
    uint64_t revision;

    uv_mutex_lock(&store->index_mutex);
    revision = store->revision;
    uv_mutex_unlock(&store->index_mutex);
    return revision;
}
