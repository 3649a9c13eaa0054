/* test_coding_deflate.c - deflate as archives hold it, without a frame; and what archives promise.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "coding_streams.h"

static void put_bare(struct file *file, const void *bytes, size_t n)
{
    put_deflated(file, bytes, n, -15);
}

static void bare_deflate_is_decoded(void **state)
{
    uint8_t *bytes = volume(30000);
    struct file *file = file_new();

    (void)state;
    put_bare(file, bytes, 30000);
    assert_decodes(CODING_DEFLATE, file, bytes, 30000);
    file->n = 0;
    put_bare(file, bytes, 0);
    assert_decodes(CODING_DEFLATE, file, bytes, 0);
    free(file);
    free(bytes);
}

static void no_request_can_name_it(void **state)
{
    (void)state;
    assert_int_equal(coding_find("deflate", 7), CODING_N);
    assert_string_equal(coding_name(CODING_DEFLATE), "deflate");
}

static void what_is_cut_or_followed_is_refused(void **state)
{
    struct file *file = file_new();
    size_t n;

    (void)state;
    put_bare(file, picture, sizeof(picture));
    n = file->n;
    for (file->n = 0; file->n < n; file->n++)
        assert_fails(CODING_DEFLATE, file, PROBLEM_TRUNCATED, "deflate data ends");
    put(file, "\1\2\3", 3);
    assert_fails(CODING_DEFLATE, file, PROBLEM_TRAILING_BYTES, "3 bytes follow");
    free(file);
}

static void damaged_blocks_are_corrupt(void **state)
{
    static const char *const damaged[] = {"07", "00 01 00 00 00 61"};
    struct file *file = file_new();

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        file->n = 0;
        put_hex(file, damaged[i]);
        put(file, "\0\0\0\0\0\0\0\0", 8);
        assert_fails(CODING_DEFLATE, file, PROBLEM_CORRUPT, "a deflate block is damaged");
    }
    free(file);
}

/* Decode all of it, in pieces, under a promise. */
static enum problem_code finish_under(enum coding_kind kind, const struct file *file,
                                      uint64_t n_bytes, uint32_t crc_32, bool borrow)
{
    struct problem problem = {0};
    struct coding *coding = coding_new(kind, file->bytes, file->n, POINTER, &problem);
    uint8_t out[sizeof(picture)];
    bool good;

    assert_non_null(coding);
    coding_expect(coding, n_bytes, crc_32);
    if (borrow)
        assert_non_null(coding_borrow(coding, 5));
    else
        assert_true(coding_read(coding, out, 5, &problem));
    assert_true(coding_read(coding, out + 5, 7, &problem));
    good = coding_finish(coding, &problem);
    assert_int_equal(good, problem.code == PROBLEM_NONE);
    coding_free(coding);
    return problem.code;
}

static void what_an_archive_promises_is_held_to(void **state)
{
    uint32_t crc = (uint32_t)crc32(0, picture, sizeof(picture));

    (void)state;
    for (int i = 0; i < 3; i++) {
        enum coding_kind kind = i < 2 ? CODING_NONE : CODING_DEFLATE;
        struct file *file = file_new();

        if (kind == CODING_NONE)
            put(file, picture, sizeof(picture));
        else
            put_bare(file, picture, sizeof(picture));
        assert_int_equal(finish_under(kind, file, 12, crc, i == 1), PROBLEM_NONE);
        assert_int_equal(finish_under(kind, file, 12, crc ^ 1, i == 1), PROBLEM_CORRUPT);
        assert_int_equal(finish_under(kind, file, 13, crc, i == 1), PROBLEM_CORRUPT);
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_deflate_is_decoded),
        cmocka_unit_test(no_request_can_name_it),
        cmocka_unit_test(what_is_cut_or_followed_is_refused),
        cmocka_unit_test(damaged_blocks_are_corrupt),
        cmocka_unit_test(what_an_archive_promises_is_held_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
