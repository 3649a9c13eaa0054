/* test_coding.c - gzip, zlib, zstd and lz4 streams, whole, in pieces, concatenated and damaged. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "coding_streams.h"
#include "proto/proto.h"

/* The picture as encoded by Python's gzip and zlib and by the zstd command. */
static const char gzip_hex[] =
    "1f 8b 08 00 00 00 00 00 02 03 63 60 64 64 60 60 64 62 60 60 60 62 00 00"
    " ac ba 10 8c 0c 00 00 00";
static const char zlib_hex[] = "78 9c 63 60 64 64 60 60 64 62 60 60 60 62 00 00 00 38 00 08";
static const char zstd_hex[] =
    "28 b5 2f fd 04 58 61 00 00 00 01 01 00 00 01 02 00 00 00 02 00 18 a0 87"
    " b0";
/* By the lz4 command, without a content size. */
static const char lz4_hex[] =
    "04 22 4d 18 64 40 a7 0c 00 00 80 00 01 01 00 00 01 02 00 00 00 02 00 00"
    " 00 00 00 e1 4d c4 7d";

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
    assert_int_equal(coding_find_http("lz4"), CODING_N);
    assert_int_equal(coding_find_http(""), CODING_N);
    assert_string_equal(coding_accept(), "gzip, deflate, zstd");
}

static void what_has_a_signature_is_sniffed_and_zlib_has_none(void **state)
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
    put_hex(file, lz4_hex);
    assert_int_equal(coding_sniff(file->bytes, file->n), CODING_LZ4);
    assert_int_equal(coding_sniff(file->bytes, 3), CODING_NONE);
    file->n = 0;
    put_hex(file, zlib_hex);
    assert_int_equal(coding_sniff(file->bytes, file->n), CODING_NONE);
    assert_int_equal(coding_sniff(NULL, 0), CODING_NONE);
    free(file);
}

static void published_streams_decode_in_pieces_of_any_size(void **state)
{
    static const char *const hex[] = {[CODING_GZIP] = gzip_hex,
                                      [CODING_ZLIB] = zlib_hex,
                                      [CODING_ZSTD] = zstd_hex,
                                      [CODING_LZ4] = lz4_hex};

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

static void lz4_frames_are_joined_and_skippable_ones_skipped(void **state)
{
    static const char skippable[] = "50 2a 4d 18 03 00 00 00 61 62 63";
    struct file *file = file_new();

    (void)state;
    put_hex(file, skippable);
    put_lz4(file, picture, 5);
    put_hex(file, skippable);
    put_lz4(file, picture + 5, 7);
    put_hex(file, "5f 2a 4d 18 00 00 00 00");
    assert_decodes(CODING_LZ4, file, picture, sizeof(picture));
    put_hex(file, "5f 2a 4d 18 00 01 00 00");
    assert_fails(CODING_LZ4, file, PROBLEM_TRUNCATED, "lz4 data ends");
    free(file);
}

/* Linked and independent blocks of every size, checksums of blocks, no content checksum. */
static void lz4_frames_of_every_kind_decode(void **state)
{
    const size_t n = 9000000, cap = n + n / 8;
    uint8_t *bytes = volume(n), *encoded = malloc(cap), *out = malloc(n + 1);

    (void)state;
    assert_non_null(encoded);
    assert_non_null(out);
    for (unsigned i = 0; i < 32; i++) {
        LZ4F_preferences_t preferences = {
            .frameInfo = {.blockSizeID = LZ4F_max64KB + i % 4,
                          .blockMode = i & 4 ? LZ4F_blockIndependent : LZ4F_blockLinked,
                          .contentChecksumFlag = i >> 3 & 1,
                          .blockChecksumFlag = i >> 4 & 1}};
        size_t n_encoded = LZ4F_compressFrame(encoded, cap, bytes, n, &preferences), n_decoded;
        struct problem problem =
            decode(CODING_LZ4, encoded, n_encoded, i % 2 ? 65536 : 777777, out, n + 1, &n_decoded);

        assert_string_equal(problem.detail, "");
        assert_int_equal(n_decoded, n);
        assert_memory_equal(out, bytes, n);
    }
    free(out);
    free(encoded);
    free(bytes);
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
    size_t n;

    (void)state;
    assert_ptr_equal(coding_borrow(coding, 5), picture);
    assert_null(coding_borrow(coding, 8));
    assert_ptr_equal(coding_borrow(coding, 7), picture + 5);
    assert_true(coding_finish(coding, &problem));
    coding_free(coding);
    coding = coding_new(CODING_NONE, picture, 12, POINTER, &problem);
    assert_ptr_equal(coding_borrow(coding, 5), picture);
    assert_ptr_equal(coding_borrow_rest(coding, &n), picture + 5);
    assert_int_equal(n, 7);
    assert_true(coding_finish(coding, &problem));
    coding_free(coding);
    put_hex(file, zlib_hex);
    coding = coding_new(CODING_ZLIB, file->bytes, file->n, POINTER, &problem);
    assert_null(coding_borrow(coding, 1));
    assert_null(coding_borrow_rest(coding, &n));
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

/* Read by gzip -l and zstd -l: 12 bytes. A trailer that no deflate data can fulfil is not believed.
 */
static void what_an_encoding_says_of_its_size_is_read(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_hex(file, gzip_hex);
    assert_int_equal(coding_least_bytes(CODING_GZIP, file->bytes, file->n), 12);
    assert_int_equal(coding_least_bytes(CODING_GZIP, file->bytes, 19), 0);
    assert_int_equal(coding_least_bytes(CODING_GZIP, file->bytes, 0), 0);
    assert_int_equal(coding_least_bytes(CODING_ZLIB, file->bytes, file->n), 0);
    file->bytes[file->n - 3] = 0x80; /* 32780 of 33 */
    assert_int_equal(coding_least_bytes(CODING_GZIP, file->bytes, file->n), 32780);
    file->bytes[file->n - 2] = 0x01;
    assert_int_equal(coding_least_bytes(CODING_GZIP, file->bytes, file->n), 0);
    file->n = 0;
    put_hex(file, "28 b5 2f fd 20 0c 61 00 00 00 01 01 00 00 01 02 00 00 00 02 00");
    assert_int_equal(coding_least_bytes(CODING_ZSTD, file->bytes, file->n), 12);
    assert_int_equal(coding_least_bytes(CODING_ZSTD, file->bytes, 5), 0);
    file->n = 0;
    put_hex(file, zstd_hex); /* from a pipe: it does not say */
    assert_int_equal(coding_least_bytes(CODING_ZSTD, file->bytes, file->n), 0);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_and_nothing_else),
        cmocka_unit_test(http_names_ignore_case_and_know_x_gzip),
        cmocka_unit_test(what_has_a_signature_is_sniffed_and_zlib_has_none),
        cmocka_unit_test(published_streams_decode_in_pieces_of_any_size),
        cmocka_unit_test(empty_streams_are_empty_and_empty_input_is_truncated),
        cmocka_unit_test(megabytes_decode_in_odd_pieces),
        cmocka_unit_test(gzip_members_are_joined_and_empty_ones_allowed),
        cmocka_unit_test(gzip_headers_may_have_every_field),
        cmocka_unit_test(zstd_frames_are_joined_and_skippable_ones_skipped),
        cmocka_unit_test(lz4_frames_are_joined_and_skippable_ones_skipped),
        cmocka_unit_test(lz4_frames_of_every_kind_decode),
        cmocka_unit_test(what_an_encoding_says_of_its_size_is_read),
        cmocka_unit_test(peeking_moves_nothing),
        cmocka_unit_test(borrowing_is_for_plain_bytes),
        cmocka_unit_test(reading_exactly_says_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
