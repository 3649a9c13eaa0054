/* store.h - runs and their cases, kept: the only door to what is on the disk. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_STORE_H
#define DAEMON_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Changes go through one thread, which commits what has gathered while it committed before, and
 * says so afterwards: what is finished with STORE_OK is on the disk. Readers see whole commits and
 * wait for nobody. Names are checked by the caller.
 *
 * Revisions are numbers that grow with every change of any run and are never given twice. The
 * last of each run is in memory.
 */
struct store;

#define STORE_NAME_BYTES  129 /* with its NUL */
#define STORE_ERROR_BYTES 512

enum store_status {
    STORE_OK,
    STORE_NO_RUN,
    STORE_NO_CASE,
    STORE_NO_OVERLAY,
    STORE_CONFLICT,    /* the condition does not hold */
    STORE_TOO_MANY,    /* runs, or cases of the run */
    STORE_UNAVAILABLE, /* the disk is full or broken; it is tried again */
    STORE_NO_MEMORY
};

struct store_options {
    const char *path;
    uint64_t max_runs;
    uint64_t max_cases;           /* of one run */
    uint64_t retention_ms;        /* 0 for no end */
    uint64_t retention_cases;     /* of all runs together; 0 for no end */
    bool single;                  /* one change per commit: for measuring what groups gain */
    void (*finished)(void *user); /* on the store's thread: there are finished changes */
    void *user;
};

/* NULL, with why in reterr [STORE_ERROR_BYTES]. */
struct store *store_open(const struct store_options *options, char *reterr);

/* Commits what is queued. NULL is fine. */
void store_close(struct store *store);

/* ---- changes --------------------------------------------------------------------------------- */

enum store_change { STORE_KEEP, STORE_FORGET_CASE, STORE_DESCRIBE, STORE_FORGET_RUN };

/* What must hold when the change is made. */
struct store_condition {
    bool exists;       /* what is changed is there */
    bool is_new;       /* it is not */
    bool has_revision; /* the run's last revision is this one */
    uint64_t revision;
};

/* Texts and bytes are borrowed until it is finished. */
struct store_write {
    struct store_write *next;
    enum store_change change;
    const char *run;
    const char *name;  /* of a case */
    const char *group; /* of a case; NULL for none */
    const char *text;  /* JSON: what is said of a case or a run; NULL for none */
    const uint8_t *counts;
    size_t n_counts;
    const char *overlay; /* JSON: what the picture of a case shows; NULL for no picture */
    const uint8_t *picture;
    size_t n_picture;
    struct store_condition condition;
    enum store_status status; /* these are the answer */
    uint64_t revision;
    bool created;
    bool relabelled; /* the case was there, with other classes or regions */
};

/* Whether it was closed after a failure and is not open again. Any thread. */
bool store_is_failing(const struct store *store);

/* false: too many wait already. */
bool store_push(struct store *store, struct store_write *write);

/* Linked by next, in order; NULL for none. */
struct store_write *store_take_finished(struct store *store);

/* ---- what is in memory: any thread, and no waiting for the disk -------------------------------
 */

/* The last revision of a run; false where there is none. */
bool store_peek(struct store *store, const char *run, uint64_t *ret_revision);

/* The last revision of all. */
uint64_t store_revision(struct store *store);

/* ---- reading: any thread, one snapshot from _begin to _end ------------------------------------
 */

struct store_reader;

struct store_run {
    int64_t id;
    const char *name; /* texts are the reader's, until its next call */
    uint64_t created_ms;
    uint64_t updated_ms;
    uint64_t revision;
    uint64_t n_cases;
    const char *info; /* JSON; NULL for none */
};

struct store_case {
    const char *name;
    uint64_t kept_ms;
    uint64_t revision;
    const char *group; /* NULL for none */
    const char *meta;  /* JSON; NULL for none */
    const uint8_t *counts;
    size_t n_counts;
    const char *overlay; /* JSON; NULL for none, and for cases read in a row */
};

struct store_picture {
    const uint8_t *bytes;
    size_t n;
};

/* NULL: the store is unavailable. */
struct store_reader *store_reader_begin(struct store *store);
void store_reader_end(struct store_reader *reader);

enum store_status store_reader_run(struct store_reader *reader, const char *name,
                                   struct store_run *ret_run);

/* The runs changed before a revision, last change first, until each returns false. */
enum store_status store_reader_runs(struct store_reader *reader, uint64_t before,
                                    bool (*each)(void *user, const struct store_run *run),
                                    void *user);

enum store_status store_reader_case(struct store_reader *reader, int64_t run, const char *name,
                                    struct store_case *ret_case);

/* The picture of a case's overlay. */
enum store_status store_reader_picture(struct store_reader *reader, int64_t run, const char *name,
                                       struct store_picture *ret_picture);

/* The cases of a run after a name ("" for all), by name, until each returns false. */
enum store_status store_reader_cases(struct store_reader *reader, int64_t run, const char *after,
                                     bool (*each)(void *user, const struct store_case *row),
                                     void *user);

/* ---- a copy ---------------------------------------------------------------------------------- */

/* Copy a store, in use or not, to a file that is not there yet. */
bool store_backup(const char *path, const char *to, char *reterr);

#endif
