/* store_writer.c - the connection that writes: opened, opened anew, closed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/store_impl.h"

/* After a failure the store is opened anew, but not more often than this. */
#define RETRY_NS (UINT64_C(1000) * 1000 * 1000)

static const char *const statements[SQL_N_WRITER] = {
    [SQL_RUN_FIND] = "SELECT id, revision, n_cases FROM run WHERE name = ?",
    [SQL_RUN_ADD] = "INSERT INTO run(name, created_ms, updated_ms, revision, n_cases)"
                    " VALUES(?, ?2, ?2, ?3, 0)",
    [SQL_RUN_TOUCH] = "UPDATE run SET revision = ?2, n_cases = ?3, updated_ms = ?4 WHERE id = ?1",
    [SQL_RUN_INFO] = "UPDATE run SET info = ?2 WHERE id = ?1",
    [SQL_RUN_DELETE] = "DELETE FROM run WHERE id = ?",
    [SQL_RUN_COUNT] = "SELECT count(*), coalesce(sum(n_cases), 0) FROM run",
    [SQL_CASE_FIND] = "SELECT counts FROM kept WHERE run = ? AND name = ?",
    [SQL_CASE_PUT] = "INSERT OR REPLACE INTO kept(run, name, kept_ms, revision, patient, meta,"
                     " counts) VALUES(?, ?, ?, ?, ?, ?, ?)",
    [SQL_CASE_DELETE] = "DELETE FROM kept WHERE run = ? AND name = ?",
    [SQL_OVERLAY_PUT] = "INSERT OR REPLACE INTO overlay(run, name, text, picture)"
                        " VALUES(?, ?, ?, ?)",
    [SQL_OVERLAY_DELETE] = "DELETE FROM overlay WHERE run = ? AND name = ?",
    [SQL_SEQUENCE] = "SELECT last FROM sequence",
    [SQL_SEQUENCE_SET] = "UPDATE sequence SET last = ?",
    [SQL_GONE_ADD] = "INSERT INTO gone VALUES(?)",
    [SQL_GONE_FIND] = "SELECT run FROM gone LIMIT 1",
    [SQL_GONE_PURGE] = "DELETE FROM kept WHERE run = ?1 AND name IN"
                       " (SELECT name FROM kept WHERE run = ?1 LIMIT ?2)",
    [SQL_GONE_PURGE_OVERLAYS] = "DELETE FROM overlay WHERE rowid IN"
                                " (SELECT rowid FROM overlay WHERE run = ?1 LIMIT ?2)",
    [SQL_GONE_DONE] = "DELETE FROM gone WHERE run = ?",
    [SQL_OLD] = "SELECT run.name, kept.name FROM kept JOIN run ON run.id = kept.run"
                " WHERE kept.kept_ms < ? ORDER BY kept.kept_ms LIMIT ?",
};

static int on_wal(void *user, sqlite3 *db, const char *name, int n_pages)
{
    struct store_writer *writer = user;

    (void)db;
    (void)name;
    writer->wal_pages = n_pages;
    return SQLITE_OK;
}

static bool prepare(struct store_writer *writer)
{
    for (int i = 0; i < SQL_N_WRITER; i++) {
        if (sqlite3_prepare_v3(writer->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &writer->statements[i], NULL) != SQLITE_OK)
            return false;
    }
    return true;
}

static bool read_number(sqlite3_stmt *statement, int column, uint64_t *ret_number)
{
    bool ok = sqlite3_step(statement) == SQLITE_ROW;

    if (ok)
        *ret_number = (uint64_t)sqlite3_column_int64(statement, column);
    sqlite3_reset(statement);
    return ok;
}

static bool fill_index(struct store *store)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(store->writer.db, "SELECT name, revision FROM run", -1,
                                  &statement, NULL);

    store_index_clear(store);
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);

        code = name != NULL &&
                       store_index_set(store, name, (uint64_t)sqlite3_column_int64(statement, 1))
                   ? SQLITE_OK
                   : SQLITE_NOMEM;
    }
    sqlite3_finalize(statement);
    uv_mutex_lock(&store->index_mutex);
    store->revision = store->writer.revision;
    uv_mutex_unlock(&store->index_mutex);
    return code == SQLITE_DONE;
}

bool store_writer_open(struct store *store, char *reterr)
{
    struct store_writer *writer = &store->writer;

    if (!store_connect(store->path, true, &writer->db, reterr))
        return false;
    sqlite3_wal_hook(writer->db, on_wal, writer);
    if (prepare(writer) && read_number(writer->statements[SQL_SEQUENCE], 0, &writer->revision) &&
        read_number(writer->statements[SQL_RUN_COUNT], 1, &writer->n_cases) && fill_index(store))
        return true;
    snprintf(reterr, STORE_ERROR_BYTES, "%s: %s", store->path, sqlite3_errmsg(writer->db));
    store_writer_close(store);
    return false;
}

void store_writer_close(struct store *store)
{
    struct store_writer *writer = &store->writer;

    for (int i = 0; i < SQL_N_WRITER; i++)
        sqlite3_finalize(writer->statements[i]);
    memset(writer->statements, 0, sizeof(writer->statements));
    sqlite3_close(writer->db);
    writer->db = NULL;
}

/* What the failed transaction left is the log's to sort out, by whoever opens it next. */
void store_writer_fail(struct store *store)
{
    log_event_limited(LOG_LEVEL_ERROR, "store-failed",
                      LOG_TEXT("reason", sqlite3_errmsg(store->writer.db)));
    store_writer_close(store);
    atomic_store(&store->is_failing, true);
    store->writer.retry_ns = clock_ns() + RETRY_NS;
}

bool store_is_failing(const struct store *store)
{
    return atomic_load(&store->is_failing);
}

bool store_writer_is_open(struct store *store)
{
    char error[STORE_ERROR_BYTES];

    if (store->writer.db != NULL)
        return true;
    if (clock_ns() < store->writer.retry_ns)
        return false;
    if (store_writer_open(store, error)) {
        atomic_store(&store->is_failing, false);
        log_event(LOG_LEVEL_INFO, "store-opened", LOG_TEXT("path", store->path));
        return true;
    }
    log_event_limited(LOG_LEVEL_ERROR, "store-failed", LOG_TEXT("reason", error));
    store->writer.retry_ns = clock_ns() + RETRY_NS;
    return false;
}
