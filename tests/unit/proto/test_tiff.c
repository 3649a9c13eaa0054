/* test_tiff.c - TIFF label images: samples, strips, tiles, pages, and the memory they take. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tiff_image.h"

static void what_tifffile_writes_is_read(void **state)
{
    struct file *file = file_new();
    struct outcome *outcome = malloc(sizeof(*outcome));
    uint16_t wide[12];
    uint8_t stack[24];

    (void)state;
    assert_non_null(outcome);
    put_hex(file, strips_hex);
    assert_voxels(file, picture, 12);
    read_file(file, outcome);
    assert_int_equal(outcome->header.format, FORMAT_TIFF);
    assert_int_equal(outcome->header.order, OV_ORDER_C);
    assert_int_equal(outcome->header.ndim, 2);
    assert_int_equal(outcome->header.shape[0], 3);
    assert_int_equal(outcome->header.shape[1], 4);
    for (size_t i = 0; i < 12; i++) {
        wide[i] = picture[i];
        stack[i] = picture[i];
        stack[12 + i] = picture[i % 4 + 4 * (2 - i / 4)];
    }
    file->n = 0;
    put_hex(file, tiles_big_hex);
    assert_voxels(file, wide, 24);
    file->n = 0;
    put_hex(file, bigtiff_pages_hex);
    assert_voxels(file, stack, 24);
    read_file(file, outcome);
    assert_int_equal(outcome->header.ndim, 3);
    assert_int_equal(outcome->header.shape[0], 2);
    free(outcome);
    free(file);
}

static void every_kind_of_sample_is_told_apart(void **state)
{
    static const struct {
        uint16_t bits, format;
        enum ov_dtype dtype;
    } cases[] = {{8, 1, OV_U8},   {8, 2, OV_I8},   {16, 1, OV_U16}, {16, 2, OV_I16},
                 {32, 1, OV_U32}, {32, 2, OV_I32}, {64, 1, OV_U64}, {64, 2, OV_I64},
                 {32, 3, OV_F32}, {64, 3, OV_F64}, {8, 4, OV_U8},   {16, 4, OV_U16}};
    struct outcome *outcome = malloc(sizeof(*outcome));
    uint8_t data[96];

    (void)state;
    assert_non_null(outcome);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct page page = picture_page();
        struct file *file;

        page.data = data;
        page.n_data = 12u * cases[i].bits / 8;
        set_short(&page, TIFFTAG_BITSPERSAMPLE, cases[i].bits);
        set_short(&page, TIFFTAG_SAMPLEFORMAT, cases[i].format);
        set_long(&page, TIFFTAG_STRIPBYTECOUNTS, (uint32_t)page.n_data);
        file = page_file(&page);
        assert_voxels(file, data, page.n_data);
        read_file(file, outcome);
        assert_int_equal(outcome->header.encoding.dtype, cases[i].dtype);
        assert_false(outcome->header.encoding.swapped);
        free(file);
    }
    free(outcome);
}

static void samples_of_few_bits_are_unpacked(void **state)
{
    static const uint8_t ones[2] = {0x60, 0x80}, twos[3] = {0x14, 0x18, 0x08};
    static const uint8_t fours[6] = {0x01, 0x10, 0x01, 0x20, 0x00, 0x20};
    static const uint8_t bits[12] = {0, 1, 1, 0, 1, 0, 0, 0};
    struct page page = picture_page();

    (void)state;
    set_short(&page, TIFFTAG_BITSPERSAMPLE, 1);
    set_long(&page, TIFFTAG_IMAGELENGTH, 2);
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, 2);
    page.data = ones;
    page.n_data = 2;
    assert_page_reads(&page, bits, 8);
    page = picture_page();
    set_short(&page, TIFFTAG_BITSPERSAMPLE, 2);
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, 3);
    page.data = twos;
    page.n_data = 3;
    assert_page_reads(&page, picture, 12);
    page = picture_page();
    set_short(&page, TIFFTAG_BITSPERSAMPLE, 4);
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, 6);
    page.data = fours;
    page.n_data = 6;
    assert_page_reads(&page, picture, 12);
}

/* Strip offsets and byte counts stand before the strips, in the data. */
static void an_image_may_be_in_several_strips(void **state)
{
    struct file *data = file_new();
    struct page page = picture_page();

    (void)state;
    /* the directory of 10 tags begins at 8: the data at 134 */
    put_little(data, 134 + 20 + 8, 4);
    put_little(data, 134 + 20, 4);
    put_little(data, 0, 2);
    put_little(data, 8, 4);
    put_little(data, 4, 4);
    put_little(data, 0, 2);
    put(data, picture + 8, 4);
    put_little(data, 0xffffffff, 4);
    put(data, picture, 8);
    page.data = data->bytes;
    page.n_data = data->n;
    set_long(&page, TIFFTAG_ROWSPERSTRIP, 2);
    set_tag(&page, TIFFTAG_STRIPOFFSETS, TIFF_LONG, 2, AT_DATA(0));
    set_tag(&page, TIFFTAG_STRIPBYTECOUNTS, TIFF_LONG, 2, AT_DATA(10));
    assert_page_reads(&page, picture, 12);
    set_long(&page, TIFFTAG_ROWSPERSTRIP, 1); /* three strips, of which two are told */
    assert_page_problem(&page, PROBLEM_BAD_MASK, "no data for strip 2");
    free(data);
}

static void tiles_are_put_together_and_cut_to_the_image(void **state)
{
    uint8_t data[256];
    struct page page = tiled_page(data);

    (void)state;
    assert_page_reads(&page, picture, 12);
    set_long(&page, TIFFTAG_TILEBYTECOUNTS, 255);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "too little data for tile 0");
    set_long(&page, TIFFTAG_TILEBYTECOUNTS, 0);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "no data for tile 0");
    set_long(&page, TIFFTAG_TILEBYTECOUNTS, 256);
    set_long(&page, TIFFTAG_TILEOFFSETS, 0);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "no data for tile 0");
}

/* ---- pages ----------------------------------------------------------------------------------- */

static void pages_that_are_alike_are_a_volume(void **state)
{
    struct page pages[3] = {picture_page(), picture_page(), picture_page()};
    struct file *file = file_new();
    struct outcome *outcome = malloc(sizeof(*outcome));
    uint8_t tile[256], stack[36];

    (void)state;
    assert_non_null(outcome);
    pages[1] = tiled_page(tile); /* stored as it likes */
    set_long(&pages[2], TIFFTAG_ROWSPERSTRIP, 100);
    put_tiff(file, pages, 3);
    for (size_t i = 0; i < 36; i++)
        stack[i] = picture[i % 12];
    assert_voxels(file, stack, 36);
    read_file(file, outcome);
    assert_int_equal(outcome->header.ndim, 3);
    assert_int_equal(outcome->header.shape[0], 3);
    assert_int_equal(outcome->header.shape[1], 3);
    assert_int_equal(outcome->header.shape[2], 4);
    every_truncation_is_a_problem(file);
    free(outcome);
    free(file);
}

static void pages_that_differ_are_refused(void **state)
{
    static const struct {
        uint16_t tag;
        uint32_t value;
        const char *words;
    } cases[] = {{TIFFTAG_IMAGEWIDTH, 3, "Page 2 of the TIFF is 3 x 3 of 8 bits, page 1 is 3 x 4"},
                 {TIFFTAG_IMAGELENGTH, 2, "Page 2 of the TIFF is 2 x 4 of 8 bits"},
                 {TIFFTAG_BITSPERSAMPLE, 4, "of 4 bits"},
                 {TIFFTAG_SAMPLEFORMAT, 2, "differ in size or kind"},
                 {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MASK, "differ in size or kind"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct page pages[2] = {picture_page(), picture_page()};
        struct file *file = file_new();

        set_short(&pages[1], cases[i].tag, cases[i].value);
        put_tiff(file, pages, 2);
        assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, cases[i].words);
        free(file);
    }
}

static void reduced_pages_are_passed_over_and_reported(void **state)
{
    struct page pages[4] = {picture_page(), picture_page(), picture_page(), picture_page()};
    struct file *file = file_new();
    struct env env = test_env();
    struct problem problem = {0};
    struct source source;
    struct reader *reader;
    uint64_t n;

    (void)state;
    set_long(&pages[0], TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    set_long(&pages[2], TIFFTAG_SUBFILETYPE, FILETYPE_MASK);
    set_long(&pages[2], TIFFTAG_IMAGEWIDTH, 1);
    set_long(&pages[3], TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    put_tiff(file, pages, 4);
    assert_voxels(file, picture, 12);
    source = source_of(file->bytes, file->n);
    reader = reader_new(&source, &env, &problem);
    assert_non_null(reader);
    assert_string_equal(reader_skipped(reader, 0, &n), "reduced page");
    assert_int_equal(n, 3);
    reader_free(reader);
    free(file);
    assert_page_problem(&pages[0], PROBLEM_UNSUPPORTED_MASK, "and no image");
}

static void too_many_pages_are_too_many_voxels(void **state)
{
    struct page pages[3] = {picture_page(), picture_page(), picture_page()};
    struct file *file = file_new();
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct env env = test_env();
    struct source source;

    (void)state;
    assert_non_null(outcome);
    put_tiff(file, pages, 3);
    source = source_of(file->bytes, file->n);
    env.limits.voxels = 35;
    read_mask(&source, &env, 5, outcome);
    assert_problem(outcome, PROBLEM_TOO_MANY_VOXELS, "36 voxels (3 x 3 x 4)");
    free(outcome);
    free(file);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void long_rows_and_files_need_leave_from_the_budget(void **state)
{
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct page page = picture_page();
    struct file *packed = file_new(), *file;
    uint8_t *zeros = calloc(1, 100000);
    struct env env = test_env();
    struct source source;

    (void)state;
    assert_non_null(outcome);
    assert_non_null(zeros);
    put_deflated(packed, zeros, 100000, 15);
    set_long(&page, TIFFTAG_IMAGEWIDTH, 100000);
    set_long(&page, TIFFTAG_IMAGELENGTH, 1);
    set_short(&page, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, (uint32_t)packed->n);
    page.data = packed->bytes;
    page.n_data = packed->n;
    file = page_file(&page);
    source = source_of(file->bytes, file->n);
    read_mask(&source, &env, 1000, outcome);
    assert_problem(outcome, PROBLEM_NONE, "");
    assert_int_equal(budget_most, 100000);
    budget_bytes = 99999;
    read_mask(&source, &env, 1000, outcome);
    assert_problem(outcome, PROBLEM_OUT_OF_MEMORY, "no memory for a TIFF of 1 x 100000");
    free(file);
    page = picture_page(); /* a file that is long itself */
    page.data = zeros;
    page.n_data = 65400;
    file = page_file(&page);
    put(file, zeros, 65536 - file->n);
    source = source_of(zeros, 100000);
    memcpy(zeros, file->bytes, file->n);
    budget_most = 0;
    read_mask(&source, &env, 1000, outcome);
    assert_problem(outcome, PROBLEM_OUT_OF_MEMORY, "no memory for a TIFF");
    budget_bytes = 100000;
    read_mask(&source, &env, 1000, outcome);
    assert_problem(outcome, PROBLEM_NONE, "");
    assert_int_equal(budget_most, 100000);
    free(file);
    free(packed);
    free(zeros);
    free(outcome);
}

/* libzstd sets aside a window; it counts as far as it can be filled. */
static void zstd_windows_count(void **state)
{
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct page page = picture_page();
    struct file *packed = file_new(), *file;
    uint8_t *labels = calloc(1, 100000);
    struct env env = test_env();
    struct source source;

    (void)state;
    assert_non_null(outcome);
    assert_non_null(labels);
    put_zstd(packed, labels, 100000);
    set_long(&page, TIFFTAG_IMAGEWIDTH, 100);
    set_long(&page, TIFFTAG_IMAGELENGTH, 1000);
    set_long(&page, TIFFTAG_ROWSPERSTRIP, 1000);
    set_short(&page, TIFFTAG_COMPRESSION, COMPRESSION_ZSTD);
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, (uint32_t)packed->n);
    page.data = packed->bytes;
    page.n_data = packed->n;
    file = page_file(&page);
    source = source_of(file->bytes, file->n);
    read_mask(&source, &env, 1000, outcome);
    assert_problem(outcome, PROBLEM_NONE, "");
    assert_int_equal(budget_most, 100100);
    free(file);
    free(packed);
    free(labels);
    free(outcome);
}

static void compressed_files_are_read(void **state)
{
    struct file *plain = file_new();

    (void)state;
    put_hex(plain, strips_hex);
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind += 2) {
        struct file *file = file_new();

        put_coded(file, kind, plain->bytes, plain->n);
        assert_voxels(file, picture, 12);
        every_truncation_is_a_problem(file);
        free(file);
    }
    free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_tifffile_writes_is_read),
        cmocka_unit_test(every_kind_of_sample_is_told_apart),
        cmocka_unit_test(samples_of_few_bits_are_unpacked),
        cmocka_unit_test(an_image_may_be_in_several_strips),
        cmocka_unit_test(tiles_are_put_together_and_cut_to_the_image),
        cmocka_unit_test(pages_that_are_alike_are_a_volume),
        cmocka_unit_test(pages_that_differ_are_refused),
        cmocka_unit_test(reduced_pages_are_passed_over_and_reported),
        cmocka_unit_test(too_many_pages_are_too_many_voxels),
        cmocka_unit_test(long_rows_and_files_need_leave_from_the_budget),
        cmocka_unit_test(zstd_windows_count),
        cmocka_unit_test(compressed_files_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
