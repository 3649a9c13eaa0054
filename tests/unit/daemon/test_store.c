/* test_store.c - the write-ahead log stays bounded, whoever reads. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

#include "daemon/store.h"

#define READERS       2
#define READ_NS       (UINT64_C(20) * 1000 * 1000)
#define PICTURE_BYTES ((size_t)1 << 20)
#define N_PICTURES    150
#define MOST_BYTES    ((off_t)80 << 20) /* cut off at 64 MiB: what comes meanwhile is little */

static char folder[40];
static char path[64];
static uv_sem_t finished;
static atomic_bool stopping;
static atomic_uint_fast64_t seen[READERS]; /* revisions */
static atomic_uint n_read;

static void on_finished(void *user)
{
    (void)user;
    uv_sem_post(&finished);
}

static bool each(void *user, const struct store_case *row)
{
    unsigned *n = user;

    *n += row->n_counts > 0;
    return true;
}

struct place {
    struct store *store;
    unsigned number;
};

/* Each lets go of its snapshot once the other has a newer one, or has had time enough to read. */
static void read_on(void *argument)
{
    const struct place *place = argument;

    while (!atomic_load(&stopping)) {
        struct store_reader *reader = store_reader_begin(place->store);
        uint64_t until_ns = uv_hrtime() + READ_NS;
        struct store_run run;
        unsigned n = 0;

        if (reader == NULL || store_reader_run(reader, "r", &run) != STORE_OK ||
            store_reader_cases(reader, run.id, "", each, &n) != STORE_OK || n == 0)
            abort();
        atomic_store(&seen[place->number], run.revision);
        while (atomic_load(&seen[1 - place->number]) <= run.revision && uv_hrtime() < until_ns)
            sched_yield();
        store_reader_end(reader);
        atomic_fetch_add(&n_read, 1);
    }
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

static void the_log_is_cut_off_although_somebody_always_reads(void **state)
{
    const struct store_options options = {
        .path = path, .max_runs = 10, .max_cases = 1000, .finished = on_finished};
    char error[STORE_ERROR_BYTES];
    struct store *store = store_open(&options, error);
    uint8_t *picture = calloc(1, PICTURE_BYTES);
    uv_thread_t threads[READERS];
    struct place places[READERS] = {{store, 0}, {store, 1}};
    off_t most = 0;

    (void)state;
    assert_non_null(store);
    assert_non_null(picture);
    keep(store, 0, picture);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(uv_thread_create(&threads[i], read_on, &places[i]), 0);
    for (unsigned i = 1; i < N_PICTURES; i++) {
        keep(store, i, picture);
        most = log_bytes() > most ? log_bytes() : most;
    }
    atomic_store(&stopping, true);
    for (int i = 0; i < READERS; i++)
        uv_thread_join(&threads[i]);
    store_close(store);
    free(picture);
    print_message("# %lld MiB at most, of %zu written; %u snapshots read\n",
                  (long long)(most >> 20), (size_t)N_PICTURES * PICTURE_BYTES >> 20,
                  atomic_load(&n_read));
    assert_true(most > 0 && most <= MOST_BYTES);
    assert_true(atomic_load(&n_read) > N_PICTURES / 2);
}

/* What is written here need not outlive the machine: in memory, where there is enough. */
static int make_folder(void **state)
{
    struct statvfs shared;
    bool fits = statvfs("/dev/shm", &shared) == 0 &&
                shared.f_bavail * shared.f_frsize > (size_t)4 * MOST_BYTES;

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
        cmocka_unit_test(the_log_is_cut_off_although_somebody_always_reads),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
