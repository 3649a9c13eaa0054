/* test_store.c - what the store does that no client sees. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/store.h"

#define PICTURE_BYTES ((size_t)1 << 20)
#define CUT_BYTES     ((off_t)66 << 20) /* it is from 64 MiB on */

static char folder[40];
static char path[64];
static uv_sem_t finished;

static void on_finished(void *user)
{
    (void)user;
    uv_sem_post(&finished);
}

static void keep(struct store *store, unsigned number, const uint8_t *picture)
{
    char name[16];
    const uint8_t counts[] = {1, 0, 0};
    struct store_write write = {.change = STORE_KEEP,
                                .run = "r",
                                .name = name,
                                .counts = counts,
                                .n_counts = sizeof(counts),
                                .overlay = "{}",
                                .picture = picture,
                                .n_picture = PICTURE_BYTES};

    snprintf(name, sizeof(name), "c%u", number % 8);
    assert_true(store_push(store, &write));
    while (store_take_finished(store) == NULL)
        uv_sem_wait(&finished);
    assert_int_equal(write.status, STORE_OK);
}

static off_t log_bytes(void)
{
    char name[80];
    struct stat status;

    snprintf(name, sizeof(name), "%s-wal", path);
    return stat(name, &status) == 0 ? status.st_size : 0;
}

/* It cannot be shorter while somebody reads what it was: then a checkpoint copies only a part. */
static void a_log_that_a_reader_made_long_is_cut_off_once_that_has_read(void **state)
{
    const struct store_options options = {
        .path = path, .max_runs = 10, .max_cases = 1000, .finished = on_finished};
    char error[STORE_ERROR_BYTES];
    struct store *store = store_open(&options, error);
    uint8_t *picture = calloc(1, PICTURE_BYTES);
    struct store_reader *reader;
    struct store_run run;
    uint64_t revision;
    unsigned n = 0;

    (void)state;
    assert_non_null(store);
    assert_non_null(picture);
    keep(store, n++, picture);
    reader = store_reader_begin(store);
    assert_non_null(reader);
    assert_int_equal(store_reader_run(reader, "r", &run), STORE_OK);
    revision = run.revision;
    while (log_bytes() <= CUT_BYTES)
        keep(store, n++, picture);
    assert_int_equal(store_reader_run(reader, "r", &run), STORE_OK);
    assert_int_equal(run.revision, revision);
    store_reader_end(reader);
    keep(store, n++, picture); /* cuts it off afterwards */
    keep(store, n++, picture);
    assert_true(log_bytes() < (off_t)(4 * PICTURE_BYTES));
    store_close(store);
    free(picture);
}

/* What is written here need not outlive the machine: in memory, where there is enough. */
static int make_folder(void **state)
{
    struct statvfs shared;
    bool fits = statvfs("/dev/shm", &shared) == 0 &&
                shared.f_bavail * shared.f_frsize > (size_t)4 * CUT_BYTES;

    (void)state;
    snprintf(folder, sizeof(folder), "%s/overlapd-test-XXXXXX", fits ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL || uv_sem_init(&finished, 0) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/store", folder);
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-lock"};
    char name[80];

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        unlink(name);
    }
    uv_sem_destroy(&finished);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_a_reader_made_long_is_cut_off_once_that_has_read),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
