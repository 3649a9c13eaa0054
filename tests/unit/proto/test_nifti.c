/* test_nifti.c - NIfTI-1 and -2: both byte orders, scaling, affines, offsets; and what is refused.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "nifti_file.h"

static void both_versions_and_byte_orders_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file *file = nifti_new(kinds[i]);
        struct outcome *outcome = outcome_of(file);

        assert_voxels(file, picture, 12);
        assert_int_equal(outcome->header.format, FORMAT_NIFTI);
        assert_int_equal(outcome->header.order, OV_ORDER_F);
        assert_int_equal(outcome->header.ndim, 3);
        assert_int_equal(outcome->header.shape[0], 4);
        assert_int_equal(outcome->header.shape[1], 3);
        assert_int_equal(outcome->header.encoding.dtype, OV_U8);
        assert_false(outcome->header.encoding.swapped);
        free(outcome);
        free(file);
    }
}

static void the_published_header_is_read(void **state)
{
    static const char dims[] = "03 00 04 00 03 00 01 00 01 00 01 00 01 00 01 00";
    static const char pixdim[] = "00 00 80 3f 00 00 00 3f 00 00 40 3f 00 00 00 40";
    static const double affine[12] = {0.5, 0, 0, 0, 0, 0.75, 0, 0, 0, 0, 2, 0};
    struct file *file = file_new();

    (void)state;
    put_hex(file, "5c 01 00 00");
    file->n = 40;
    put_hex(file, dims);
    file->n = 70;
    put_hex(file, "02 00 08 00");
    file->n = 76;
    put_hex(file, pixdim);
    file->n = 108;
    put_hex(file, "00 00 b0 43 00 00 80 3f 00 00 00 00");
    file->n = 123;
    put_hex(file, "02");
    file->n = 252;
    put_hex(file, "00 00 01 00");
    file->n = 280;
    put_hex(file, "00 00 00 3f 00 00 00 00 00 00 00 00 00 00 00 00"
                  "00 00 00 00 00 00 40 3f 00 00 00 00 00 00 00 00"
                  "00 00 00 00 00 00 00 00 00 00 00 40 00 00 00 00");
    file->n = 344;
    put_hex(file, "6e 2b 31 00 00 00 00 00");
    put(file, picture, 12);
    assert_voxels(file, picture, 12);
    assert_affine(file, affine);
    free(file);
}

static void every_datatype_is_known_with_its_bitpix(void **state)
{
    static const struct {
        int code;
        enum ov_dtype dtype;
    } cases[] = {{2, OV_U8},   {4, OV_I16},   {8, OV_I32},   {16, OV_F32},   {64, OV_F64},
                 {256, OV_I8}, {512, OV_U16}, {768, OV_U32}, {1024, OV_I64}, {1280, OV_U64}};

    (void)state;
    for (size_t i = 0; i < 40; i++) {
        struct kind kind = kinds[i % 4];
        struct file *file = nifti_new(kind);
        int bytes = (int)ov_dtype_bytes(cases[i / 4].dtype);
        struct outcome *outcome;

        poke_int(file, kind, DATATYPE, 0, cases[i / 4].code);
        poke_int(file, kind, BITPIX, 0, 8 * bytes);
        for (int n = 12; n < 12 * bytes; n++)
            put(file, "", 1);
        outcome = outcome_of(file);
        assert_problem(outcome, PROBLEM_NONE, "");
        assert_int_equal(outcome->header.encoding.dtype, cases[i / 4].dtype);
        assert_int_equal(outcome->header.encoding.swapped, kind.big && bytes > 1);
        free(outcome);
        poke_int(file, kind, BITPIX, 0, 8 * bytes + 1);
        assert_file_problem(file, PROBLEM_BAD_MASK, "but bitpix is");
        free(file);
    }
}

static void colours_complex_and_bits_are_refused(void **state)
{
    static const int codes[] = {0, 1, 32, 128, 1536, 1792, 2048, 2304, -1, 3};

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        struct file *file = nifti_new(kinds[0]);
        char words[32];

        poke_int(file, kinds[0], DATATYPE, 0, codes[i]);
        snprintf(words, sizeof(words), "datatype is %d;", codes[i]);
        assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, words);
        free(file);
    }
}

static void pairs_analyze_and_damaged_magic_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file *file = nifti_new(kinds[i]);

        file->bytes[at(kinds[i], MAGIC) + 1] = 'i';
        assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, "send a single .nii");
        file->bytes[at(kinds[i], MAGIC)] = 0;
        assert_file_problem(file, PROBLEM_BAD_MASK, "ANALYZE");
        free(file);
    }
}

static void dims_are_1_to_7_axes_of_at_least_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        static const int bad[] = {0, 8, -1, 200};
        struct file *file = nifti_new(kinds[i]);

        for (size_t k = 0; k < 4; k++) {
            poke_int(file, kinds[i], DIM, 0, bad[k]);
            assert_file_problem(file, PROBLEM_BAD_MASK, "dim[0] is");
        }
        poke_int(file, kinds[i], DIM, 0, 7);
        assert_voxels(file, picture, 12);
        poke_int(file, kinds[i], DIM, 7, 0);
        assert_file_problem(file, PROBLEM_BAD_MASK, "dim[7] is 0");
        poke_int(file, kinds[i], DIM, 7, -3);
        assert_file_problem(file, PROBLEM_BAD_MASK, "dim[7] is -3");
        free(file);
    }
}

static void scaling_is_kept_unless_it_says_none(void **state)
{
    static const struct {
        double slope, intercept, expected_slope, expected_intercept;
    } cases[] = {{1, 0, 0, 0}, {0, 5, 0, 0},   {NAN, 5, 0, 0},
                 {2, 0, 2, 0}, {1, -1, 1, -1}, {-0.5, 3, -0.5, 3}};

    (void)state;
    for (size_t i = 0; i < 24; i++) {
        struct file *file = nifti_new(kinds[i % 4]);
        struct outcome *outcome;

        poke_real(file, kinds[i % 4], SLOPE, 0, cases[i / 4].slope);
        poke_real(file, kinds[i % 4], INTER, 0, cases[i / 4].intercept);
        outcome = outcome_of(file);
        assert_problem(outcome, PROBLEM_NONE, "");
        assert_true(outcome->header.encoding.slope == cases[i / 4].expected_slope);
        assert_true(outcome->header.encoding.intercept == cases[i / 4].expected_intercept);
        free(outcome);
        poke_real(file, kinds[i % 4], SLOPE, 0, 2);
        poke_real(file, kinds[i % 4], INTER, 0, NAN);
        assert_file_problem(file, PROBLEM_BAD_MASK, "must be finite");
        poke_real(file, kinds[i % 4], SLOPE, 0, -INFINITY);
        assert_file_problem(file, PROBLEM_BAD_MASK, "must be finite");
        free(file);
    }
}

static void extensions_are_skipped(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file *file = nifti_new(kinds[i]);
        size_t n = file->n - 12;

        memset(file->bytes + n, 0x55, 10000);
        file->bytes[n - 4] = 1;
        file->n = n + 10000;
        put(file, picture, 12);
        poke_offset(file, kinds[i], (double)n + 10000);
        assert_voxels(file, picture, 12);
        poke_offset(file, kinds[i], (double)n + 20000);
        assert_file_problem(file, PROBLEM_TRUNCATED, "");
        free(file);
    }
}

static void offsets_are_whole_and_behind_the_header(void **state)
{
    static const double bad[] = {0, 348, 351, -352, 1e300};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file *file = nifti_new(kinds[i]);
        double n = (double)(file->n - 12);

        for (size_t k = 0; k < 4; k++) {
            poke_offset(file, kinds[i], bad[k]);
            assert_file_problem(file, PROBLEM_BAD_MASK, "vox_offset is");
        }
        poke_offset(file, kinds[i], n + (1 << 24));
        assert_file_problem(file, PROBLEM_TRUNCATED, "");
        poke_offset(file, kinds[i], n + (1 << 24) + 2);
        assert_file_problem(file, PROBLEM_BAD_MASK, "at most 16777216 bytes");
        poke_offset(file, kinds[i], 4e18);
        assert_file_problem(file, PROBLEM_BAD_MASK, "vox_offset is");
        if (kinds[i].version == 1) {
            poke_offset(file, kinds[i], 352.5);
            assert_file_problem(file, PROBLEM_BAD_MASK, "352.5");
            poke_offset(file, kinds[i], NAN);
            assert_file_problem(file, PROBLEM_BAD_MASK, "nan");
            poke_offset(file, kinds[i], INFINITY);
            assert_file_problem(file, PROBLEM_BAD_MASK, "inf");
        }
        free(file);
    }
}

/* NIFTI-Imaging/nifti_clib#196: the size comes from dim and must not be believed. */
static void a_file_of_377_bytes_cannot_ask_for_18_gigabytes(void **state)
{
    struct file *file = nifti_new(kinds[0]);

    (void)state;
    file->n = 377;
    for (size_t axis = 1; axis <= 3; axis++)
        poke_int(file, kinds[0], DIM, axis, 2640);
    assert_file_problem(file, PROBLEM_TOO_MANY_VOXELS, "18399744000 voxels (2640 x 2640 x 2640)");
    for (size_t axis = 1; axis <= 3; axis++)
        poke_int(file, kinds[0], DIM, axis, 256);
    assert_file_problem(file, PROBLEM_TRUNCATED, "ends after");
    free(file);
}

static void damage_is_a_problem_or_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file *file = nifti_new(kinds[i]);

        every_truncation_is_a_problem(file);
        every_flip_is_a_problem_or_harmless(file);
        put(file, "", 1);
        assert_file_problem(file, PROBLEM_TRAILING_BYTES, "complete after");
        free(file);
    }
}

static void compressed_files_are_read_and_their_damage_is_seen(void **state)
{
    struct file *plain = nifti_new(kinds[0]);

    (void)state;
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        struct file *file = file_new();

        if (kind == CODING_ZLIB) { /* has no signature to go by */
            free(file);
            continue;
        }
        put_coded(file, kind, plain->bytes, plain->n);
        assert_voxels(file, picture, 12);
        every_truncation_is_a_problem(file);
        every_flip_is_a_problem_or_harmless(file);
        free(file);
    }
    free(plain);
}

static void a_name_without_the_content_is_a_mismatch(void **state)
{
    struct env env = test_env();
    struct source source = source_of(picture, sizeof(picture));
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    source.filename = "mask.nii.gz";
    read_mask(&source, &env, 1, outcome);
    assert_problem(outcome, PROBLEM_FORMAT_MISMATCH, "name says NIfTI");
    free(outcome);
}

static void a_real_volume_is_read(void **state)
{
    static const char path[] = "../shared/data/spine/ref.nii.gz";
    static uint8_t bytes[1 << 20];
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();
    struct source source;
    FILE *file = fopen(path, "rb");

    (void)state;
    assert_non_null(outcome);
    if (file == NULL) {
        free(outcome);
        print_message("no %s here\n", path);
        skip();
    }
    source = source_of(bytes, fread(bytes, 1, sizeof(bytes), file));
    fclose(file);
    read_mask(&source, &env, 65536, outcome);
    assert_problem(outcome, PROBLEM_NONE, "");
    assert_int_equal(outcome->header.ndim, 3);
    assert_int_equal(outcome->header.shape[0], 512);
    assert_int_equal(outcome->header.shape[1], 512);
    assert_int_equal(outcome->header.shape[2], 17);
    assert_true(fabs(outcome->header.affine[0][2] - 3.3) < 1e-6);
    free(outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_and_byte_orders_are_read),
        cmocka_unit_test(the_published_header_is_read),
        cmocka_unit_test(every_datatype_is_known_with_its_bitpix),
        cmocka_unit_test(colours_complex_and_bits_are_refused),
        cmocka_unit_test(pairs_analyze_and_damaged_magic_are_refused),
        cmocka_unit_test(dims_are_1_to_7_axes_of_at_least_one),
        cmocka_unit_test(scaling_is_kept_unless_it_says_none),
        cmocka_unit_test(extensions_are_skipped),
        cmocka_unit_test(offsets_are_whole_and_behind_the_header),
        cmocka_unit_test(a_file_of_377_bytes_cannot_ask_for_18_gigabytes),
        cmocka_unit_test(damage_is_a_problem_or_harmless),
        cmocka_unit_test(compressed_files_are_read_and_their_damage_is_seen),
        cmocka_unit_test(a_name_without_the_content_is_a_mismatch),
        cmocka_unit_test(a_real_volume_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
