/* mask_files.h - mask files in memory, and reading them whole; for the tests of proto's decoders.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MASK_FILES_H
#define TESTS_MASK_FILES_H

#include "proto/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the above */
#include <cmocka.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#define POINTER "#/prediction"

/* A file being put together; grows no further than its room. */
struct file {
    size_t n;
    uint8_t bytes[1 << 16];
};

/* The picture that every format holds, 3 rows of 4, in C order and in Fortran order. */
static const uint8_t picture[12] = {0, 1, 1, 0, 0, 1, 2, 0, 0, 0, 2, 0};
static const uint8_t picture_f[12] = {0, 0, 0, 1, 1, 0, 1, 2, 2, 0, 0, 0};

/* ---- the environment ------------------------------------------------------------------------- */

static uint64_t budget_used, budget_most, budget_bytes;

static inline bool test_take(uint64_t n_bytes)
{
    if (n_bytes > budget_bytes - budget_used)
        return false;
    budget_used += n_bytes;
    budget_most = budget_used > budget_most ? budget_used : budget_most;
    return true;
}

static inline void test_give(uint64_t n_bytes)
{
    assert_true(n_bytes <= budget_used);
    budget_used -= n_bytes;
}

static inline struct env test_env(void)
{
    struct env env = {
        .budget_bytes = UINT64_MAX, .memory_take = test_take, .memory_give = test_give};

    env.limits.decoded_bytes = 1 << 24;
    env.limits.voxels = 1 << 24;
    env.limits.json_depth = 32;
    env.limits.json_values = 65536;
    budget_used = 0;
    budget_most = 0;
    budget_bytes = 1 << 24;
    return env;
}

/* What the sources of source_of say beside their files. */
static json_t *source_options;

static inline struct source source_of(const uint8_t *bytes, size_t n_bytes)
{
    struct source source = {.pointer = POINTER,
                            .bytes = bytes,
                            .n_bytes = n_bytes,
                            .format = FORMAT_AUTO,
                            .coding = CODING_AUTO,
                            .options = source_options};
    return source;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct outcome {
    struct problem problem; /* code is PROBLEM_NONE where all went well */
    struct mask_header header;
    uint8_t voxels[1 << 16];
};

static inline void drain(struct reader *reader, size_t tile, struct outcome *ret)
{
    size_t size = ov_dtype_bytes(ret->header.encoding.dtype);
    size_t done = 0, n_voxels = (size_t)ret->header.n_voxels;
    void *room = malloc(tile * size);

    assert_non_null(room);
    while (done < n_voxels) {
        size_t n = n_voxels - done < tile ? n_voxels - done : tile;
        const void *found = reader_tile(reader, n, room, &ret->problem);

        if (found == NULL)
            break;
        if ((done + n) * size <= sizeof(ret->voxels))
            memcpy(ret->voxels + done * size, found, n * size);
        done += n;
    }
    assert_int_equal(done == n_voxels, ret->problem.code == PROBLEM_NONE);
    if (done == n_voxels) {
        bool good = reader_finish(reader, &ret->problem);

        assert_int_equal(good, ret->problem.code == PROBLEM_NONE);
    }
    free(room);
}

/* Read a mask to its end, in tiles of so many voxels. Whatever fails has said what. */
static inline void read_mask(const struct source *source, const struct env *env, size_t tile,
                             struct outcome *ret)
{
    struct reader *reader;

    memset(ret, 0, sizeof(*ret));
    reader = reader_new(source, env, &ret->problem);
    assert_int_equal(reader != NULL, ret->problem.code == PROBLEM_NONE);
    if (reader != NULL) {
        ret->header = *reader_header(reader);
        drain(reader, tile, ret);
    }
    reader_free(reader);
    assert_int_equal(budget_used, 0);
    if (ret->problem.code != PROBLEM_NONE) {
        assert_string_equal(ret->problem.pointer, source->pointer);
        assert_true(strlen(ret->problem.detail) > 10);
    }
}

static inline void read_file(const struct file *file, struct outcome *ret)
{
    struct env env = test_env();
    struct source source = source_of(file->bytes, file->n);

    read_mask(&source, &env, 5, ret);
}

static inline void assert_problem(const struct outcome *outcome, enum problem_code code,
                                  const char *words)
{
    if (outcome->problem.code != code || strstr(outcome->problem.detail, words) == NULL)
        fail_msg("problem %s: %s", problem_name(outcome->problem.code), outcome->problem.detail);
}

static inline void assert_file_problem(const struct file *file, enum problem_code code,
                                       const char *words)
{
    struct outcome *outcome = malloc(sizeof(*outcome));

    assert_non_null(outcome);
    read_file(file, outcome);
    assert_problem(outcome, code, words);
    free(outcome);
}

/* The file is a mask of these voxels, whatever the size of the tiles. */
static inline void assert_voxels(const struct file *file, const void *voxels, size_t n_bytes)
{
    static const size_t tiles[] = {1, 2, 7, 65536};
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();
    struct source source = source_of(file->bytes, file->n);

    assert_non_null(outcome);
    for (size_t i = 0; i < 4; i++) {
        read_mask(&source, &env, tiles[i], outcome);
        assert_problem(outcome, PROBLEM_NONE, "");
        assert_int_equal(outcome->header.n_bytes, n_bytes);
        assert_memory_equal(outcome->voxels, voxels, n_bytes);
    }
    free(outcome);
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* Read a copy of which every byte is the heap's own, so that sanitizers see a byte too many. */
static inline void read_copy(const struct file *file, size_t n, struct outcome *ret)
{
    struct env env = test_env();
    uint8_t *bytes = malloc(n > 0 ? n : 1);
    struct source source = source_of(bytes, n);

    assert_non_null(bytes);
    memcpy(bytes, file->bytes, n);
    read_mask(&source, &env, 5, ret);
    free(bytes);
}

static inline void every_truncation_is_a_problem(const struct file *file)
{
    struct outcome *outcome = malloc(sizeof(*outcome));

    assert_non_null(outcome);
    for (size_t n = 0; n < file->n; n++) {
        read_copy(file, n, outcome);
        if (outcome->problem.code == PROBLEM_NONE)
            fail_msg("cut to %zu bytes of %zu, it is read", n, file->n);
    }
    free(outcome);
}

/* An axis that is not there is one voxel long. */
static inline uint64_t extent(const struct mask_header *header, int axis)
{
    return axis < header->ndim ? header->shape[axis] : 1;
}

/* Every byte changed in nine ways gives a problem, or a mask of the same shape. */
static inline void every_flip_is_a_problem_or_harmless(const struct file *file)
{
    struct file *broken = malloc(sizeof(*broken));
    struct outcome *good = malloc(sizeof(*good)), *outcome = malloc(sizeof(*outcome));

    assert_non_null(broken);
    assert_non_null(good);
    assert_non_null(outcome);
    read_file(file, good);
    assert_problem(good, PROBLEM_NONE, "");
    for (size_t i = 0; i < 9 * file->n; i++) {
        *broken = *file;
        broken->bytes[i / 9] ^= (uint8_t)(i % 9 == 8 ? 0xff : 1 << i % 9);
        read_copy(broken, broken->n, outcome);
        if (outcome->problem.code != PROBLEM_NONE)
            continue;
        for (int axis = 0; axis < OV_MAX_NDIM; axis++)
            assert_int_equal(extent(&outcome->header, axis), extent(&good->header, axis));
    }
    free(outcome);
    free(good);
    free(broken);
}

/* ---- writing --------------------------------------------------------------------------------- */

static inline void put(struct file *file, const void *bytes, size_t n)
{
    assert_true(file->n + n <= sizeof(file->bytes));
    memcpy(file->bytes + file->n, bytes, n);
    file->n += n;
}

static inline void put_little(struct file *file, uint64_t value, size_t n_bytes)
{
    for (; n_bytes > 0; n_bytes--) {
        uint8_t byte = (uint8_t)value;

        put(file, &byte, 1);
        value >>= 8;
    }
}

/* "89 50 4e 47 ..." */
static inline void put_hex(struct file *file, const char *hex)
{
    unsigned byte;
    int n;

    for (; sscanf(hex, "%2x%n", &byte, &n) == 1; hex += n) {
        uint8_t value = (uint8_t)byte;

        put(file, &value, 1);
    }
}

static inline void put_u32_big(struct file *file, uint32_t value)
{
    uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                        (uint8_t)value};
    put(file, bytes, 4);
}

/* A chunk of a PNG. */
static inline void put_chunk(struct file *file, const char *type, const void *bytes, size_t n)
{
    size_t start;

    put_u32_big(file, (uint32_t)n);
    start = file->n;
    put(file, type, 4);
    put(file, bytes, n);
    put_u32_big(file, (uint32_t)crc32(0, file->bytes + start, (uInt)(file->n - start)));
}

/* Deflate by zlib; window_bits as zlib's: 15 zlib, 31 gzip, -15 raw. */
static inline void put_deflated(struct file *file, const void *bytes, size_t n, int window_bits)
{
    z_stream stream = {0};

    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), 0);
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)n;
    stream.next_out = file->bytes + file->n;
    stream.avail_out = (uInt)(sizeof(file->bytes) - file->n);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    file->n += stream.total_out;
    deflateEnd(&stream);
}

static inline void put_zstd(struct file *file, const void *bytes, size_t n)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    size_t n_out;

    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
    n_out = ZSTD_compress2(ctx, file->bytes + file->n, sizeof(file->bytes) - file->n, bytes, n);
    assert_false(ZSTD_isError(n_out));
    file->n += n_out;
    ZSTD_freeCCtx(ctx);
}

static inline void put_lz4(struct file *file, const void *bytes, size_t n)
{
    LZ4F_preferences_t preferences = {
        .frameInfo = {.contentChecksumFlag = LZ4F_contentChecksumEnabled, .contentSize = n}};
    size_t n_out = LZ4F_compressFrame(file->bytes + file->n, sizeof(file->bytes) - file->n, bytes,
                                      n, &preferences);

    assert_false(LZ4F_isError(n_out));
    file->n += n_out;
}

static inline void put_coded(struct file *file, enum coding_kind kind, const void *bytes, size_t n)
{
    switch (kind) {
    case CODING_GZIP:
        put_deflated(file, bytes, n, 31);
        break;
    case CODING_ZLIB:
        put_deflated(file, bytes, n, 15);
        break;
    case CODING_ZSTD:
        put_zstd(file, bytes, n);
        break;
    case CODING_LZ4:
        put_lz4(file, bytes, n);
        break;
    default:
        put(file, bytes, n);
        break;
    }
}

/* An NPY of version 1.0 with this dict. */
static inline void put_npy(struct file *file, const char *dict, const void *bytes, size_t n)
{
    size_t n_dict = strlen(dict);
    uint8_t length[2] = {(uint8_t)n_dict, (uint8_t)(n_dict >> 8)};

    put(file, "\x93NUMPY\x01\x00", 8);
    put(file, length, 2);
    put(file, dict, n_dict);
    put(file, bytes, n);
}

static inline struct file *file_new(void)
{
    struct file *file = calloc(1, sizeof(*file));

    assert_non_null(file);
    return file;
}

#endif
