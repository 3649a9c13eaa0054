/* store_impl.h - what the files of the store share; for them alone. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_STORE_IMPL_H
#define DAEMON_STORE_IMPL_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <uv.h>

#include "daemon/store.h"

#define STORE_BUSY_MS 5000

struct store_queue {
    struct store_write *first;
    struct store_write **last;
    size_t n;
};

/* A run as memory has it. */
struct store_entry {
    struct store_entry *next; /* of the same bucket */
    uint64_t revision;
    char name[];
};

/* Every run's last revision. */
struct store_index {
    struct store_entry **buckets;
    size_t n_buckets; /* a power of two */
    size_t n;
};

enum store_statement {
    SQL_RUN_FIND,
    SQL_RUN_ADD,
    SQL_RUN_TOUCH,
    SQL_RUN_INFO,
    SQL_RUN_DELETE,
    SQL_RUN_COUNT,
    SQL_CASE_FIND,
    SQL_CASE_PUT,
    SQL_CASE_DELETE,
    SQL_OVERLAY_PUT,
    SQL_OVERLAY_DELETE,
    SQL_SEQUENCE,
    SQL_SEQUENCE_SET,
    SQL_GONE_ADD,
    SQL_GONE_FIND,
    SQL_GONE_PURGE,
    SQL_GONE_PURGE_OVERLAYS,
    SQL_GONE_DONE,
    SQL_OLD,
    SQL_N_WRITER
};

/* The thread that writes; nobody else touches it. */
struct store_writer {
    sqlite3 *db; /* NULL: closed after a failure */
    sqlite3_stmt *statements[SQL_N_WRITER];
    uint64_t revision;
    uint64_t n_cases; /* of all runs */
    uint64_t retry_ns;
    uint64_t upkeep_ns;
    int wal_pages;
};

struct store {
    struct store_options options;
    char *path;
    int lock_fd;
    uv_thread_t thread;
    bool has_thread;
    struct store_writer writer;
    atomic_bool is_failing; /* the writer's, for whoever looks */
    uv_mutex_t mutex;       /* guards the queues, stopping and the readers at rest */
    uv_cond_t wake;
    struct store_queue queue;
    struct store_queue finished;
    bool stopping;
    struct store_reader *resting;
    uv_mutex_t index_mutex; /* guards the two below; never held while the disk is used */
    struct store_index index;
    uint64_t revision;
};

/* store_schema.c: a connection as the store wants it, migrated where it may write. */
bool store_connect(const char *path, bool writes, sqlite3 **ret_db, char *reterr);

/* store_schema.c: whether a path is on a file system that the write-ahead log works on. */
bool store_is_local(const char *path, char *reterr);

/* store_index.c: false where memory is out. set: revision 0 takes the run out. */
bool store_index_set(struct store *store, const char *run, uint64_t revision);
void store_index_clear(struct store *store);

/* store_writer.c: open the connection that writes and fill the index. */
bool store_writer_open(struct store *store, char *reterr);
void store_writer_close(struct store *store);

/* store_writer.c: whether there is a connection, opened anew where that is due. */
bool store_writer_is_open(struct store *store);

/* store_write.c: make the changes in one transaction and fill in their answers. */
void store_writer_commit(struct store *store, struct store_write *first);

/* store_upkeep.c: after commits, and every second: checkpoints, retention, what is left of runs. */
void store_upkeep(struct store *store);

/*
 * store_write.c: forget one case in the transaction that is open, and with its last case the run;
 * then the revision is 0.
 */
bool store_drop_case(struct store *store, const char *run, const char *name,
                     uint64_t *ret_revision);

/* store_write.c: after a commit, what a run's last revision is; 0 where it is gone. */
void store_publish(struct store *store, const char *run, uint64_t revision);

/* store_writer.c: close the connection; it is opened anew a little later. */
void store_writer_fail(struct store *store);

/* store_write.c: run a statement that yields nothing. Resets it. */
bool store_step(sqlite3_stmt *statement);

/* store_read.c */
void store_readers_close(struct store *store);

#endif
