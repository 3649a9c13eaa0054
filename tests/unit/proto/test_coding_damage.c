/* test_coding_damage.c - streams that are cut, changed, too long or not what they should be. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "coding_streams.h"

#include <sys/mman.h>

/* Decompressors in assembly are not seen by sanitizers; a page that cannot be read sees them. */
static void nothing_beyond_the_input_is_read(void **state)
{
    const size_t n_map = 1 << 16, n_page = 4096;
    uint8_t *map =
        mmap(NULL, n_map + n_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *bytes = volume(20000), *out = malloc(20001);

    (void)state;
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_non_null(out);
    assert_int_equal(mprotect(map + n_map, n_page, PROT_NONE), 0);
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        size_t n, n_decoded;
        uint8_t *encoded = encode(kind, bytes, 20000, &n);

        memcpy(map + n_map - n, encoded, n);
        decode(kind, map + n_map - n, n, 4096, out, 20001, &n_decoded);
        assert_memory_equal(out, bytes, 20000);
        for (size_t cut = 1; cut < n; cut++) { /* the first n - cut bytes, at the page's end */
            memmove(map + n_map - n + cut, encoded, n - cut);
            assert_int_not_equal(
                decode(kind, map + n_map - n + cut, n - cut, 20001, out, 20001, &n_decoded).code,
                PROBLEM_NONE);
        }
        free(encoded);
    }
    free(out);
    free(bytes);
    munmap(map, n_map + n_page);
}

static void every_truncation_is_called_truncated(void **state)
{
    struct file *file = file_new();

    (void)state;
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        size_t n;

        file->n = 0;
        put_coded(file, kind, picture, sizeof(picture));
        n = file->n;
        for (file->n = 0; file->n < n; file->n++)
            assert_fails(kind, file, PROBLEM_TRUNCATED, "ends before it is complete");
    }
    free(file);
}

static void every_flip_fails_or_decodes_the_same(void **state)
{
    struct file *file = file_new();
    uint8_t out[64];
    size_t n;

    (void)state;
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        file->n = 0;
        put_coded(file, kind, picture, sizeof(picture));
        for (size_t i = 0; i < 9 * file->n; i++) {
            uint8_t flip = (uint8_t)(i % 9 == 8 ? 0xff : 1 << i % 9);
            struct problem problem;

            file->bytes[i / 9] ^= flip;
            problem = decode(kind, file->bytes, file->n, 5, out, sizeof(out), &n);
            file->bytes[i / 9] ^= flip;
            if (problem.code != PROBLEM_NONE)
                continue;
            assert_int_equal(n, sizeof(picture));
            assert_memory_equal(out, picture, n);
        }
    }
    free(file);
}

static void each_byte_of_a_checksum_or_length_is_checked(void **state)
{
    static const size_t n_trailer[CODING_N] = {
        [CODING_GZIP] = 8, [CODING_ZLIB] = 4, [CODING_ZSTD] = 4, [CODING_LZ4] = 4};
    struct file *file = file_new();

    (void)state;
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        file->n = 0;
        put_coded(file, kind, picture, sizeof(picture));
        for (size_t i = file->n - n_trailer[kind]; i < file->n; i++) {
            file->bytes[i] ^= 0x10;
            assert_fails(kind, file, PROBLEM_CORRUPT, "check");
            file->bytes[i] ^= 0x10;
        }
    }
    free(file);
}

static void bytes_after_a_stream_are_trailing_bytes(void **state)
{
    struct file *file = file_new();

    (void)state;
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        file->n = 0;
        put_coded(file, kind, picture, sizeof(picture));
        for (size_t n = 1; n < 12; n++) {
            char words[64];

            put(file, "\0", 1);
            snprintf(words, sizeof(words), "%zu bytes follow", n);
            assert_fails(kind, file, PROBLEM_TRAILING_BYTES, words);
        }
    }
    free(file);
}

static void raw_deflate_and_dictionaries_are_refused_in_words(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_deflated(file, picture, sizeof(picture), -15);
    assert_fails(CODING_ZLIB, file, PROBLEM_CORRUPT, "raw deflate is not accepted");
    file->n = 0;
    put_hex(file, "78 bb 00 00 00 01 63 60 64 64 60 60 64 62 60 60 60 62 00 00 00 38 00 08");
    assert_fails(CODING_ZLIB, file, PROBLEM_CORRUPT, "dictionary");
    file->n = 0;
    put(file, "not gzip at all", 15);
    assert_fails(CODING_GZIP, file, PROBLEM_CORRUPT, "gzip header");
    free(file);
}

/* By the fuzzer: ISA-L's avail_in wraps around where a match reaches back before the first byte. */
static void a_match_before_the_first_byte_near_the_end_is_corrupt(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_hex(file, "78 9c eb 0c f0 73 e7 e5 92 e2 62 60 60 e0 f5 f4 70 5d 09 02 d2 2c 40 cc cc 01 24"
                  "18 26 ce ff 28 05 a4 44 3d 5d 1c 43 2a 6e 25 27 24 a4 a4 24 00 09 26 21 1e 1f 1e"
                  "06 06 27 06 8e 5d dd 34 26 20 85 9e ae 7e 2e eb 9c 12 9a 00 3e 84 10 c9");
    assert_fails(CODING_ZLIB, file, PROBLEM_CORRUPT, "deflate block");
    free(file);
}

static void zstd_windows_end_at_8_mib(void **state)
{
    struct file *file = file_new();

    (void)state;
    /* no size, window of 2^23, one raw block of 3 bytes */
    put_hex(file, "28 b5 2f fd 00 68 19 00 00 61 62 63");
    assert_decodes(CODING_ZSTD, file, "abc", 3);
    file->bytes[5] = 0x69; /* an eighth more */
    assert_fails(CODING_ZSTD, file, PROBLEM_CORRUPT, "larger than 8 MiB");
    file->bytes[5] = 0xff; /* 3.75 TiB */
    assert_fails(CODING_ZSTD, file, PROBLEM_CORRUPT, "larger than 8 MiB");
    free(file);
}

static void zstd_of_before_version_1_and_dictionaries_are_refused(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_hex(file, "27 b5 2f fd 04 58 61 00 00 00 01 01");
    assert_fails(CODING_ZSTD, file, PROBLEM_CORRUPT, "does not begin with a zstd frame");
    file->n = 0;
    put_hex(file, "28 b5 2f fd 01 68 07 19 00 00 61 62 63");
    assert_fails(CODING_ZSTD, file, PROBLEM_CORRUPT, "ictionary");
    free(file);
}

static void lz4_of_before_frames_and_dictionaries_are_refused(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_hex(file, "02 21 4c 18 0d 00 00 00 c0 00 01 01 00 00 01 02 00 00 00 02 00");
    assert_fails(CODING_LZ4, file, PROBLEM_CORRUPT, "does not begin with an lz4 frame");
    file->n = 0; /* version 1, independent blocks, a dictionary's number */
    put_hex(file, "04 22 4d 18 61 40 01 00 00 00 27 00 00 00 00");
    assert_fails(CODING_LZ4, file, PROBLEM_CORRUPT, "dictionary");
    free(file);
}

static void a_stream_that_failed_stays_failed(void **state)
{
    struct problem problem = {0};
    struct coding *coding = coding_new(CODING_GZIP, picture, 12, POINTER, &problem);
    uint8_t byte;

    (void)state;
    assert_false(coding_read(coding, &byte, 1, &problem));
    memset(&problem, 0, sizeof(problem));
    assert_false(coding_read(coding, &byte, 1, &problem));
    assert_int_equal(problem.code, PROBLEM_CORRUPT);
    coding_free(coding);
    coding_free(NULL);
}

/* The tail is damaged: finish can only say "trailing bytes" if it did not inflate as far as that.
 */
static void surplus_is_found_without_inflating_it(void **state)
{
    const size_t n = 8000000;
    uint8_t *zeros = calloc(1, n), out[1000];

    (void)state;
    assert_non_null(zeros);
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        struct problem problem = {0};
        size_t n_encoded;
        uint8_t *encoded = encode(kind, zeros, n, &n_encoded);
        struct coding *coding;

        memset(encoded + n_encoded / 2, 0xff, n_encoded - n_encoded / 2);
        coding = coding_new(kind, encoded, n_encoded, POINTER, &problem);
        assert_true(coding_read(coding, out, 1000, &problem));
        assert_false(coding_finish(coding, &problem));
        assert_int_equal(problem.code, PROBLEM_TRAILING_BYTES);
        assert_non_null(strstr(problem.detail, "complete after 1000 bytes"));
        coding_free(coding);
        free(encoded);
    }
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_beyond_the_input_is_read),
        cmocka_unit_test(every_truncation_is_called_truncated),
        cmocka_unit_test(every_flip_fails_or_decodes_the_same),
        cmocka_unit_test(each_byte_of_a_checksum_or_length_is_checked),
        cmocka_unit_test(bytes_after_a_stream_are_trailing_bytes),
        cmocka_unit_test(raw_deflate_and_dictionaries_are_refused_in_words),
        cmocka_unit_test(a_match_before_the_first_byte_near_the_end_is_corrupt),
        cmocka_unit_test(zstd_windows_end_at_8_mib),
        cmocka_unit_test(zstd_of_before_version_1_and_dictionaries_are_refused),
        cmocka_unit_test(lz4_of_before_frames_and_dictionaries_are_refused),
        cmocka_unit_test(a_stream_that_failed_stays_failed),
        cmocka_unit_test(surplus_is_found_without_inflating_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
