/* coding_streams.h - encoded streams for the tests of coding.c: made, decoded, refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_CODING_STREAMS_H
#define TESTS_CODING_STREAMS_H

#include "mask_files.h"

/* Decode a stream to its end, n_piece bytes at a time. */
static inline struct problem decode(enum coding_kind kind, const uint8_t *bytes, size_t n_bytes,
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

static inline void assert_decodes(enum coding_kind kind, const struct file *file,
                                  const void *expected, size_t n_expected)
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

static inline void assert_fails(enum coding_kind kind, const struct file *file,
                                enum problem_code code, const char *words)
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

/* Label-like runs with some noise, so that all of deflate's block types and long matches occur. */
static inline uint8_t *volume(size_t n)
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
static inline uint8_t *encode(enum coding_kind kind, const uint8_t *bytes, size_t n, size_t *ret_n)
{
    size_t cap = n + n / 8 + 1024;
    uint8_t *out = malloc(cap);
    z_stream stream = {0};

    assert_non_null(out);
    if (kind == CODING_ZSTD) {
        *ret_n = ZSTD_compress(out, cap, bytes, n, 3);
        return out;
    }
    if (kind == CODING_LZ4) {
        LZ4F_preferences_t preferences = {
            .frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled}};

        *ret_n = LZ4F_compressFrame(out, cap, bytes, n, &preferences);
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

#endif
