/* test_memfile.c - descriptors of shared memory: which are taken, which mapped, none leaked. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/memfile.h"

#define N_BYTES 8192

static const struct memfile_wish all = {.byte_size = UINT64_MAX, .map = true, .pointer = "#/a"};

static int make_memfd(int seals)
{
    char bytes[N_BYTES];
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    memset(bytes, 7, sizeof(bytes));
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    if (seals != 0)
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void expect_refused(int fd, const struct memfile_wish *wish, enum problem_code code)
{
    struct problem problem = {0};

    assert_true(fd >= 0);
    assert_null(memfile_new(fd, wish, &problem));
    assert_int_equal(problem.code, code);
    assert_false(is_open(fd));
}

static void the_descriptor_closes_with_the_last_reference(void **state)
{
    struct problem problem = {0};
    int fd = make_memfd(0);
    struct memfile *memfile = memfile_new(fd, &all, &problem);

    (void)state;
    assert_non_null(memfile);
    assert_ptr_equal(memfile_reference(memfile), memfile);
    memfile->segment.release(&memfile->segment);
    assert_true(is_open(fd));
    memfile_release(memfile);
    assert_false(is_open(fd));
    memfile_release(NULL);
}

static void only_what_cannot_shrink_nor_change_is_mapped(void **state)
{
    static const struct {
        int seals;
        bool mapped;
    } cases[] = {{0, false},
                 {F_SEAL_SHRINK, false},
                 {F_SEAL_WRITE, false},
                 {F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE, false},
                 {F_SEAL_SHRINK | F_SEAL_WRITE, true},
                 {F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL, true}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem problem = {0};
        struct memfile *memfile = memfile_new(make_memfd(cases[i].seals), &all, &problem);

        assert_non_null(memfile);
        assert_int_equal(memfile->segment.mapped != NULL, cases[i].mapped);
        assert_string_equal(memfile_mode(memfile), cases[i].mapped ? "mapped" : "pread");
        if (cases[i].mapped)
            assert_int_equal(memfile->segment.mapped[N_BYTES - 1], 7);
        memfile_release(memfile);
    }
}

static void holes_are_not_mapped(void **state)
{
    struct problem problem = {0};
    int fd = memfd_create("holes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct memfile *memfile;

    (void)state;
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
    memfile = memfile_new(fd, &all, &problem);
    assert_non_null(memfile);
    assert_null(memfile->segment.mapped);
    memfile_release(memfile);
}

static void a_window_is_what_is_seen(void **state)
{
    const struct memfile_wish wish = {.offset = 4099, .byte_size = 10, .map = true};
    char bytes[16] = {0};

    (void)state;
    for (int seals = 0; seals <= (F_SEAL_SHRINK | F_SEAL_WRITE);
         seals += F_SEAL_SHRINK | F_SEAL_WRITE) {
        struct problem problem = {0};
        int fd = make_memfd(0);
        struct memfile *memfile;

        assert_int_equal(pwrite(fd, "0123456789", 10, 4099), 10);
        assert_int_equal(seals == 0 ? 0 : fcntl(fd, F_ADD_SEALS, seals), 0);
        memfile = memfile_new(fd, &wish, &problem);
        assert_non_null(memfile);
        assert_int_equal(memfile->segment.n_bytes, 10);
        assert_int_equal(memfile->object_bytes, N_BYTES);
        assert_true(memfile->segment.read(&memfile->segment, 2, bytes, 3));
        assert_string_equal(bytes, "234");
        if (memfile->segment.mapped != NULL)
            assert_memory_equal(memfile->segment.mapped, "0123456789", 10);
        memfile_release(memfile);
    }
}

static void a_short_read_is_told(void **state)
{
    struct problem problem = {0};
    int fd = make_memfd(0);
    struct memfile *memfile = memfile_new(fd, &all, &problem);
    char bytes[100];

    (void)state;
    assert_true(memfile->segment.read(&memfile->segment, N_BYTES - 100, bytes, 100));
    assert_int_equal(ftruncate(fd, N_BYTES - 1), 0);
    assert_false(memfile->segment.read(&memfile->segment, N_BYTES - 100, bytes, 100));
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_false(memfile->segment.read(&memfile->segment, 0, bytes, 1));
    memfile_release(memfile);
}

static void what_is_written_lies_where_it_should(void **state)
{
    const struct memfile_wish wish = {.offset = 4099, .byte_size = 10, .writable = true};
    struct problem problem = {0};
    struct memfile *memfile = memfile_new(make_memfd(0), &wish, &problem);
    const struct segment *segment = &memfile->segment;
    char bytes[14];

    (void)state;
    assert_non_null(segment->write);
    assert_true(segment->write(segment, 2, "0123", 4, "#/a", &problem));
    assert_int_equal(pread(memfile->fd, bytes, sizeof(bytes), 4097), sizeof(bytes));
    assert_memory_equal(bytes,
                        "\7\7\7\7"
                        "0123"
                        "\7\7\7\7\7\7",
                        sizeof(bytes));
    memfile_release(memfile);
}

static void what_cannot_be_written_whole_is_not_begun(void **state)
{
    static const struct {
        off_t n_bytes;
        int seals;
        enum problem_code code;
    } cases[] = {{N_BYTES, F_SEAL_WRITE, PROBLEM_SHM_READ_ONLY},
                 {N_BYTES, F_SEAL_FUTURE_WRITE, PROBLEM_SHM_READ_ONLY},
                 {N_BYTES - 1, 0, PROBLEM_SHM_TRUNCATED},
                 {0, F_SEAL_GROW, PROBLEM_SHM_TRUNCATED}};
    const struct memfile_wish wish = {.byte_size = UINT64_MAX, .writable = true};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem problem = {0};
        struct memfile *memfile = memfile_new(make_memfd(0), &wish, &problem);
        char bytes[N_BYTES] = {0};
        char found[N_BYTES];

        assert_int_equal(ftruncate(memfile->fd, cases[i].n_bytes), 0);
        assert_int_equal(fcntl(memfile->fd, F_ADD_SEALS, cases[i].seals), 0);
        assert_false(memfile->segment.write(&memfile->segment, 0, bytes, N_BYTES, "#/a", &problem));
        assert_int_equal(problem.code, cases[i].code);
        assert_int_equal(pread(memfile->fd, found, N_BYTES, 0), cases[i].n_bytes);
        for (off_t at = 0; at < cases[i].n_bytes; at++)
            assert_int_equal(found[at], 7);
        memfile_release(memfile);
    }
}

static void nothing_is_written_that_was_not_wished_so(void **state)
{
    struct problem problem = {0};
    struct memfile *memfile = memfile_new(make_memfd(0), &all, &problem);

    (void)state;
    assert_null(memfile->segment.write);
    memfile_release(memfile);
}

static void bounds_are_the_objects(void **state)
{
    static const struct {
        uint64_t offset;
        uint64_t byte_size;
        bool fits;
    } cases[] = {{0, N_BYTES, true},
                 {N_BYTES - 1, 1, true},
                 {0, N_BYTES + 1, false},
                 {1, N_BYTES, false},
                 {N_BYTES, 1, false},
                 {N_BYTES, UINT64_MAX, false},
                 {UINT64_MAX, 1, false},
                 {UINT64_MAX, UINT64_MAX, false},
                 {(uint64_t)1 << 63, (uint64_t)1 << 63, false},
                 {1, UINT64_MAX - 1, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct memfile_wish wish = {.offset = cases[i].offset,
                                          .byte_size = cases[i].byte_size};
        struct problem problem = {0};

        if (!cases[i].fits)
            expect_refused(make_memfd(0), &wish, PROBLEM_SHM_TOO_SMALL);
        else
            memfile_release(memfile_new(make_memfd(0), &wish, &problem));
        assert_int_equal(problem.code, PROBLEM_NONE);
    }
}

static void what_is_no_readable_shared_memory_is_refused(void **state)
{
    const struct memfile_wish others = {
        .byte_size = UINT64_MAX, .has_owner = true, .owner = geteuid() + 1};
    char path[] = "/dev/shm/overlap_test_XXXXXX";
    int pipes[2];

    (void)state;
    close(mkstemp(path));
    assert_int_equal(pipe(pipes), 0);
    expect_refused(pipes[0], &all, PROBLEM_SHM_BAD_OBJECT);
    expect_refused(pipes[1], &all, PROBLEM_SHM_BAD_OBJECT);
    expect_refused(open("/dev/shm", O_RDONLY), &all, PROBLEM_SHM_BAD_OBJECT);
    expect_refused(open("/dev/zero", O_RDONLY), &all, PROBLEM_SHM_BAD_OBJECT);
    expect_refused(open("/proc/self/maps", O_RDONLY), &all, PROBLEM_SHM_BAD_OBJECT);
    expect_refused(open(path, O_WRONLY), &all, PROBLEM_SHM_BAD_OBJECT);
    expect_refused(open(path, O_PATH), &all, PROBLEM_SHM_BAD_OBJECT);
    expect_refused(open(path, O_RDONLY), &all, PROBLEM_SHM_TOO_SMALL);
    expect_refused(make_memfd(0), &others, PROBLEM_SHM_FORBIDDEN);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_descriptor_closes_with_the_last_reference),
        cmocka_unit_test(only_what_cannot_shrink_nor_change_is_mapped),
        cmocka_unit_test(holes_are_not_mapped),
        cmocka_unit_test(a_window_is_what_is_seen),
        cmocka_unit_test(a_short_read_is_told),
        cmocka_unit_test(what_is_written_lies_where_it_should),
        cmocka_unit_test(what_cannot_be_written_whole_is_not_begun),
        cmocka_unit_test(nothing_is_written_that_was_not_wished_so),
        cmocka_unit_test(bounds_are_the_objects),
        cmocka_unit_test(what_is_no_readable_shared_memory_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
