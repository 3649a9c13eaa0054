/* store_write.c - changes: each group of them is one transaction. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/store_impl.h"
#include "proto/kept.h"

bool store_step(sqlite3_stmt *statement)
{
    bool ok = sqlite3_step(statement) == SQLITE_DONE;

    sqlite3_reset(statement);
    return ok;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    if (text == NULL)
        sqlite3_bind_null(statement, at);
    else
        sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

/* ---- one change ------------------------------------------------------------------------------ */

/* The run and the case of a change, as they are before it. */
struct before {
    bool has_run;
    int64_t id;
    uint64_t revision;
    uint64_t n_cases;
    bool has_case;
    bool is_alike; /* to what is to be kept now */
};

static bool find_run(struct store_writer *writer, const char *name, struct before *ret)
{
    sqlite3_stmt *statement = writer->statements[SQL_RUN_FIND];
    int code;

    bind_text(statement, 1, name);
    code = sqlite3_step(statement);
    ret->has_run = code == SQLITE_ROW;
    if (ret->has_run) {
        ret->id = sqlite3_column_int64(statement, 0);
        ret->revision = (uint64_t)sqlite3_column_int64(statement, 1);
        ret->n_cases = (uint64_t)sqlite3_column_int64(statement, 2);
    }
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

static bool find_case(struct store_writer *writer, const struct store_write *write,
                      struct before *ret)
{
    sqlite3_stmt *statement = writer->statements[SQL_CASE_FIND];
    int code;

    sqlite3_bind_int64(statement, 1, ret->id);
    bind_text(statement, 2, write->name);
    code = sqlite3_step(statement);
    ret->has_case = code == SQLITE_ROW;
    if (ret->has_case && write->counts != NULL)
        ret->is_alike = kept_is_alike(sqlite3_column_blob(statement, 0),
                                      (size_t)sqlite3_column_bytes(statement, 0), write->counts,
                                      write->n_counts);
    sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE;
}

static bool find_before(struct store_writer *writer, const struct store_write *write,
                        struct before *ret)
{
    *ret = (struct before){.has_run = false};
    if (!find_run(writer, write->run, ret))
        return false;
    return !ret->has_run || write->name == NULL || find_case(writer, write, ret);
}

/* Where the change was made already, or cannot be, the status says so. */
static enum store_status judge(struct store *store, const struct store_write *write,
                               const struct before *before)
{
    const struct store_condition *condition = &write->condition;
    bool exists = write->name != NULL ? before->has_case : before->has_run;
    bool adds = write->change == STORE_KEEP || write->change == STORE_DESCRIBE;

    if ((condition->exists && !exists) || (condition->is_new && exists) ||
        (condition->has_revision && (!exists || condition->revision != before->revision)))
        return STORE_CONFLICT;
    if (!adds && !before->has_run)
        return STORE_NO_RUN;
    if (!adds && !exists)
        return STORE_NO_CASE;
    if (!before->has_run && store->index.n >= store->options.max_runs)
        return STORE_TOO_MANY;
    if (write->change == STORE_KEEP && !exists && before->n_cases >= store->options.max_cases)
        return STORE_TOO_MANY;
    return STORE_OK;
}

static bool add_run(struct store_writer *writer, const char *name, struct before *before)
{
    sqlite3_stmt *statement = writer->statements[SQL_RUN_ADD];

    bind_text(statement, 1, name);
    sqlite3_bind_int64(statement, 2, (int64_t)now_ms());
    sqlite3_bind_int64(statement, 3, (int64_t)writer->revision);
    if (!store_step(statement))
        return false;
    before->has_run = true;
    before->id = sqlite3_last_insert_rowid(writer->db);
    return true;
}

static bool touch_run(struct store_writer *writer, const struct before *run, uint64_t n_cases)
{
    sqlite3_stmt *statement = writer->statements[SQL_RUN_TOUCH];

    sqlite3_bind_int64(statement, 1, run->id);
    sqlite3_bind_int64(statement, 2, (int64_t)writer->revision);
    sqlite3_bind_int64(statement, 3, (int64_t)n_cases);
    sqlite3_bind_int64(statement, 4, (int64_t)now_ms());
    writer->n_cases += n_cases - run->n_cases;
    return store_step(statement);
}

static bool drop_overlay(struct store_writer *writer, int64_t run, const char *name)
{
    sqlite3_stmt *statement = writer->statements[SQL_OVERLAY_DELETE];

    sqlite3_bind_int64(statement, 1, run);
    bind_text(statement, 2, name);
    return store_step(statement);
}

/* Where there is none now, there is none any more. */
static bool keep_overlay(struct store_writer *writer, const struct store_write *write,
                         const struct before *before)
{
    sqlite3_stmt *statement = writer->statements[SQL_OVERLAY_PUT];

    if (write->overlay == NULL)
        return !before->has_case || drop_overlay(writer, before->id, write->name);
    sqlite3_bind_int64(statement, 1, before->id);
    bind_text(statement, 2, write->name);
    bind_text(statement, 3, write->overlay);
    sqlite3_bind_blob64(statement, 4, write->picture, write->n_picture, SQLITE_STATIC);
    return store_step(statement);
}

static bool keep(struct store_writer *writer, struct store_write *write,
                 const struct before *before)
{
    sqlite3_stmt *statement = writer->statements[SQL_CASE_PUT];

    sqlite3_bind_int64(statement, 1, before->id);
    bind_text(statement, 2, write->name);
    sqlite3_bind_int64(statement, 3, (int64_t)now_ms());
    sqlite3_bind_int64(statement, 4, (int64_t)writer->revision);
    bind_text(statement, 5, write->group);
    bind_text(statement, 6, write->text);
    sqlite3_bind_blob64(statement, 7, write->counts, write->n_counts, SQLITE_STATIC);
    write->created = !before->has_case;
    write->relabelled = before->has_case && !before->is_alike;
    return store_step(statement) && keep_overlay(writer, write, before) &&
           touch_run(writer, before, before->n_cases + !before->has_case);
}

static bool describe(struct store_writer *writer, const struct store_write *write,
                     const struct before *before)
{
    sqlite3_stmt *statement = writer->statements[SQL_RUN_INFO];

    sqlite3_bind_int64(statement, 1, before->id);
    bind_text(statement, 2, write->text);
    return store_step(statement) && touch_run(writer, before, before->n_cases);
}

static bool forget_case(struct store_writer *writer, const char *name, const struct before *before)
{
    sqlite3_stmt *statement = writer->statements[SQL_CASE_DELETE];

    sqlite3_bind_int64(statement, 1, before->id);
    bind_text(statement, 2, name);
    return store_step(statement) && drop_overlay(writer, before->id, name) &&
           touch_run(writer, before, before->n_cases - 1);
}

/* Its cases go later, some at a time, so that nobody waits for a million of them. */
static bool forget_run(struct store_writer *writer, const struct before *before)
{
    sqlite3_bind_int64(writer->statements[SQL_RUN_DELETE], 1, before->id);
    sqlite3_bind_int64(writer->statements[SQL_GONE_ADD], 1, before->id);
    writer->n_cases -= before->n_cases;
    return store_step(writer->statements[SQL_RUN_DELETE]) &&
           store_step(writer->statements[SQL_GONE_ADD]);
}

static bool change(struct store_writer *writer, struct store_write *write, struct before *before)
{
    switch (write->change) {
    case STORE_KEEP:
        return keep(writer, write, before);
    case STORE_DESCRIBE:
        return describe(writer, write, before);
    case STORE_FORGET_CASE:
        return forget_case(writer, write->name, before);
    case STORE_FORGET_RUN:
        return forget_run(writer, before);
    }
    return false;
}

/* false: the transaction is lost. */
static bool apply(struct store *store, struct store_write *write)
{
    struct store_writer *writer = &store->writer;
    struct before before;

    if (!find_before(writer, write, &before))
        return false;
    write->status = judge(store, write, &before);
    write->revision = before.revision;
    if (write->status != STORE_OK)
        return true;
    write->revision = ++writer->revision;
    write->created = !before.has_run;
    if (!before.has_run && !add_run(writer, write->run, &before))
        return false;
    return change(writer, write, &before);
}

bool store_drop_case(struct store *store, const char *run, const char *name, uint64_t *ret_revision)
{
    struct store_writer *writer = &store->writer;
    struct before before = {.has_run = false};

    if (!find_run(writer, run, &before) || !before.has_run)
        return false;
    writer->revision++;
    *ret_revision = before.n_cases > 1 ? writer->revision : 0;
    return before.n_cases > 1 ? forget_case(writer, name, &before) : forget_run(writer, &before);
}

/* ---- a group --------------------------------------------------------------------------------- */

static bool set_sequence(struct store_writer *writer)
{
    sqlite3_stmt *statement = writer->statements[SQL_SEQUENCE_SET];

    sqlite3_bind_int64(statement, 1, (int64_t)writer->revision);
    return store_step(statement);
}

static bool execute(struct store_writer *writer, const char *sql)
{
    return sqlite3_exec(writer->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool commit(struct store *store, struct store_write *first)
{
    struct store_writer *writer = &store->writer;
    bool ok = execute(writer, "BEGIN IMMEDIATE");

    for (struct store_write *at = first; at != NULL && ok; at = at->next)
        ok = apply(store, at);
    return ok && set_sequence(writer) && execute(writer, "COMMIT");
}

void store_publish(struct store *store, const char *run, uint64_t revision)
{
    if (!store_index_set(store, run, revision))
        log_event_limited(LOG_LEVEL_ERROR, "store-failed", LOG_TEXT("reason", "out of memory"));
    uv_mutex_lock(&store->index_mutex);
    store->revision = store->writer.revision;
    uv_mutex_unlock(&store->index_mutex);
}

/* Only now does anybody hear of it. */
static void publish_all(struct store *store, const struct store_write *first)
{
    for (const struct store_write *at = first; at != NULL; at = at->next) {
        if (at->status == STORE_OK)
            store_publish(store, at->run, at->change == STORE_FORGET_RUN ? 0 : at->revision);
    }
}

static void fail_all(struct store *store, struct store_write *first)
{
    for (struct store_write *at = first; at != NULL; at = at->next)
        at->status = STORE_UNAVAILABLE;
    if (store->writer.db != NULL)
        store_writer_fail(store);
}

void store_writer_commit(struct store *store, struct store_write *first)
{
    if (store_writer_is_open(store) && commit(store, first))
        publish_all(store, first);
    else
        fail_all(store, first);
}
