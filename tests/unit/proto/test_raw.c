/* test_raw.c - masks that the request describes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mask_files.h"

static struct source raw_source(const uint8_t *bytes, size_t n_bytes, enum ov_dtype dtype)
{
    struct source source = source_of(bytes, n_bytes);

    source.format = FORMAT_RAW;
    source.declared = true;
    source.dtype = dtype;
    source.ndim = 2;
    source.shape[0] = 3;
    source.shape[1] = 4;
    source.order = OV_ORDER_C;
    return source;
}

static void assert_raw_problem(const struct source *source, enum problem_code code,
                               const char *words)
{
    struct env env = test_env();
    struct outcome *outcome = malloc(sizeof(*outcome));

    assert_non_null(outcome);
    read_mask(source, &env, 5, outcome);
    assert_problem(outcome, code, words);
    free(outcome);
}

static void every_dtype_is_read_in_tiles_of_any_size(void **state)
{
    static const size_t tiles[] = {1, 2, 7, 12};
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();
    uint8_t bytes[96];

    (void)state;
    assert_non_null(outcome);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    for (enum ov_dtype dtype = OV_U8; dtype < OV_N_DTYPES; dtype++) {
        size_t n = 12 * ov_dtype_bytes(dtype);
        struct source source = raw_source(bytes, n, dtype);

        for (size_t i = 0; i < 4; i++) {
            read_mask(&source, &env, tiles[i], outcome);
            assert_problem(outcome, PROBLEM_NONE, "");
            assert_int_equal(outcome->header.encoding.dtype, dtype);
            assert_int_equal(outcome->header.encoding.swapped, false);
            assert_int_equal(outcome->header.format, FORMAT_RAW);
            assert_int_equal(outcome->header.n_bytes, n);
            assert_memory_equal(outcome->voxels, bytes, n);
        }
    }
    free(outcome);
}

static void both_orders_are_kept(void **state)
{
    struct source source = raw_source(picture_f, 12, OV_U8);
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();

    (void)state;
    assert_non_null(outcome);
    source.order = OV_ORDER_F;
    read_mask(&source, &env, 12, outcome);
    assert_problem(outcome, PROBLEM_NONE, "");
    assert_int_equal(outcome->header.order, OV_ORDER_F);
    free(outcome);
}

static void every_coding_is_taken_off(void **state)
{
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();

    (void)state;
    assert_non_null(outcome);
    for (enum coding_kind kind = CODING_NONE; kind < CODING_N; kind++) {
        struct file *file = file_new();
        struct source source;

        put_coded(file, kind, picture, 12);
        source = raw_source(file->bytes, file->n, OV_U8);
        source.coding = kind;
        read_mask(&source, &env, 5, outcome);
        assert_problem(outcome, PROBLEM_NONE, "");
        assert_int_equal(outcome->header.coding, kind);
        assert_memory_equal(outcome->voxels, picture, 12);
        free(file);
    }
    free(outcome);
}

static void plain_bytes_are_borrowed_and_not_copied(void **state)
{
    struct source source = raw_source(picture, 12, OV_U8);
    struct problem problem = {0};
    struct env env = test_env();
    struct reader *reader = reader_new(&source, &env, &problem);
    uint8_t room[12];

    (void)state;
    assert_ptr_equal(reader_tile(reader, 5, room, &problem), picture);
    assert_ptr_equal(reader_tile(reader, 7, room, &problem), picture + 5);
    assert_true(reader_finish(reader, &problem));
    reader_free(reader);
}

static void without_dtype_and_shape_it_is_refused(void **state)
{
    struct source source = raw_source(picture, 12, OV_U8);

    (void)state;
    source.declared = false;
    assert_raw_problem(&source, PROBLEM_BAD_PARAMETER, "dtype and shape");
    source.declared = true;
    source.ndim = 0;
    assert_raw_problem(&source, PROBLEM_BAD_PARAMETER, "dtype and shape");
    source.ndim = 8;
    assert_raw_problem(&source, PROBLEM_BAD_PARAMETER, "dtype and shape");
    source.ndim = 2;
    source.dtype = OV_N_DTYPES;
    assert_raw_problem(&source, PROBLEM_BAD_PARAMETER, "dtype and shape");
    source.dtype = OV_U8;
    source.shape[1] = 0;
    assert_raw_problem(&source, PROBLEM_BAD_MASK, "Axis 1");
}

static void the_data_is_as_long_as_the_shape_says(void **state)
{
    struct source source = raw_source(picture, 12, OV_U8);

    (void)state;
    source.n_bytes = 11;
    assert_raw_problem(&source, PROBLEM_TRUNCATED, "ends after 11 bytes; at least 1 more");
    source.n_bytes = 12;
    source.shape[0] = 2;
    assert_raw_problem(&source, PROBLEM_TRAILING_BYTES, "complete after 8 bytes");
    source.n_bytes = 0;
    assert_raw_problem(&source, PROBLEM_TRUNCATED, "empty");
}

static void a_file_name_can_say_raw(void **state)
{
    struct source source = raw_source(picture, 12, OV_U8);

    (void)state;
    source.format = FORMAT_AUTO;
    source.filename = "volume.RAW";
    assert_raw_problem(&source, PROBLEM_NONE, "");
    source.filename = "volume.raw.gz";
    assert_raw_problem(&source, PROBLEM_NONE, "");
    source.filename = "volume";
    assert_raw_problem(&source, PROBLEM_UNKNOWN_FORMAT, "00 01 01 00 00 01 02 00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dtype_is_read_in_tiles_of_any_size),
        cmocka_unit_test(both_orders_are_kept),
        cmocka_unit_test(every_coding_is_taken_off),
        cmocka_unit_test(plain_bytes_are_borrowed_and_not_copied),
        cmocka_unit_test(without_dtype_and_shape_it_is_refused),
        cmocka_unit_test(the_data_is_as_long_as_the_shape_says),
        cmocka_unit_test(a_file_name_can_say_raw),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
