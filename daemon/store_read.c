/* store_read.c - reading: a connection of its own for everyone who reads at the same time. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/store_impl.h"

enum reader_statement {
    READ_BEGIN,
    READ_END,
    READ_RUN,
    READ_RUNS,
    READ_CASE,
    READ_CASES,
    READ_OVERLAY,
    READ_PICTURE,
    READ_N
};

#define RUN_COLUMNS  "id, name, created_ms, updated_ms, revision, n_cases, info"
#define CASE_COLUMNS "name, kept_ms, revision, patient, meta, counts"

static const char *const statements[READ_N] = {
    [READ_BEGIN] = "BEGIN",
    [READ_END] = "COMMIT",
    [READ_RUN] = "SELECT " RUN_COLUMNS " FROM run WHERE name = ?",
    [READ_RUNS] = "SELECT " RUN_COLUMNS " FROM run WHERE revision < ? ORDER BY revision DESC",
    [READ_CASE] = "SELECT " CASE_COLUMNS " FROM kept WHERE run = ? AND name = ?",
    [READ_CASES] = "SELECT " CASE_COLUMNS " FROM kept WHERE run = ? AND name > ? ORDER BY name",
    [READ_OVERLAY] = "SELECT text FROM overlay WHERE run = ? AND name = ?",
    [READ_PICTURE] = "SELECT picture FROM overlay WHERE run = ? AND name = ?",
};

struct store_reader {
    struct store_reader *next; /* at rest */
    struct store *store;
    sqlite3 *db;
    sqlite3_stmt *statements[READ_N];
    bool failed;
};

static void reader_free(struct store_reader *reader)
{
    for (int i = 0; i < READ_N; i++)
        sqlite3_finalize(reader->statements[i]);
    sqlite3_close(reader->db);
    free(reader);
}

static struct store_reader *reader_new(struct store *store)
{
    char error[STORE_ERROR_BYTES];
    struct store_reader *reader = calloc(1, sizeof(*reader));
    bool ok = reader != NULL && store_connect(store->path, false, &reader->db, error);

    for (int i = 0; i < READ_N && ok; i++)
        ok = sqlite3_prepare_v3(reader->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                &reader->statements[i], NULL) == SQLITE_OK;
    if (ok) {
        reader->store = store;
        return reader;
    }
    if (reader != NULL) {
        log_event_limited(
            LOG_LEVEL_ERROR, "store-failed",
            LOG_TEXT("reason", reader->db != NULL ? sqlite3_errmsg(reader->db) : error));
        reader_free(reader);
    }
    return NULL;
}

static bool finish(struct store_reader *reader, sqlite3_stmt *statement, int code)
{
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE;

    if (!ok)
        log_event_limited(LOG_LEVEL_ERROR, "store-failed",
                          LOG_TEXT("reason", sqlite3_errmsg(reader->db)));
    sqlite3_reset(statement);
    reader->failed = reader->failed || !ok;
    return ok;
}

struct store_reader *store_reader_begin(struct store *store)
{
    struct store_reader *reader;
    sqlite3_stmt *begin;

    uv_mutex_lock(&store->mutex);
    reader = store->resting;
    if (reader != NULL)
        store->resting = reader->next;
    uv_mutex_unlock(&store->mutex);
    if (reader == NULL)
        reader = reader_new(store);
    if (reader == NULL)
        return NULL;
    begin = reader->statements[READ_BEGIN];
    if (finish(reader, begin, sqlite3_step(begin)))
        return reader;
    reader_free(reader);
    return NULL;
}

void store_reader_end(struct store_reader *reader)
{
    struct store *store;
    sqlite3_stmt *end;

    if (reader == NULL)
        return;
    store = reader->store;
    /* A statement that still has a row would keep the snapshot, for ever. */
    for (int i = READ_RUN; i < READ_N; i++)
        sqlite3_reset(reader->statements[i]);
    end = reader->statements[READ_END];
    finish(reader, end, sqlite3_step(end));
    if (reader->failed) {
        reader_free(reader);
        return;
    }
    uv_mutex_lock(&store->mutex);
    reader->next = store->resting;
    store->resting = reader;
    uv_mutex_unlock(&store->mutex);
}

void store_readers_close(struct store *store)
{
    while (store->resting != NULL) {
        struct store_reader *reader = store->resting;

        store->resting = reader->next;
        reader_free(reader);
    }
}

static uint64_t column_uint(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    return (const char *)sqlite3_column_text(statement, column);
}

static struct store_run run_of(sqlite3_stmt *statement)
{
    return (struct store_run){.id = sqlite3_column_int64(statement, 0),
                              .name = column_text(statement, 1),
                              .created_ms = column_uint(statement, 2),
                              .updated_ms = column_uint(statement, 3),
                              .revision = column_uint(statement, 4),
                              .n_cases = column_uint(statement, 5),
                              .info = column_text(statement, 6)};
}

static struct store_case case_of(sqlite3_stmt *statement)
{
    return (struct store_case){.name = column_text(statement, 0),
                               .kept_ms = column_uint(statement, 1),
                               .revision = column_uint(statement, 2),
                               .group = column_text(statement, 3),
                               .meta = column_text(statement, 4),
                               .counts = sqlite3_column_blob(statement, 5),
                               .n_counts = (size_t)sqlite3_column_bytes(statement, 5)};
}

/* The row stays until the statement is used again. */
static enum store_status one(struct store_reader *reader, sqlite3_stmt *statement,
                             enum store_status missing)
{
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW)
        return STORE_OK;
    return finish(reader, statement, code) ? missing : STORE_UNAVAILABLE;
}

enum store_status store_reader_run(struct store_reader *reader, const char *name,
                                   struct store_run *ret_run)
{
    sqlite3_stmt *statement = reader->statements[READ_RUN];
    enum store_status status;

    sqlite3_reset(statement);
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    status = one(reader, statement, STORE_NO_RUN);
    if (status == STORE_OK)
        *ret_run = run_of(statement);
    return status;
}

enum store_status store_reader_runs(struct store_reader *reader, uint64_t before,
                                    bool (*each)(void *user, const struct store_run *run),
                                    void *user)
{
    sqlite3_stmt *statement = reader->statements[READ_RUNS];
    int code;

    sqlite3_bind_int64(statement, 1, before > INT64_MAX ? INT64_MAX : (int64_t)before);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_run run = run_of(statement);

        if (run.name != NULL && !each(user, &run))
            break;
    }
    return finish(reader, statement, code) ? STORE_OK : STORE_UNAVAILABLE;
}

/* The row of a case in one of the tables. */
static enum store_status of_case(struct store_reader *reader, enum reader_statement which,
                                 int64_t run, const char *name, enum store_status missing)
{
    sqlite3_stmt *statement = reader->statements[which];

    sqlite3_reset(statement);
    sqlite3_bind_int64(statement, 1, run);
    sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    return one(reader, statement, missing);
}

enum store_status store_reader_case(struct store_reader *reader, int64_t run, const char *name,
                                    struct store_case *ret_case)
{
    enum store_status status = of_case(reader, READ_CASE, run, name, STORE_NO_CASE);

    if (status != STORE_OK)
        return status;
    *ret_case = case_of(reader->statements[READ_CASE]);
    status = of_case(reader, READ_OVERLAY, run, name, STORE_NO_OVERLAY);
    if (status == STORE_OK)
        ret_case->overlay = column_text(reader->statements[READ_OVERLAY], 0);
    return status == STORE_NO_OVERLAY ? STORE_OK : status;
}

enum store_status store_reader_picture(struct store_reader *reader, int64_t run, const char *name,
                                       struct store_picture *ret_picture)
{
    sqlite3_stmt *statement = reader->statements[READ_PICTURE];
    enum store_status status = of_case(reader, READ_PICTURE, run, name, STORE_NO_OVERLAY);

    if (status == STORE_OK)
        *ret_picture = (struct store_picture){.bytes = sqlite3_column_blob(statement, 0),
                                              .n = (size_t)sqlite3_column_bytes(statement, 0)};
    return status;
}

enum store_status store_reader_cases(struct store_reader *reader, int64_t run, const char *after,
                                     bool (*each)(void *user, const struct store_case *row),
                                     void *user)
{
    sqlite3_stmt *statement = reader->statements[READ_CASES];
    int code;

    sqlite3_bind_int64(statement, 1, run);
    sqlite3_bind_text(statement, 2, after, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_case row = case_of(statement);

        if (row.name != NULL && !each(user, &row))
            break;
    }
    return finish(reader, statement, code) ? STORE_OK : STORE_UNAVAILABLE;
}
