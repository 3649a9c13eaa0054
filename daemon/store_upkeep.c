/* store_upkeep.c - what the store's thread does between commits. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/store_impl.h"

/* The log is copied into the database from so many pages on, and cut off where it grew beyond. */
#define CHECKPOINT_PAGES 1000
#define TRUNCATE_PAGES   16384

/* So many rows go at a time: whoever keeps a case meanwhile waits some milliseconds. */
#define SLICE_ROWS 100

#define SLICE_PAUSE_NS (UINT64_C(20) * 1000 * 1000)

#define UPKEEP_NS (UINT64_C(1000) * 1000 * 1000)

/* Readers at work keep a log from being cut off; then it is tried again after the next commit. */
static void checkpoint(struct store_writer *writer)
{
    int n_log = 0;
    int n_done = 0;
    int mode =
        writer->wal_pages > TRUNCATE_PAGES ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;

    if (writer->wal_pages < CHECKPOINT_PAGES)
        return;
    sqlite3_busy_timeout(writer->db, 100);
    if (sqlite3_wal_checkpoint_v2(writer->db, NULL, mode, &n_log, &n_done) == SQLITE_OK)
        writer->wal_pages = n_log == n_done ? 0 : writer->wal_pages;
    sqlite3_busy_timeout(writer->db, STORE_BUSY_MS);
}

/* Some rows of a run that is gone. */
static bool purge_rows(struct store_writer *writer, enum store_statement which, int64_t run,
                       bool *ret_more)
{
    sqlite3_stmt *statement = writer->statements[which];
    bool ok;

    sqlite3_bind_int64(statement, 1, run);
    sqlite3_bind_int64(statement, 2, SLICE_ROWS);
    ok = store_step(statement);
    *ret_more = ok && sqlite3_changes(writer->db) > 0;
    return ok;
}

/* Some cases of a run that is gone. Returns whether there may be more. */
static bool purge(struct store_writer *writer)
{
    bool more;
    sqlite3_stmt *statement = writer->statements[SQL_GONE_FIND];
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    int64_t run = found ? sqlite3_column_int64(statement, 0) : 0;

    sqlite3_reset(statement);
    if (!found)
        return false;
    if (!purge_rows(writer, SQL_GONE_PURGE_OVERLAYS, run, &more) ||
        (!more && !purge_rows(writer, SQL_GONE_PURGE, run, &more)))
        return false;
    if (more)
        return true;
    sqlite3_bind_int64(writer->statements[SQL_GONE_DONE], 1, run);
    return store_step(writer->statements[SQL_GONE_DONE]);
}

/* The oldest cases that are to go, as pairs of names. */
struct victims {
    char run[SLICE_ROWS][STORE_NAME_BYTES];
    char name[SLICE_ROWS][STORE_NAME_BYTES];
    uint64_t revision[SLICE_ROWS];
    size_t n;
};

static void find_victims(sqlite3_stmt *statement, int64_t before_ms, int64_t most,
                         struct victims *ret)
{
    ret->n = 0;
    sqlite3_bind_int64(statement, 1, before_ms);
    sqlite3_bind_int64(statement, 2, most < SLICE_ROWS ? most : SLICE_ROWS);
    while (ret->n < SLICE_ROWS && sqlite3_step(statement) == SQLITE_ROW) {
        snprintf(ret->run[ret->n], STORE_NAME_BYTES, "%s", sqlite3_column_text(statement, 0));
        snprintf(ret->name[ret->n], STORE_NAME_BYTES, "%s", sqlite3_column_text(statement, 1));
        ret->n++;
    }
    sqlite3_reset(statement);
}

static bool drop_all(struct store *store, struct victims *victims)
{
    struct store_writer *writer = &store->writer;
    bool ok = sqlite3_exec(writer->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;

    for (size_t i = 0; i < victims->n && ok; i++)
        ok = store_drop_case(store, victims->run[i], victims->name[i], &victims->revision[i]);
    sqlite3_bind_int64(writer->statements[SQL_SEQUENCE_SET], 1, (int64_t)writer->revision);
    return ok && store_step(writer->statements[SQL_SEQUENCE_SET]) &&
           sqlite3_exec(writer->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

/* Cases that are too old, or the oldest where there are too many. Returns whether there may be
 * more. */
static bool retain(struct store *store)
{
    const struct store_options *options = &store->options;
    struct store_writer *writer = &store->writer;
    uint64_t limit = options->retention_cases;
    bool crowded = limit > 0 && writer->n_cases > limit;
    struct victims victims = {.n = 0};
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (options->retention_ms > 0)
        find_victims(writer->statements[SQL_OLD],
                     (int64_t)now.tv_sec * 1000 - (int64_t)options->retention_ms, SLICE_ROWS,
                     &victims);
    if (victims.n == 0 && crowded)
        find_victims(writer->statements[SQL_OLD], INT64_MAX, (int64_t)(writer->n_cases - limit),
                     &victims);
    if (victims.n == 0)
        return false;
    if (!drop_all(store, &victims)) {
        store_writer_fail(store);
        return false;
    }
    for (size_t i = 0; i < victims.n; i++)
        store_publish(store, victims.run[i], victims.revision[i]);
    store->options.finished(store->options.user);
    log_event(LOG_LEVEL_DEBUG, "store-retention", LOG_UINT("cases", victims.n));
    return true;
}

void store_upkeep(struct store *store)
{
    struct store_writer *writer = &store->writer;
    bool more;

    if (writer->db == NULL)
        return;
    checkpoint(writer);
    if (clock_ns() < writer->upkeep_ns)
        return;
    more = purge(writer);
    more = retain(store) || more;
    writer->upkeep_ns = clock_ns() + (more ? SLICE_PAUSE_NS : UPKEEP_NS);
}
