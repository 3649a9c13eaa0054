/* test_zip.c - ZIP directories: what they may say, and what contradicts itself or the file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/zip.h"
#include "zip_file.h"

static const struct member_form stored = {.method = 0};

/* Two small members, sound. */
static struct archive *two_members(bool is_64)
{
    struct archive *archive = archive_new();
    struct member_form form = {.is_64 = is_64};

    archive_add(archive, "one", form, "first", 5);
    archive_add(archive, "two", form, "second", 6);
    archive_end(archive, is_64);
    return archive;
}

static struct problem read_archive(const struct archive *archive)
{
    struct problem problem = {0};
    uint8_t *bytes = malloc(archive->file.n);
    struct zip zip;

    assert_non_null(bytes);
    memcpy(bytes, archive->file.bytes, archive->file.n);
    if (zip_init(&zip, bytes, archive->file.n, POINTER, &problem))
        zip_done(&zip);
    free(bytes);
    return problem;
}

/* Says so, and frees the archive. */
static void assert_refused(struct archive *archive, enum problem_code code, const char *words)
{
    struct problem problem = read_archive(archive);

    if (problem.code != code || strstr(problem.detail, words) == NULL)
        fail_msg("problem %s: %s", problem_name(problem.code), problem.detail);
    assert_string_equal(problem.pointer, POINTER);
    free(archive);
}

/* The same with some bytes of a sound archive replaced. */
static void assert_change_refused(bool is_64, size_t at, uint64_t value, size_t n_bytes,
                                  const char *words)
{
    struct archive *archive = two_members(is_64);

    set_bytes(archive, at, value, n_bytes);
    assert_refused(archive, PROBLEM_BAD_MASK, words);
}

static void members_come_in_the_order_of_their_data(void **state)
{
    struct archive *archive = two_members(false);
    struct problem problem = {0};
    struct zip zip;

    (void)state;
    assert_true(zip_init(&zip, archive->file.bytes, archive->file.n, POINTER, &problem));
    assert_int_equal(zip.n_members, 2);
    assert_memory_equal(zip.members[0].name, "one", 3);
    assert_memory_equal(zip.members[1].name, "two", 3);
    assert_ptr_equal(zip_find(&zip, "two", 3), &zip.members[1]);
    assert_null(zip_find(&zip, "tw", 2));
    assert_null(zip_find(&zip, "twos", 4));
    zip_done(&zip);
    free(archive);
}

static void members_are_read_where_they_lie(void **state)
{
    (void)state;
    for (int is_64 = 0; is_64 < 2; is_64++) {
        struct archive *archive = two_members(is_64);
        struct problem problem = {0};
        struct coding *stream;
        uint8_t bytes[6];
        struct zip zip;

        assert_true(zip_init(&zip, archive->file.bytes, archive->file.n, POINTER, &problem));
        stream = zip_open(&zip, &zip.members[1], &problem);
        assert_non_null(stream);
        assert_true(coding_read(stream, bytes, 6, &problem));
        assert_memory_equal(bytes, "second", 6);
        assert_true(coding_finish(stream, &problem));
        coding_free(stream);
        zip_done(&zip);
        free(archive);
    }
}

static void a_comment_may_follow(void **state)
{
    struct archive *archive = two_members(false);

    (void)state;
    set_bytes(archive, archive->file.n - 2, 30, 2);
    put(&archive->file, "with PK\5\6 in it, and many words", 30);
    assert_int_equal(read_archive(archive).code, PROBLEM_NONE);
    archive->file.n--;
    assert_refused(archive, PROBLEM_TRUNCATED, "does not end with a directory");
    archive = two_members(false);
    put(&archive->file, "x", 1);
    assert_refused(archive, PROBLEM_TRUNCATED, "or others follow");
}

static void encrypted_members_and_other_methods_are_refused(void **state)
{
    static const struct {
        struct member_form form;
        const char *words;
    } cases[] = {
        {{.flags = 1}, "a.npy of the ZIP archive is encrypted"},
        {{.flags = 0x40}, "is encrypted"},
        {{.flags = 0x2000}, "is encrypted"},
        {{.method = 12}, "compressed by method 12; 0 (stored) and 8"},
        {{.method = 93}, "compressed by method 93"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct archive *archive = picture_archive(cases[i].form);

        assert_file_problem(&archive->file, PROBLEM_UNSUPPORTED_MASK, cases[i].words);
        free(archive);
    }
}

static void names_are_there_once(void **state)
{
    struct archive *archive = archive_new();

    (void)state;
    archive_add(archive, "a.npy", stored, "1", 1);
    archive_add(archive, "b.npy", stored, "2", 1);
    archive_add(archive, "a.npy", stored, "3", 1);
    archive_end(archive, false);
    assert_refused(archive, PROBLEM_BAD_MASK, "a.npy is there twice");
}

static void members_do_not_overlap(void **state)
{
    struct archive *archive = two_members(false);
    size_t second = archive->directory_at + 46 + 3;

    (void)state;
    /* the second entry points to the first member's header, as bombs do */
    set_bytes(archive, second + 42, 0, 4);
    memcpy(archive->file.bytes + second + 46, "one", 3);
    assert_refused(archive, PROBLEM_BAD_MASK, "is there twice");
    archive = archive_new();
    /* the first one's data goes on over the second's header */
    archive_add(archive, "one", stored, "first", 5);
    archive_add(archive, "two", stored, "second", 6);
    archive_end(archive, false);
    set_bytes(archive, archive->directory_at + 20, 6, 4);
    assert_refused(archive, PROBLEM_BAD_MASK, "two lies over another one");
}

static void entries_lie_in_the_file_before_the_directory(void **state)
{
    struct archive *archive = two_members(false);
    size_t at = archive->directory_at;

    (void)state;
    free(archive);
    assert_change_refused(false, at + 42, 1, 4, "one is not where the directory says");
    assert_change_refused(false, at + 42, at - 29, 4, "one is not where the directory says");
    assert_change_refused(false, at + 42, 0xfffffffe, 4, "one is not where the directory says");
    assert_change_refused(false, at + 20, at, 4, "one reaches beyond the data");
    assert_change_refused(false, at + 20, 0xfffffffe, 4, "one reaches beyond the data");
    assert_change_refused(false, 26, 0xffff, 2, "one reaches beyond the data");
    assert_change_refused(false, 28, 0xffff, 2, "one reaches beyond the data");
}

static void headers_repeat_what_the_directory_says(void **state)
{
    static const char words[] = "one has a header that is not what the directory says";

    (void)state;
    assert_change_refused(false, 30, 'x', 1, words);
    assert_change_refused(false, 8, 8, 2, words);
    assert_change_refused(false, 6, 1, 2, words);
    assert_change_refused(false, 26, 2, 2, words);
}

static void sizes_of_64_bits_are_there_and_fit(void **state)
{
    struct archive *archive = two_members(true);
    size_t at = archive->directory_at, extra = at + 46 + 3;

    (void)state;
    free(archive);
    assert_change_refused(true, extra + 4, 2, 2, "one has sizes of 64 bits that are not there");
    assert_change_refused(true, extra + 6, 7, 2, "sizes of 64 bits that are not there");
    assert_change_refused(true, extra + 6, 0xffff, 2, "sizes of 64 bits that are not there");
    assert_change_refused(true, extra + 2, 25, 2, "sizes of 64 bits that are not there");
    assert_change_refused(true, extra + 8 + 8, UINT64_MAX, 8, "one reaches beyond");
    assert_change_refused(true, extra + 8 + 16, UINT64_MAX, 8, "one is not where");
    assert_change_refused(true, extra + 8 + 16, UINT64_MAX - 20, 8, "one is not where");
}

static void the_end_record_fits_the_file(void **state)
{
    struct archive *archive = two_members(false);
    size_t end = archive->end_at, at = archive->directory_at;

    (void)state;
    free(archive);
    assert_change_refused(false, end + 4, 1, 2, "one of several files");
    assert_change_refused(false, end + 6, 1, 2, "one of several files");
    assert_change_refused(false, end + 8, 1, 2, "one of several files");
    assert_change_refused(false, end + 12, end + 1, 4, "does not lie before its end record");
    assert_change_refused(false, end + 16, end + 1, 4, "does not lie before its end record");
    assert_change_refused(false, end + 16, 0xfffffffe, 4, "does not lie before its end record");
    assert_change_refused(false, end + 16, UINT32_MAX, 4, "a zip64 record that is not there");
    assert_change_refused(false, end + 8, 0x00010001, 4, "more entries than it says");
    assert_change_refused(false, end + 8, 0x00030003, 4, "fewer entries than it says");
    assert_change_refused(false, end + 12, 20, 4, "fewer entries than it says");
    assert_change_refused(false, end + 12, 47, 4, "does not end");
    assert_change_refused(false, at + 28, 0xffff, 2, "does not end");
    assert_change_refused(false, at + 30, 0xffff, 2, "does not end");
    assert_change_refused(false, at + 32, 0xffff, 2, "does not end");
}

static void the_zip64_end_record_fits_the_file(void **state)
{
    struct archive *archive = two_members(true);
    size_t end = archive->end_at, record = end - 20 - 56;

    (void)state;
    free(archive);
    assert_change_refused(true, end - 20, 0, 4, "a zip64 record that is not there");
    assert_change_refused(true, end - 12, record + 1, 8, "zip64 end record is not where");
    assert_change_refused(true, end - 12, UINT64_MAX, 8, "zip64 end record is not where");
    assert_change_refused(true, record + 16, 1, 4, "one of several files");
    assert_change_refused(true, record + 20, 1, 4, "one of several files");
    assert_change_refused(true, record + 24, 1, 8, "one of several files");
    assert_change_refused(true, record + 40, UINT64_MAX, 8, "does not lie before");
    assert_change_refused(true, record + 48, UINT64_MAX, 8, "does not lie before");
    assert_change_refused(true, record + 40, record, 8, "does not lie before");
}

static void archives_of_too_many_members_are_refused_unread(void **state)
{
    struct archive *archive = two_members(false);
    size_t end = archive->end_at;

    (void)state;
    set_bytes(archive, end + 8, 0x04010401, 4);
    assert_refused(archive, PROBLEM_UNSUPPORTED_MASK, "has 1025 members; the limit is 1024");
    archive = two_members(true);
    end = archive->end_at - 20 - 56;
    set_bytes(archive, end + 24, UINT64_MAX, 8);
    set_bytes(archive, end + 32, UINT64_MAX, 8);
    assert_refused(archive, PROBLEM_UNSUPPORTED_MASK, "has 18446744073709551615 members");
}

static void what_is_no_archive_is_refused(void **state)
{
    struct problem problem = {0};
    struct zip zip;

    (void)state;
    assert_false(zip_init(&zip, (const uint8_t *)"", 0, POINTER, &problem));
    assert_int_equal(problem.code, PROBLEM_TRUNCATED);
}

static void every_change_of_every_byte_is_survived(void **state)
{
    (void)state;
    for (int is_64 = 0; is_64 < 2; is_64++) {
        struct archive *sound = two_members(is_64), *archive = archive_new();

        for (size_t i = 0; i < 9 * sound->file.n; i++) {
            *archive = *sound;
            archive->file.bytes[i / 9] ^= (uint8_t)(i % 9 == 8 ? 0xff : 1 << i % 9);
            read_archive(archive);
        }
        free(archive);
        free(sound);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_in_the_order_of_their_data),
        cmocka_unit_test(members_are_read_where_they_lie),
        cmocka_unit_test(a_comment_may_follow),
        cmocka_unit_test(encrypted_members_and_other_methods_are_refused),
        cmocka_unit_test(names_are_there_once),
        cmocka_unit_test(members_do_not_overlap),
        cmocka_unit_test(entries_lie_in_the_file_before_the_directory),
        cmocka_unit_test(headers_repeat_what_the_directory_says),
        cmocka_unit_test(sizes_of_64_bits_are_there_and_fit),
        cmocka_unit_test(the_end_record_fits_the_file),
        cmocka_unit_test(the_zip64_end_record_fits_the_file),
        cmocka_unit_test(archives_of_too_many_members_are_refused_unread),
        cmocka_unit_test(what_is_no_archive_is_refused),
        cmocka_unit_test(every_change_of_every_byte_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
