/* test_npz.c - NumPy's archives: which member is read, in every way to store it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "zip_file.h"

/* numpy.savez(pred=...), savez_compressed, and that into a pipe, which has data descriptors; by
 * NumPy 2.4 */
static const char stored_hex[] =
    "50 4b 03 04 2d 00 00 00 00 00 00 00 21 00 f1 06 3b 44 ff ff ff ff ff ff ff ff 08 00 14 00 "
    "70 72 65 64 2e 6e 70 79 01 00 10 00 8c 00 00 00 00 00 00 00 8c 00 00 00 00 00 00 00 93 4e "
    "55 4d 50 59 01 00 76 00 7b 27 64 65 73 63 72 27 3a 20 27 7c 75 31 27 2c 20 27 66 6f 72 74 "
    "72 61 6e 5f 6f 72 64 65 72 27 3a 20 46 61 6c 73 65 2c 20 27 73 68 61 70 65 27 3a 20 28 33 "
    "2c 20 34 29 2c 20 7d 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 "
    "20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 "
    "20 20 20 20 20 0a 00 01 01 00 00 01 02 00 00 00 02 00 50 4b 01 02 2d 03 2d 00 00 00 00 00 "
    "00 00 21 00 f1 06 3b 44 8c 00 00 00 8c 00 00 00 08 00 00 00 00 00 00 00 00 00 00 00 80 01 "
    "00 00 00 00 70 72 65 64 2e 6e 70 79 50 4b 05 06 00 00 00 00 01 00 01 00 36 00 00 00 c6 00 "
    "00 00 00 00 ";
static const char deflated_hex[] =
    "50 4b 03 04 2d 00 00 00 08 00 00 00 21 00 f1 06 3b 44 ff ff ff ff ff ff ff ff 08 00 14 00 "
    "70 72 65 64 2e 6e 70 79 01 00 10 00 8c 00 00 00 00 00 00 00 52 00 00 00 00 00 00 00 9b ec "
    "17 ea 1b 10 c9 c8 50 c6 50 ad 9e 92 5a 9c 5c a4 6e a5 a0 5e 53 6a a8 ae a3 a0 9e 96 5f 54 "
    "52 94 98 17 9f 5f 94 92 0a 12 77 4b cc 29 4e 05 8a 17 67 24 16 a4 02 f9 1a c6 3a 0a 26 9a "
    "3a 0a b5 0a 64 03 2e 06 46 46 06 06 46 26 06 06 06 26 06 00 50 4b 01 02 2d 03 2d 00 00 00 "
    "08 00 00 00 21 00 f1 06 3b 44 52 00 00 00 8c 00 00 00 08 00 00 00 00 00 00 00 00 00 00 00 "
    "80 01 00 00 00 00 70 72 65 64 2e 6e 70 79 50 4b 05 06 00 00 00 00 01 00 01 00 36 00 00 00 "
    "8c 00 00 00 00 00 ";
static const char piped_hex[] =
    "50 4b 03 04 2d 00 08 00 08 00 00 00 21 00 00 00 00 00 ff ff ff ff ff ff ff ff 08 00 14 00 "
    "70 72 65 64 2e 6e 70 79 01 00 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 9b ec "
    "17 ea 1b 10 c9 c8 50 c6 50 ad 9e 92 5a 9c 5c a4 6e a5 a0 5e 53 6a a8 ae a3 a0 9e 96 5f 54 "
    "52 94 98 17 9f 5f 94 92 0a 12 77 4b cc 29 4e 05 8a 17 67 24 16 a4 02 f9 1a c6 3a 0a 26 9a "
    "3a 0a b5 0a 64 03 2e 06 46 46 06 06 46 26 06 06 06 26 06 00 50 4b 07 08 f1 06 3b 44 52 00 "
    "00 00 00 00 00 00 8c 00 00 00 00 00 00 00 50 4b 01 02 2d 03 2d 00 08 00 08 00 00 00 21 00 "
    "f1 06 3b 44 52 00 00 00 8c 00 00 00 08 00 00 00 00 00 00 00 00 00 00 00 80 01 00 00 00 00 "
    "70 72 65 64 2e 6e 70 79 50 4b 05 06 00 00 00 00 01 00 01 00 36 00 00 00 a4 00 00 00 00 00 ";

static json_t *member_named(const char *name)
{
    json_t *options = json_pack("{s:s}", "member", name);

    assert_non_null(options);
    return options;
}

/* What is said of a file that is read with these options. */
static void assert_options_problem(const struct file *file, json_t *options, enum problem_code code,
                                   const char *words)
{
    struct problem problem = {0};
    struct env env = test_env();
    struct source source = source_of(file->bytes, file->n);

    source.options = options;
    assert_null(reader_new(&source, &env, &problem));
    if (problem.code != code || strstr(problem.detail, words) == NULL)
        fail_msg("problem %s: %s", problem_name(problem.code), problem.detail);
    assert_int_equal(budget_used, 0);
}

static void what_numpy_saves_is_read(void **state)
{
    static const char *const files[] = {stored_hex, deflated_hex, piped_hex};
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    for (size_t i = 0; i < 3; i++) {
        struct file *file = file_new();

        put_hex(file, files[i]);
        assert_voxels(file, picture, 12);
        read_file(file, outcome);
        assert_int_equal(outcome->header.format, FORMAT_NPZ);
        assert_int_equal(outcome->header.coding, CODING_NONE);
        assert_int_equal(outcome->header.ndim, 2);
        assert_int_equal(outcome->header.shape[0], 3);
        assert_int_equal(outcome->header.shape[1], 4);
        free(file);
    }
    free(outcome);
}

static void members_are_stored_in_any_way(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct member_form form = {
            .method = i & 1 ? 8 : 0, .is_64 = (i & 2) != 0, .has_descriptor = (i & 4) != 0};
        struct archive *archive = archive_new();
        struct file *npy = picture_npy();

        archive_add(archive, "readme.txt", (struct member_form){0}, "not an array", 12);
        archive_add(archive, "folder/a.npy", form, npy->bytes, npy->n);
        archive_end(archive, (i & 2) != 0);
        assert_voxels(&archive->file, picture, 12);
        every_truncation_is_a_problem(&archive->file);
        free(npy);
        free(archive);
    }
}

static void a_member_is_found_with_or_without_its_ending(void **state)
{
    static const char *const names[] = {"b.npy", "b"};
    struct archive *archive = archive_new();
    struct file *npy = picture_npy(), *other = file_new();

    (void)state;
    put_npy(other, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, ), }", "\1\2", 2);
    archive_add(archive, "a.npy", (struct member_form){0}, other->bytes, other->n);
    archive_add(archive, "b.npy", (struct member_form){.method = 8}, npy->bytes, npy->n);
    archive_end(archive, false);
    for (size_t i = 0; i < 2; i++) {
        json_t *options = member_named(names[i]);

        source_options = options;
        assert_voxels(&archive->file, picture, 12);
        source_options = NULL;
        json_decref(options);
    }
    free(other);
    free(npy);
    free(archive);
}

static void without_a_choice_the_members_are_listed(void **state)
{
    struct archive *archive = archive_new();
    json_t *wrong = member_named("c"), *number = json_pack("{s:i}", "member", 1);

    (void)state;
    archive_add(archive, "a.npy", (struct member_form){0}, "", 0);
    archive_add(archive, "b.npy", (struct member_form){0}, "", 0);
    archive_end(archive, false);
    assert_file_problem(&archive->file, PROBLEM_NO_MEMBER,
                        "several arrays: name one as \"member\"; it has a.npy, b.npy.");
    assert_options_problem(&archive->file, wrong, PROBLEM_NO_MEMBER, "it has a.npy, b.npy.");
    assert_options_problem(&archive->file, number, PROBLEM_BAD_PARAMETER, "must be a string");
    free(archive);
    archive = archive_new();
    archive_add(archive, "word/document.xml", (struct member_form){0}, "<w:t/>", 6);
    archive_end(archive, false);
    assert_file_problem(&archive->file, PROBLEM_NO_MEMBER,
                        "no array (.npy); it has word/document.xml.");
    free(archive);
    archive = archive_new();
    archive_end(archive, false);
    assert_file_problem(&archive->file, PROBLEM_NO_MEMBER, "The archive is empty.");
    free(archive);
    json_decref(number);
    json_decref(wrong);
}

static void a_long_list_of_members_is_cut(void **state)
{
    struct archive *archive = archive_new();

    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[16];

        snprintf(name, sizeof(name), "slice%d.npy", i);
        archive_add(archive, name, (struct member_form){0}, "", 0);
    }
    archive_end(archive, false);
    assert_file_problem(&archive->file, PROBLEM_NO_MEMBER, "slice0.npy, slice1.npy, ");
    assert_file_problem(&archive->file, PROBLEM_NO_MEMBER, ", ....");
    free(archive);
}

static void other_files_than_npy_are_refused(void **state)
{
    struct archive *archive = archive_new();

    (void)state;
    archive_add(archive, "a.npy", (struct member_form){0}, "not an array", 12);
    archive_end(archive, false);
    assert_file_problem(&archive->file, PROBLEM_FORMAT_MISMATCH, "does not begin with");
    free(archive);
}

static void a_name_alone_makes_no_archive(void **state)
{
    struct file *file = picture_npy();
    struct problem problem = {0};
    struct env env = test_env();
    struct source source = source_of(file->bytes, file->n);

    (void)state;
    file->bytes[0] = '?';
    source.filename = "mask.npz";
    assert_null(reader_new(&source, &env, &problem));
    assert_int_equal(problem.code, PROBLEM_FORMAT_MISMATCH);
    free(file);
}

static void length_and_checksum_are_held_to(void **state)
{
    struct archive *archive = picture_archive((struct member_form){0});
    size_t at = archive->directory_at;

    (void)state;
    archive->file.bytes[at - 1] ^= 1; /* the last voxel */
    assert_file_problem(&archive->file, PROBLEM_CORRUPT, "not what the archive says");
    free(archive);
    archive = picture_archive((struct member_form){.method = 8});
    at = archive->directory_at;
    archive->file.bytes[at + 24]++; /* of the bytes once unpacked */
    assert_file_problem(&archive->file, PROBLEM_CORRUPT, "not what the archive says");
    archive->file.bytes[at + 24]--;
    archive->file.bytes[at + 20]--; /* of those that are packed */
    assert_file_problem(&archive->file, PROBLEM_TRUNCATED, "deflate data ends");
    free(archive);
}

static void bytes_behind_the_array_or_its_stream_are_refused(void **state)
{
    struct archive *archive = archive_new();
    struct file *npy = picture_npy(), *packed = file_new();

    (void)state;
    put(npy, "", 1);
    archive_add(archive, "a.npy", (struct member_form){.method = 8}, npy->bytes, npy->n);
    archive_end(archive, false);
    assert_file_problem(&archive->file, PROBLEM_TRAILING_BYTES, "more bytes follow");
    free(archive);
    archive = archive_new();
    put_deflated(packed, npy->bytes, npy->n - 1, -15);
    put(packed, "more", 4);
    archive_add(archive, "a.npy", (struct member_form){0}, packed->bytes, packed->n);
    archive_end(archive, false);
    archive->file.bytes[8] = 8; /* stored as it was deflated */
    archive->file.bytes[archive->directory_at + 10] = 8;
    assert_file_problem(&archive->file, PROBLEM_TRAILING_BYTES, "4 bytes follow");
    free(archive);
    free(packed);
    free(npy);
}

static void compressed_archives_are_read_within_the_budget(void **state)
{
    struct archive *archive = picture_archive((struct member_form){0});
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind += 2) {
        struct file *file = file_new();
        struct env env = test_env();
        struct source source;

        put_coded(file, kind, archive->file.bytes, archive->file.n);
        assert_voxels(file, picture, 12);
        every_truncation_is_a_problem(file);
        source = source_of(file->bytes, file->n);
        read_mask(&source, &env, 5, outcome);
        assert_int_equal(budget_most, 65536);
        budget_bytes = 65535;
        read_mask(&source, &env, 5, outcome);
        assert_problem(outcome, PROBLEM_OUT_OF_MEMORY, "no memory to decompress");
        budget_bytes = 1 << 24;
        env.limits.decoded_bytes = archive->file.n - 1;
        read_mask(&source, &env, 5, outcome);
        assert_problem(outcome, PROBLEM_DECODED_TOO_LARGE, "bytes long when decompressed");
        free(file);
    }
    free(outcome);
    free(archive);
}

/* An archive that fills the first room for it exactly, so that there has to be a second. */
static void long_compressed_archives_are_read(void **state)
{
    struct file *npy = picture_npy(), *file = file_new();
    uint8_t *filler = calloc(1, 1 << 16);
    size_t n_filler = 0;

    (void)state;
    assert_non_null(filler);
    for (size_t i = 0; i < 1 << 16; i++)
        filler[i] = (uint8_t)(i * i >> 7);
    for (int i = 0; i < 2; i++) {
        struct archive *archive = archive_new();

        archive_add(archive, "b.txt", (struct member_form){.method = 0}, filler, n_filler);
        archive_add(archive, "a.npy", (struct member_form){.method = 0}, npy->bytes, npy->n);
        archive_end(archive, false);
        n_filler = (1 << 16) - archive->file.n;
        file->n = 0;
        put_coded(file, CODING_GZIP, archive->file.bytes, archive->file.n);
        assert_voxels(file, picture, 12);
        free(archive);
    }
    assert_int_equal(n_filler, 0);
    assert_int_equal(budget_most, 65536 + 131072);
    free(filler);
    free(file);
    free(npy);
}

static void damage_is_a_problem_or_harmless(void **state)
{
    static const char *const files[] = {stored_hex, deflated_hex, piped_hex};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct file *file = file_new();

        put_hex(file, files[i]);
        every_truncation_is_a_problem(file);
        every_flip_is_a_problem_or_harmless(file);
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_numpy_saves_is_read),
        cmocka_unit_test(members_are_stored_in_any_way),
        cmocka_unit_test(a_member_is_found_with_or_without_its_ending),
        cmocka_unit_test(without_a_choice_the_members_are_listed),
        cmocka_unit_test(a_long_list_of_members_is_cut),
        cmocka_unit_test(other_files_than_npy_are_refused),
        cmocka_unit_test(a_name_alone_makes_no_archive),
        cmocka_unit_test(length_and_checksum_are_held_to),
        cmocka_unit_test(bytes_behind_the_array_or_its_stream_are_refused),
        cmocka_unit_test(compressed_archives_are_read_within_the_budget),
        cmocka_unit_test(long_compressed_archives_are_read),
        cmocka_unit_test(damage_is_a_problem_or_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
