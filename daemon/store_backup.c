/* store_backup.c - a copy of a store, whoever is using it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/store_impl.h"

static bool fail(char *reterr, const char *path, const char *why)
{
    snprintf(reterr, STORE_ERROR_BYTES, "%.200s: %.250s", path, why);
    return false;
}

/* In one step: page by page it would begin anew with every commit of the daemon. */
static bool copy(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");

    if (backup == NULL)
        return false;
    sqlite3_backup_step(backup, -1);
    return sqlite3_backup_finish(backup) == SQLITE_OK;
}

static bool copy_to(sqlite3 *from, const char *to, char *reterr)
{
    sqlite3 *db = NULL;
    bool ok = sqlite3_open_v2(to, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK && copy(from, db);

    if (!ok)
        fail(reterr, to, db != NULL ? sqlite3_errmsg(db) : "out of memory");
    return sqlite3_close(db) == SQLITE_OK && ok;
}

bool store_backup(const char *path, const char *to, char *reterr)
{
    sqlite3 *from;
    bool ok;
    int fd;

    if (!store_connect(path, false, &from, reterr))
        return false;
    fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        sqlite3_close(from);
        return fail(reterr, to, strerror(errno));
    }
    close(fd);
    ok = copy_to(from, to, reterr);
    sqlite3_close(from);
    if (!ok)
        unlink(to);
    return ok;
}
