/* store_schema.c - a connection to the store: where it may lie, how it is set, which tables. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "daemon/store_impl.h"

/* "ovlp": tells a store from other databases. */
#define APPLICATION_ID 0x6f766c70

/* What a store of version i lacks to be of version i + 1. */
static const char *const migrations[] = {
    "CREATE TABLE run("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " revision INTEGER NOT NULL,"
    " n_cases INTEGER NOT NULL,"
    " info TEXT) STRICT;"
    "CREATE TABLE kept("
    " run INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " kept_ms INTEGER NOT NULL,"
    " revision INTEGER NOT NULL,"
    " patient TEXT,"
    " meta TEXT,"
    " counts BLOB NOT NULL,"
    " PRIMARY KEY(run, name)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX kept_age ON kept(kept_ms);"
    /* Runs whose cases are still to be deleted, some at a time. */
    "CREATE TABLE gone(run INTEGER PRIMARY KEY) STRICT;"
    "CREATE TABLE sequence(last INTEGER NOT NULL) STRICT;"
    "INSERT INTO sequence VALUES(0);",
    /* What is said of it comes first, to be read without the pages of the picture. */
    "CREATE TABLE overlay("
    " run INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " text TEXT NOT NULL,"
    " picture BLOB NOT NULL,"
    " UNIQUE(run, name)) STRICT;",
};

#define VERSION ((int)(sizeof(migrations) / sizeof(migrations[0])))

static bool fail(char *reterr, const char *path, const char *why)
{
    snprintf(reterr, STORE_ERROR_BYTES, "%.200s: %.250s", path, why);
    return false;
}

/* Those known to keep what a write-ahead log needs: shared memory, locks, and fsync that means it.
 */
static bool is_known_local(long type)
{
    static const unsigned long known[] = {
        0xEF53,     /* ext2, ext3, ext4 */
        0x58465342, /* XFS */
        0x9123683E, /* Btrfs */
        0x01021994, /* tmpfs */
        0x2FC12FC1, /* ZFS */
        0x794C7630, /* overlayfs */
        0xF2F52010, /* F2FS */
        0xCA451A4E, /* bcachefs */
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if ((unsigned long)type == known[i])
            return true;
    }
    return false;
}

static void folder_of(const char *path, char *folder, size_t cap)
{
    char *slash;

    snprintf(folder, cap, "%s", path);
    slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, cap, ".");
    else
        slash[slash == folder] = '\0';
}

bool store_is_local(const char *path, char *reterr)
{
    char folder[256];
    struct statfs system;

    folder_of(path, folder, sizeof(folder));
    if (statfs(folder, &system) != 0)
        return fail(reterr, folder, "the folder of store.path is not there");
    if (is_known_local((long)system.f_type))
        return true;
    snprintf(
        reterr, STORE_ERROR_BYTES,
        "%.200s: a file system of type 0x%lx is not one that a write-ahead log is known to be safe "
        "on (network file systems are not); put store.path on a local disk",
        folder, (unsigned long)system.f_type);
    return false;
}

/* The first column of a statement's first row; INT64_MIN where there is none. */
static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = INT64_MIN;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return value;
}

static bool run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool migrate_from(sqlite3 *db, int version)
{
    char text[64];
    bool ok = run(db, "BEGIN IMMEDIATE");

    for (int i = version; i < VERSION && ok; i++)
        ok = run(db, migrations[i]);
    snprintf(text, sizeof(text), "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
             VERSION);
    return ok && run(db, text) && run(db, "COMMIT");
}

static bool check_version(sqlite3 *db, const char *path, bool writes, char *reterr)
{
    int64_t version = number(db, "PRAGMA user_version");
    int64_t id = number(db, "PRAGMA application_id");
    bool is_new = id == 0 && version == 0 && number(db, "SELECT count(*) FROM sqlite_schema") == 0;

    if (version == INT64_MIN || id == INT64_MIN) /* it cannot be read: it may be anything */
        return fail(reterr, path, sqlite3_errmsg(db));
    if (!is_new && id != APPLICATION_ID)
        return fail(reterr, path, "this is not a store of overlapd");
    if (version < 0 || version > VERSION)
        return fail(reterr, path, "this store was made by a newer overlapd");
    if (version == VERSION)
        return true;
    if (!writes)
        return fail(reterr, path, "this store is to be opened by overlapd once, which migrates it");
    return migrate_from(db, (int)version) || fail(reterr, path, sqlite3_errmsg(db));
}

/* Only the writer checkpoints: two that did at once would meet a bug of SQLite before 3.51.3. */
static bool set_up(sqlite3 *db, const char *path, bool writes, char *reterr)
{
    sqlite3_busy_timeout(db, STORE_BUSY_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !writes, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (!run(db, "PRAGMA wal_autocheckpoint=0; PRAGMA mmap_size=0; PRAGMA cell_size_check=1"))
        return fail(reterr, path, sqlite3_errmsg(db));
    if (!writes)
        return true;
    if (!run(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"))
        return fail(reterr, path, sqlite3_errmsg(db));
    return number(db, "PRAGMA synchronous") == 2 ||
           fail(reterr, path, "SQLite does not synchronise fully");
}

bool store_connect(const char *path, bool writes, sqlite3 **ret_db, char *reterr)
{
    int flags = SQLITE_OPEN_NOMUTEX |
                (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        fail(reterr, path, db != NULL ? sqlite3_errmsg(db) : "out of memory");
        sqlite3_close(db);
        return false;
    }
    if (set_up(db, path, writes, reterr) && check_version(db, path, writes, reterr)) {
        *ret_db = db;
        return true;
    }
    sqlite3_close(db);
    return false;
}
