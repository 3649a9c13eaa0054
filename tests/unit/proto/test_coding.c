/* test_coding.c - gzip, zlib and zstd streams, whole, in pieces, concatenated and damaged. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mask_files.h"
#include "proto/proto.h"

#include <sys/mman.h>

/* The picture as reference/wire.md has it: Python's gzip and zlib, the zstd command. */
static const char gzip_hex[] =
    "1f 8b 08 00 00 00 00 00 02 03 63 60 64 64 60 60 64 62 60 60 60 62 00 00"
    " ac ba 10 8c 0c 00 00 00";
static const char zlib_hex[] = "78 9c 63 60 64 64 60 60 64 62 60 60 60 62 00 00 00 38 00 08";
static const char zstd_hex[] =
    "28 b5 2f fd 04 58 61 00 00 00 01 01 00 00 01 02 00 00 00 02 00 18 a0 87"
    " b0";

/* Decode a stream to its end, n_piece bytes at a time. */
static struct problem decode(enum coding_kind kind, const uint8_t *bytes, size_t n_bytes,
                             size_t n_piece, uint8_t *out, size_t cap, size_t *ret_n)
{
    struct problem problem = {0};
    struct coding *coding = coding_new(kind, bytes, n_bytes, POINTER, &problem);
    size_t done = 0, n = n_piece;

    assert_non_null(coding);
    while (n == n_piece && done < cap) {
        size_t n_ask = cap - done < n_piece ? cap - done : n_piece;

        if (!coding_read_some(coding, out + done, n_ask, &n, &problem))
            break;
        done += n;
    }
    if (problem.code == PROBLEM_NONE) {
        bool good = coding_finish(coding, &problem);

        assert_int_equal(good, problem.code == PROBLEM_NONE);
    }
    coding_free(coding);
    *ret_n = done;
    return problem;
}

static void assert_decodes(enum coding_kind kind, const struct file *file, const void *expected,
                           size_t n_expected)
{
    static const size_t pieces[] = {1, 2, 7, 12, 4096};
    uint8_t *out = malloc(n_expected + 1);
    size_t n;

    assert_non_null(out);
    for (size_t i = 0; i < 5; i++) {
        struct problem problem =
            decode(kind, file->bytes, file->n, pieces[i], out, n_expected + 1, &n);

        assert_string_equal(problem.detail, "");
        assert_int_equal(n, n_expected);
        assert_memory_equal(out, expected, n);
    }
    free(out);
}

static void assert_fails(enum coding_kind kind, const struct file *file, enum problem_code code,
                         const char *words)
{
    uint8_t out[4096];
    size_t n;

    for (size_t piece = 1; piece <= 4096; piece *= 64) {
        struct problem problem = decode(kind, file->bytes, file->n, piece, out, sizeof(out), &n);

        if (problem.code != code || strstr(problem.detail, words) == NULL)
            fail_msg("%s: %s", problem_name(problem.code), problem.detail);
        assert_string_equal(problem.pointer, POINTER);
    }
}

static void names_are_found_and_nothing_else(void **state)
{
    (void)state;
    for (enum coding_kind kind = CODING_NONE; kind < CODING_N; kind++)
        assert_int_equal(coding_find(coding_name(kind), strlen(coding_name(kind))), kind);
    assert_int_equal(coding_find("gzi", 3), CODING_N);
    assert_int_equal(coding_find("gzipx", 5), CODING_N);
    assert_int_equal(coding_find("deflate", 7), CODING_N);
    assert_string_equal(coding_name(CODING_AUTO), "auto");
}

static void http_names_ignore_case_and_know_x_gzip(void **state)
{
    (void)state;
    assert_int_equal(coding_find_http("GZip"), CODING_GZIP);
    assert_int_equal(coding_find_http("X-gzip"), CODING_GZIP);
    assert_int_equal(coding_find_http("deflate"), CODING_ZLIB);
    assert_int_equal(coding_find_http("Zstd"), CODING_ZSTD);
    assert_int_equal(coding_find_http("identity"), CODING_NONE);
    assert_int_equal(coding_find_http("br"), CODING_N);
    assert_int_equal(coding_find_http(""), CODING_N);
    assert_string_equal(coding_accept(), "gzip, deflate, zstd");
}

static void gzip_and_zstd_are_sniffed_and_zlib_is_not(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_hex(file, gzip_hex);
    assert_int_equal(coding_sniff(file->bytes, file->n), CODING_GZIP);
    assert_int_equal(coding_sniff(file->bytes, 2), CODING_NONE);
    file->n = 0;
    put_hex(file, zstd_hex);
    assert_int_equal(coding_sniff(file->bytes, file->n), CODING_ZSTD);
    assert_int_equal(coding_sniff(file->bytes, 3), CODING_NONE);
    file->n = 0;
    put_hex(file, zlib_hex);
    assert_int_equal(coding_sniff(file->bytes, file->n), CODING_NONE);
    assert_int_equal(coding_sniff(NULL, 0), CODING_NONE);
    free(file);
}

static void published_streams_decode_in_pieces_of_any_size(void **state)
{
    static const char *const hex[] = {
        [CODING_GZIP] = gzip_hex, [CODING_ZLIB] = zlib_hex, [CODING_ZSTD] = zstd_hex};

    (void)state;
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        struct file *file = file_new();

        put_hex(file, hex[kind]);
        assert_decodes(kind, file, picture, sizeof(picture));
        free(file);
    }
}

static void empty_streams_are_empty_and_empty_input_is_truncated(void **state)
{
    struct file *file = file_new();

    (void)state;
    assert_decodes(CODING_NONE, file, "", 0);
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        file->n = 0;
        assert_fails(kind, file, PROBLEM_TRUNCATED, "after 0 bytes");
        put_coded(file, kind, "", 0);
        assert_decodes(kind, file, "", 0);
    }
    free(file);
}

/* Label-like runs with some noise, so that all of deflate's block types and long matches occur. */
static uint8_t *volume(size_t n)
{
    uint8_t *bytes = malloc(n);
    uint32_t random = 1;

    assert_non_null(bytes);
    for (size_t i = 0; i < n;) {
        size_t run;

        random = random * 1664525 + 1013904223;
        run = random >> 16 & (random >> 28 == 0 ? 0xffff : 0x1f);
        for (; run > 0 && i < n; run--)
            bytes[i++] = (uint8_t)(random >> 8 & 7);
    }
    return bytes;
}

/* Encode without put_coded's small room. */
static uint8_t *encode(enum coding_kind kind, const uint8_t *bytes, size_t n, size_t *ret_n)
{
    size_t cap = n + n / 8 + 1024;
    uint8_t *out = malloc(cap);
    z_stream stream = {0};

    assert_non_null(out);
    if (kind == CODING_ZSTD) {
        *ret_n = ZSTD_compress(out, cap, bytes, n, 3);
        return out;
    }
    assert_int_equal(
        deflateInit2(&stream, 6, Z_DEFLATED, kind == CODING_GZIP ? 31 : 15, 8, Z_DEFAULT_STRATEGY),
        0);
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)n;
    stream.next_out = out;
    stream.avail_out = (uInt)cap;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *ret_n = stream.total_out;
    deflateEnd(&stream);
    return out;
}

static void megabytes_decode_in_odd_pieces(void **state)
{
    static const size_t pieces[] = {977, 32767, 32768, 65536, 65793, 300001, 3000000};
    const size_t n = 3000000;
    uint8_t *bytes = volume(n), *out = malloc(n + 1);

    (void)state;
    assert_non_null(out);
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        size_t n_encoded, n_decoded;
        uint8_t *encoded = encode(kind, bytes, n, &n_encoded);

        for (size_t i = 0; i < 7; i++) {
            struct problem problem =
                decode(kind, encoded, n_encoded, pieces[i], out, n + 1, &n_decoded);

            assert_string_equal(problem.detail, "");
            assert_int_equal(n_decoded, n);
            assert_memory_equal(out, bytes, n);
        }
        free(encoded);
    }
    free(out);
    free(bytes);
}

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
        [CODING_GZIP] = 8, [CODING_ZLIB] = 4, [CODING_ZSTD] = 4};
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

static void gzip_members_are_joined_and_empty_ones_allowed(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_coded(file, CODING_GZIP, "", 0);
    put_coded(file, CODING_GZIP, picture, 5);
    put_coded(file, CODING_GZIP, "", 0);
    put_coded(file, CODING_GZIP, picture + 5, 7);
    put_coded(file, CODING_GZIP, "", 0);
    assert_decodes(CODING_GZIP, file, picture, sizeof(picture));
    put_hex(file, "1f 8b 08");
    assert_fails(CODING_GZIP, file, PROBLEM_TRUNCATED, "gzip data ends");
    put_hex(file, "00 00 00 00 00 00 00 07");
    assert_fails(CODING_GZIP, file, PROBLEM_CORRUPT, "deflate block");
    free(file);
}

static void gzip_headers_may_have_every_field(void **state)
{
    struct file *file = file_new(), *plain = file_new();
    uint32_t crc;
    uint8_t crc_bytes[2];

    (void)state;
    put_hex(plain, gzip_hex);
    put_hex(file, "1f 8b 08 1f 00 00 00 00 02 03  03 00 61 62 63  6e 61 6d 65 00  63 00");
    crc = (uint32_t)crc32(0, file->bytes, (uInt)file->n);
    crc_bytes[0] = (uint8_t)crc;
    crc_bytes[1] = (uint8_t)(crc >> 8);
    put(file, crc_bytes, 2);
    put(file, plain->bytes + 10, plain->n - 10);
    assert_decodes(CODING_GZIP, file, picture, sizeof(picture));
    file->bytes[22] ^= 1;
    assert_fails(CODING_GZIP, file, PROBLEM_CORRUPT, "gzip header");
    free(plain);
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

static void zstd_frames_are_joined_and_skippable_ones_skipped(void **state)
{
    static const char skippable[] = "50 2a 4d 18 03 00 00 00 61 62 63";
    struct file *file = file_new();

    (void)state;
    put_hex(file, skippable);
    put_zstd(file, picture, 5);
    put_hex(file, skippable);
    put_zstd(file, picture + 5, 7);
    put_hex(file, "5f 2a 4d 18 00 00 00 00");
    assert_decodes(CODING_ZSTD, file, picture, sizeof(picture));
    put_hex(file, "5f 2a 4d 18 00 01 00 00");
    assert_fails(CODING_ZSTD, file, PROBLEM_TRUNCATED, "zstd data ends");
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

static void peeking_moves_nothing(void **state)
{
    uint8_t *bytes = volume(3000), out[3000];
    struct file *file = file_new();

    (void)state;
    for (enum coding_kind kind = CODING_NONE; kind < CODING_N; kind++) {
        struct problem problem = {0};
        const uint8_t *peeked;
        struct coding *coding;
        size_t n;

        file->n = 0;
        put_coded(file, kind, bytes, 3000);
        coding = coding_new(kind, file->bytes, file->n, POINTER, &problem);
        assert_true(coding_peek(coding, 10, &peeked, &n, &problem));
        assert_int_equal(n, 10);
        assert_true(coding_read(coding, out, 4, &problem));
        assert_true(coding_peek(coding, 5000, &peeked, &n, &problem));
        assert_int_equal(n, CODING_PEEK_BYTES);
        assert_memory_equal(peeked, bytes + 4, n);
        assert_true(coding_read(coding, out + 4, 2900, &problem));
        assert_true(coding_peek(coding, 1024, &peeked, &n, &problem));
        assert_int_equal(n, 96);
        assert_false(coding_finish(coding, &problem));
        assert_int_equal(problem.code, PROBLEM_TRAILING_BYTES);
        memset(&problem, 0, sizeof(problem));
        assert_true(coding_read(coding, out + 2904, 95, &problem));
        assert_true(coding_peek(coding, 1, &peeked, &n, &problem));
        assert_int_equal(n, 0);
        assert_true(coding_finish(coding, &problem));
        coding_free(coding);
    }
    free(file);
    free(bytes);
}

static void borrowing_is_for_plain_bytes(void **state)
{
    struct problem problem = {0};
    struct coding *coding = coding_new(CODING_NONE, picture, 12, POINTER, &problem);
    struct file *file = file_new();

    (void)state;
    assert_ptr_equal(coding_borrow(coding, 5), picture);
    assert_null(coding_borrow(coding, 8));
    assert_ptr_equal(coding_borrow(coding, 7), picture + 5);
    assert_true(coding_finish(coding, &problem));
    coding_free(coding);
    put_hex(file, zlib_hex);
    coding = coding_new(CODING_ZLIB, file->bytes, file->n, POINTER, &problem);
    assert_null(coding_borrow(coding, 1));
    coding_free(coding);
    free(file);
}

static void reading_exactly_says_what_is_missing(void **state)
{
    uint8_t out[32];

    (void)state;
    for (enum coding_kind kind = CODING_NONE; kind < CODING_N; kind++) {
        struct problem problem = {0};
        struct file *file = file_new();
        struct coding *coding;

        put_coded(file, kind, picture, 12);
        coding = coding_new(kind, file->bytes, file->n, POINTER, &problem);
        assert_false(coding_read(coding, out, 20, &problem));
        assert_int_equal(problem.code, PROBLEM_TRUNCATED);
        assert_non_null(strstr(problem.detail, "ends after 12 bytes; at least 8 more"));
        coding_free(coding);
        free(file);
    }
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
        cmocka_unit_test(names_are_found_and_nothing_else),
        cmocka_unit_test(http_names_ignore_case_and_know_x_gzip),
        cmocka_unit_test(gzip_and_zstd_are_sniffed_and_zlib_is_not),
        cmocka_unit_test(published_streams_decode_in_pieces_of_any_size),
        cmocka_unit_test(empty_streams_are_empty_and_empty_input_is_truncated),
        cmocka_unit_test(megabytes_decode_in_odd_pieces),
        cmocka_unit_test(nothing_beyond_the_input_is_read),
        cmocka_unit_test(every_truncation_is_called_truncated),
        cmocka_unit_test(every_flip_fails_or_decodes_the_same),
        cmocka_unit_test(each_byte_of_a_checksum_or_length_is_checked),
        cmocka_unit_test(bytes_after_a_stream_are_trailing_bytes),
        cmocka_unit_test(gzip_members_are_joined_and_empty_ones_allowed),
        cmocka_unit_test(gzip_headers_may_have_every_field),
        cmocka_unit_test(raw_deflate_and_dictionaries_are_refused_in_words),
        cmocka_unit_test(a_match_before_the_first_byte_near_the_end_is_corrupt),
        cmocka_unit_test(zstd_frames_are_joined_and_skippable_ones_skipped),
        cmocka_unit_test(zstd_windows_end_at_8_mib),
        cmocka_unit_test(zstd_of_before_version_1_and_dictionaries_are_refused),
        cmocka_unit_test(peeking_moves_nothing),
        cmocka_unit_test(borrowing_is_for_plain_bytes),
        cmocka_unit_test(reading_exactly_says_what_is_missing),
        cmocka_unit_test(a_stream_that_failed_stays_failed),
        cmocka_unit_test(surplus_is_found_without_inflating_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
