/* test_reader.c - which format a mask is, and the limits that every format obeys. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mask_files.h"

#define DICT "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4), }\n"

static struct file *npy_new(void)
{
    struct file *file = file_new();

    put_npy(file, DICT, picture, 12);
    return file;
}

static void assert_source_problem(const struct source *source, enum problem_code code,
                                  const char *words)
{
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();

    assert_non_null(outcome);
    read_mask(source, &env, 5, outcome);
    assert_problem(outcome, code, words);
    free(outcome);
}

static void names_are_found_and_nothing_else(void **state)
{
    (void)state;
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++)
        assert_int_equal(format_find(format_name(kind), strlen(format_name(kind))), kind);
    assert_int_equal(format_find("np", 2), FORMAT_N);
    assert_int_equal(format_find("NPY", 3), FORMAT_N);
    assert_int_equal(format_find("", 0), FORMAT_N);
    assert_string_equal(format_name(FORMAT_AUTO), "auto");
}

static void a_mask_is_read_in_any_coding(void **state)
{
    struct file *plain = npy_new();
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    for (enum coding_kind kind = CODING_NONE; kind < CODING_N; kind++) {
        struct file *file = file_new();
        struct env env = test_env();
        struct source source;

        put_coded(file, kind, plain->bytes, plain->n);
        source = source_of(file->bytes, file->n);
        source.coding = kind == CODING_ZLIB ? CODING_ZLIB : CODING_AUTO;
        source.format = kind == CODING_GZIP ? FORMAT_NPY : FORMAT_AUTO;
        read_mask(&source, &env, 5, outcome);
        assert_problem(outcome, PROBLEM_NONE, "");
        assert_int_equal(outcome->header.coding, kind);
        assert_memory_equal(outcome->voxels, picture, 12);
        free(file);
    }
    free(outcome);
    free(plain);
}

static void gzip_within_gzip_is_refused(void **state)
{
    struct file *plain = npy_new(), *once = file_new(), *twice = file_new();

    (void)state;
    put_coded(once, CODING_GZIP, plain->bytes, plain->n);
    put_coded(twice, CODING_GZIP, once->bytes, once->n);
    assert_file_problem(twice, PROBLEM_UNKNOWN_FORMAT, "are those of gzip");
    twice->n = 0;
    put_coded(twice, CODING_ZSTD, once->bytes, once->n);
    assert_file_problem(twice, PROBLEM_UNKNOWN_FORMAT, "are those of gzip");
    free(twice);
    free(once);
    free(plain);
}

static void a_coding_that_is_said_is_believed(void **state)
{
    struct file *file = npy_new();
    struct source source = source_of(file->bytes, file->n);

    (void)state;
    source.coding = CODING_GZIP;
    assert_source_problem(&source, PROBLEM_CORRUPT, "gzip header");
    source.coding = CODING_ZLIB;
    assert_source_problem(&source, PROBLEM_CORRUPT, "raw deflate");
    source.coding = CODING_ZSTD;
    assert_source_problem(&source, PROBLEM_CORRUPT, "zstd frame");
    source.coding = CODING_LZ4;
    assert_source_problem(&source, PROBLEM_CORRUPT, "lz4 frame");
    free(file);
}

static void a_format_that_is_said_must_fit_the_bytes(void **state)
{
    struct file *file = npy_new();
    struct source source = source_of(file->bytes, file->n);

    (void)state;
    source.format = FORMAT_NPY;
    assert_source_problem(&source, PROBLEM_NONE, "");
    source.format = FORMAT_PNG;
    assert_source_problem(&source, PROBLEM_FORMAT_MISMATCH,
                          "said to be png, but its first bytes are those of npy");
    source.format = FORMAT_NIFTI;
    assert_source_problem(&source, PROBLEM_FORMAT_MISMATCH, "those of npy");
    memcpy(file->bytes, "PK\x03\x04", 4);
    assert_source_problem(&source, PROBLEM_FORMAT_MISMATCH, "those of npz");
    memcpy(file->bytes, "????", 4);
    assert_source_problem(&source, PROBLEM_FORMAT_MISMATCH, "first bytes are not.");
    free(file);
}

static void first_bytes_win_over_the_file_name(void **state)
{
    struct file *file = npy_new();
    struct source source = source_of(file->bytes, file->n);

    (void)state;
    source.filename = "mask.png";
    assert_source_problem(&source, PROBLEM_NONE, "");
    file->bytes[0] = '?';
    assert_source_problem(&source, PROBLEM_BAD_MASK, "PNG");
    source.filename = "MASK.NPY.zst";
    assert_source_problem(&source, PROBLEM_FORMAT_MISMATCH, "NPY");
    source.filename = "mask.nii.gz";
    assert_source_problem(&source, PROBLEM_FORMAT_MISMATCH, "NIfTI");
    source.filename = "mask.seg.nrrd.lz4";
    assert_source_problem(&source, PROBLEM_FORMAT_MISMATCH, "NRRD");
    source.filename = "mask.mha";
    assert_source_problem(&source, PROBLEM_BAD_MASK, "MetaImage");
    source.filename = "npy";
    assert_source_problem(&source, PROBLEM_UNKNOWN_FORMAT, "3f 4e 55 4d 50 59 01 00");
    free(file);
}

static void what_it_is_instead_is_named(void **state)
{
    static const struct {
        size_t at, n;
        const char *bytes, *words;
    } cases[] = {{0, 4, "\xff\xd8\xff\xe0", "JPEG"},
                 {0, 8, "\x89HDF\r\n\x1a\n", "HDF5"},
                 {0, 4, "BZh9", "are those of bzip2."},
                 {0, 6, "\xfd\x37zXZ\0", "those of xz."},
                 {0, 6, "GIF89a", "those of GIF."},
                 {0, 12, "RIFF\x0c\x05\0\0WEBP", "those of WebP."},
                 {0, 8, "\0\0\0\x0cjP  ", "those of JPEG 2000."},
                 {0, 8, "\0\0\0\1\0\0\0\x80", "those of MGH; convert it to NIfTI"},
                 {0, 1, "?", "of no format known here. Supported are npy, nifti, png, "}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct file *file = file_new();

        memcpy(file->bytes + cases[i].at, cases[i].bytes, cases[i].n);
        file->n = cases[i].at + cases[i].n;
        assert_file_problem(file, PROBLEM_UNKNOWN_FORMAT, cases[i].words);
        free(file);
    }
}

static void an_empty_mask_is_truncated(void **state)
{
    struct source source = source_of(NULL, 0);
    struct file *file = file_new();

    (void)state;
    assert_source_problem(&source, PROBLEM_TRUNCATED, "The mask is empty");
    source.format = FORMAT_NPY;
    source.filename = "mask.npy";
    assert_source_problem(&source, PROBLEM_TRUNCATED, "The mask is empty");
    put_coded(file, CODING_GZIP, "", 0);
    assert_file_problem(file, PROBLEM_TRUNCATED, "The mask is empty");
    free(file);
}

static void a_format_that_describes_itself_takes_no_shape(void **state)
{
    struct file *file = npy_new();
    struct source source = source_of(file->bytes, file->n);

    (void)state;
    source.declared = true;
    source.ndim = 1;
    source.shape[0] = 12;
    assert_source_problem(&source, PROBLEM_BAD_PARAMETER, "belong to raw masks; this one is npy");
    free(file);
}

static void limits_pass_at_their_edge_and_not_beyond(void **state)
{
    struct file *file = file_new();
    struct env env = test_env();
    struct source source;
    struct outcome *outcome = malloc(sizeof(*outcome));
    uint8_t bytes[24] = {0};

    (void)state;
    assert_non_null(outcome);
    put_npy(file, "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 4), }", bytes, 24);
    source = source_of(file->bytes, file->n);
    env.limits.voxels = 12;
    env.limits.decoded_bytes = 24;
    read_mask(&source, &env, 12, outcome);
    assert_problem(outcome, PROBLEM_NONE, "");
    env.limits.decoded_bytes = 23;
    read_mask(&source, &env, 12, outcome);
    assert_problem(outcome, PROBLEM_DECODED_TOO_LARGE,
                   "takes 24 bytes when decoded (3 x 4 of uint16); the limit is 23");
    env.limits.voxels = 11;
    read_mask(&source, &env, 12, outcome);
    assert_problem(outcome, PROBLEM_TOO_MANY_VOXELS, "12 voxels (3 x 4); the limit is 11");
    free(outcome);
    free(file);
}

__extension__ typedef unsigned __int128 wide;

/* What the header of a raw mask of this shape must come to. */
static enum problem_code verdict(const struct source *source, const struct limits *limits)
{
    wide voxels = 1;

    for (int axis = 0; axis < source->ndim; axis++) {
        if (source->shape[axis] == 0)
            return PROBLEM_BAD_MASK;
    }
    for (int axis = 0; axis < source->ndim; axis++) {
        voxels *= source->shape[axis];
        if (voxels > limits->voxels)
            return PROBLEM_TOO_MANY_VOXELS;
    }
    if (voxels * ov_dtype_bytes(source->dtype) > limits->decoded_bytes)
        return PROBLEM_DECODED_TOO_LARGE;
    return PROBLEM_NONE;
}

static void assert_verdict(const struct source *source, const struct env *env)
{
    struct problem problem = {0};
    struct reader *reader = reader_new(source, env, &problem);
    enum problem_code expected = verdict(source, &env->limits);

    if (problem.code != expected || (reader == NULL) != (expected != PROBLEM_NONE))
        fail_msg("%d axes, %llu first: %s, not %s", source->ndim,
                 (unsigned long long)source->shape[0], problem.detail, problem_name(expected));
    reader_free(reader);
}

/* No product of sizes is ever believed. */
static void every_boundary_shape_gets_the_right_verdict(void **state)
{
    struct source source = source_of(picture, sizeof(picture));
    struct env env = test_env();
    uint64_t grid[256];
    size_t n = 0;

    (void)state;
    grid[n++] = 0;
    grid[n++] = 1;
    for (unsigned k = 1; k < 64; k++) {
        grid[n++] = ((uint64_t)1 << k) - 1;
        grid[n++] = (uint64_t)1 << k;
        grid[n++] = ((uint64_t)1 << k) + 1;
    }
    grid[n++] = UINT64_MAX;
    source.format = FORMAT_RAW;
    source.declared = true;
    env.limits.voxels = (uint64_t)1 << 30;
    env.limits.decoded_bytes = (uint64_t)1 << 30;
    for (size_t i = 0; i < n * n; i++) {
        for (source.ndim = 1; source.ndim <= OV_MAX_NDIM; source.ndim += 2) {
            source.dtype = i % 2 ? OV_U8 : OV_F64;
            for (int axis = 0; axis < source.ndim; axis++) /* two large axes, the rest small */
                source.shape[axis] = axis == 0 ? grid[i % n] : (uint64_t)axis % 3 + 1;
            source.shape[source.ndim - 1] = grid[i / n];
            assert_verdict(&source, &env);
        }
    }
}

static void what_is_skipped_is_cut_between_characters(void **state)
{
    struct file *file = npy_new();
    struct env env = test_env();
    struct source source = source_of(file->bytes, file->n);
    struct problem problem = {0};
    struct reader *reader = reader_new(&source, &env, &problem);
    char what[SKIPPED_BYTES + 1];
    uint64_t n;

    (void)state;
    memset(what, 'a', sizeof(what));
    memcpy(what + SKIPPED_BYTES - 3, "\xe2\x82\xac", 3); /* the euro sign */
    assert_true(reader__skip(reader, what, SKIPPED_BYTES, &problem));
    assert_true(reader__skip(reader, what, SKIPPED_BYTES, &problem));
    assert_int_equal(strlen(reader_skipped(reader, 0, &n)), SKIPPED_BYTES - 3);
    assert_int_equal(n, 2);
    assert_null(reader_skipped(reader, 1, &n));
    reader_free(reader);
    free(file);
}

static void shapes_are_those_of_the_file(void **state)
{
    struct source source = source_of(picture, sizeof(picture));
    struct env env = test_env();
    struct problem problem = {0};
    struct reader *reader;

    (void)state;
    source.format = FORMAT_RAW;
    source.declared = true;
    source.ndim = 5;
    for (int axis = 0; axis < 5; axis++)
        source.shape[axis] = axis == 1 ? 12 : 1;
    reader = reader_new(&source, &env, &problem);
    assert_int_equal(reader_header(reader)->ndim, 5);
    assert_int_equal(reader_header(reader)->shape[1], 12);
    assert_int_equal(reader_header(reader)->shape[4], 1);
    reader_free(reader);
    source.shape[1] = 1;
    reader = reader_new(&source, &env, &problem);
    assert_int_equal(reader_header(reader)->n_voxels, 1);
    reader_free(reader);
    reader_free(NULL);
}

/* 63 MiB of zeros behind a header of 12 voxels; the far end is damaged, and nobody gets there. */
static void a_bomb_is_left_where_the_mask_ends(void **state)
{
    static uint8_t zeros[1 << 20];
    struct file *header = file_new();
    size_t cap = 2 << 20;
    uint8_t *bomb = malloc(cap);
    struct source source;
    z_stream stream = {0};

    (void)state;
    assert_non_null(bomb);
    put_npy(header, DICT, "", 0);
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), 0);
    stream.next_in = header->bytes;
    stream.avail_in = (uInt)header->n;
    stream.next_out = bomb;
    stream.avail_out = (uInt)cap;
    for (size_t i = 0; i < 64; i++) {
        assert_int_equal(deflate(&stream, Z_NO_FLUSH), Z_OK);
        stream.next_in = zeros;
        stream.avail_in = sizeof(zeros);
    }
    deflateEnd(&stream);
    memset(bomb + stream.total_out / 2, 0xff, stream.total_out / 2);
    source = source_of(bomb, stream.total_out);
    assert_source_problem(&source, PROBLEM_TRAILING_BYTES, "but more bytes follow");
    free(bomb);
    free(header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_and_nothing_else),
        cmocka_unit_test(a_mask_is_read_in_any_coding),
        cmocka_unit_test(gzip_within_gzip_is_refused),
        cmocka_unit_test(a_coding_that_is_said_is_believed),
        cmocka_unit_test(a_format_that_is_said_must_fit_the_bytes),
        cmocka_unit_test(first_bytes_win_over_the_file_name),
        cmocka_unit_test(what_it_is_instead_is_named),
        cmocka_unit_test(an_empty_mask_is_truncated),
        cmocka_unit_test(a_format_that_describes_itself_takes_no_shape),
        cmocka_unit_test(limits_pass_at_their_edge_and_not_beyond),
        cmocka_unit_test(every_boundary_shape_gets_the_right_verdict),
        cmocka_unit_test(what_is_skipped_is_cut_between_characters),
        cmocka_unit_test(shapes_are_those_of_the_file),
        cmocka_unit_test(a_bomb_is_left_where_the_mask_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
