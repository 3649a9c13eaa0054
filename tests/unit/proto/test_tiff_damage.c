/* test_tiff_damage.c - TIFF that is no label image, contradicts itself, or is broken. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tiff_image.h"

/* ---- what is no label image ------------------------------------------------------------------ */

static void other_images_are_refused_by_name(void **state)
{
    static const struct {
        uint16_t tag;
        uint32_t value;
        const char *words;
    } cases[] = {
        {TIFFTAG_COMPRESSION, COMPRESSION_JPEG, "JPEG, which does not keep labels"},
        {TIFFTAG_COMPRESSION, COMPRESSION_OJPEG, "JPEG, which does not keep labels"},
        {TIFFTAG_COMPRESSION, COMPRESSION_WEBP, "WebP (compression 50001)"},
        {TIFFTAG_COMPRESSION, COMPRESSION_LZMA, "LZMA"},
        {TIFFTAG_COMPRESSION, COMPRESSION_LERC, "LERC"},
        {TIFFTAG_COMPRESSION, COMPRESSION_JP2000, "JPEG 2000"},
        {TIFFTAG_COMPRESSION, COMPRESSION_CCITTFAX4, "CCITT"},
        {TIFFTAG_COMPRESSION, 12345, "an unknown method (compression 12345)"},
        {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE, "grey with white as 0"},
        {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB, "is RGB, and colours are no labels: say in the"},
        {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_SEPARATED, "neither grey, nor indexed, nor RGB"},
        {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_CIELAB, "neither grey, nor indexed, nor RGB"},
        {TIFFTAG_BITSPERSAMPLE, 12, "integers of 12 bits"},
        {TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP, "floats of 8 bits"},
        {TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_COMPLEXINT, "complex samples"},
        {TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_COMPLEXIEEEFP, "complex samples"},
        {TIFFTAG_ORIENTATION, ORIENTATION_BOTLEFT, "turned by its orientation tag"},
        {TIFFTAG_IMAGEDEPTH, 2, "a depth of its own"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct page page = picture_page();

        set_short(&page, cases[i].tag, cases[i].value);
        assert_page_problem(&page, PROBLEM_UNSUPPORTED_MASK, cases[i].words);
    }
}

static void several_samples_a_pixel_are_refused(void **state)
{
    struct page page = picture_page();

    (void)state;
    set_short(&page, TIFFTAG_SAMPLESPERPIXEL, 2);
    set_tag(&page, TIFFTAG_BITSPERSAMPLE, TIFF_SHORT, 2, 0x00080008);
    assert_page_problem(&page, PROBLEM_UNSUPPORTED_MASK, "several samples a pixel");
}

static void what_libtiff_says_is_passed_on(void **state)
{
    struct page page = picture_page();

    (void)state;
    drop_tag(&page, TIFFTAG_IMAGEWIDTH);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "The TIFF cannot be read: ");
    page = picture_page();
    drop_tag(&page, TIFFTAG_STRIPOFFSETS);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "The TIFF cannot be read: ");
}

static void tags_that_are_left_out_have_their_defaults(void **state)
{
    struct page page = picture_page();

    (void)state;
    drop_tag(&page, TIFFTAG_PHOTOMETRIC);
    drop_tag(&page, TIFFTAG_COMPRESSION);
    drop_tag(&page, TIFFTAG_SAMPLESPERPIXEL);
    drop_tag(&page, TIFFTAG_ROWSPERSTRIP);
    drop_tag(&page, TIFFTAG_SAMPLEFORMAT);
    assert_page_reads(&page, picture, 12);
}

/* ---- hostile and broken ---------------------------------------------------------------------- */

/* By us, or by libtiff where a size is beyond 64 bits; without memory from the budget. */
static void assert_too_large(const struct page *page)
{
    struct outcome *outcome = malloc(sizeof(*outcome));
    struct file *file = page_file(page);
    enum problem_code code;

    assert_non_null(outcome);
    read_file(file, outcome);
    code = outcome->problem.code;
    if (code != PROBLEM_TOO_MANY_VOXELS && code != PROBLEM_DECODED_TOO_LARGE)
        assert_problem(outcome, PROBLEM_BAD_MASK, "The TIFF cannot be read: ");
    assert_int_equal(budget_most, 0);
    free(file);
    free(outcome);
}

static void huge_tiles_are_refused_before_memory(void **state)
{
    uint8_t data[256];
    struct page page = tiled_page(data);
    static const uint32_t sizes[] = {1 << 16, 1 << 20, 1u << 31, 0xfffffff0};

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        set_long(&page, TIFFTAG_TILEWIDTH, sizes[i / 4]);
        set_long(&page, TIFFTAG_TILELENGTH, sizes[i % 4]);
        assert_too_large(&page);
    }
    set_long(&page, TIFFTAG_TILEWIDTH, 0);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "");
    set_long(&page, TIFFTAG_TILEWIDTH, 12);
    set_short(&page, TIFFTAG_BITSPERSAMPLE, 2);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "");
}

static void huge_images_are_refused_before_memory(void **state)
{
    static const uint32_t sizes[][2] = {{1 << 24, 2},
                                        {1 << 30, 1 << 30},
                                        {1, 0xffffffff},
                                        {0xffffffff, 1},
                                        {0xffffffff, 0xffffffff}};
    struct page page = picture_page();

    (void)state;
    set_long(&page, TIFFTAG_IMAGEWIDTH, 0);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "");
    for (size_t i = 0; i < 10; i++) {
        set_long(&page, TIFFTAG_IMAGEWIDTH, sizes[i / 2][0]);
        set_long(&page, TIFFTAG_IMAGELENGTH, sizes[i / 2][1]);
        set_long(&page, TIFFTAG_ROWSPERSTRIP, i % 2 == 0 ? 0xffffffff : 1);
        assert_too_large(&page);
    }
    page = picture_page();
    set_long(&page, TIFFTAG_IMAGELENGTH, 0);
    assert_page_problem(&page, PROBLEM_BAD_MASK, "");
}

/* Many strips are said to be; their places cannot be in so short a file. */
static void bogus_numbers_of_strips_are_refused(void **state)
{
    struct page page = picture_page();

    (void)state;
    set_long(&page, TIFFTAG_IMAGELENGTH, 1 << 22);
    set_long(&page, TIFFTAG_ROWSPERSTRIP, 1);
    set_tag(&page, TIFFTAG_STRIPOFFSETS, TIFF_LONG, 1 << 22, AT_DATA(0));
    set_tag(&page, TIFFTAG_STRIPBYTECOUNTS, TIFF_LONG, 1 << 22, AT_DATA(0));
    assert_page_problem(&page, PROBLEM_TRUNCATED, "");
    assert_int_equal(budget_most, 0);
    set_tag(&page, TIFFTAG_STRIPOFFSETS, TIFF_LONG, 0xffffffff, AT_DATA(0));
    set_tag(&page, TIFFTAG_STRIPBYTECOUNTS, TIFF_LONG, 0xffffffff, AT_DATA(0));
    assert_page_problem(&page, PROBLEM_TRUNCATED, "");
    page = picture_page();
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, 0xffffffff);
    assert_page_reads(&page, picture, 12); /* libtiff takes what the rows need */
    set_long(&page, TIFFTAG_STRIPOFFSETS, 0xffffff00);
    assert_page_problem(&page, PROBLEM_TRUNCATED, "beyond its end");
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, 11);
    set_long(&page, TIFFTAG_STRIPOFFSETS, AT_DATA(0));
    assert_page_reads(&page, picture, 12);
    page.n_data = 11;
    assert_page_problem(&page, PROBLEM_TRUNCATED, "beyond its end");
}

static void directories_that_go_round_are_refused(void **state)
{
    struct page pages[2] = {picture_page(), picture_page()};
    struct file *file = file_new();
    size_t next = 8 + 2 + 12 * 10;

    (void)state;
    put_tiff(file, pages, 1);
    file->bytes[next] = 8; /* to itself */
    assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, "go round in a ring");
    file->n = 0;
    put_tiff(file, pages, 2);
    next = file->n - 16;
    file->bytes[next] = 8; /* from the second to the first */
    assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, "go round in a ring");
    file->bytes[next + 3] = 0x70; /* to nowhere */
    assert_file_problem(file, PROBLEM_TRUNCATED, "lies beyond its end");
    free(file);
}

static void directories_of_many_tags_are_refused(void **state)
{
    struct page page = picture_page();
    struct file *file = page_file(&page);

    (void)state;
    file->bytes[8] = 128;
    assert_file_problem(file, PROBLEM_TRUNCATED, "reaches beyond its end");
    file->bytes[8] = 129;
    assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, "has 129 tags; up to 128 are read");
    free(file);
}

static void a_name_alone_makes_no_tiff(void **state)
{
    struct page page = picture_page();
    struct file *file = page_file(&page);
    struct problem problem = {0};
    struct env env = test_env();
    struct source source = source_of(file->bytes, file->n);

    (void)state;
    memcpy(file->bytes, "EP*", 4); /* another magic number that libtiff takes */
    source.filename = "mask.tif";
    assert_null(reader_new(&source, &env, &problem));
    assert_int_equal(problem.code, PROBLEM_FORMAT_MISMATCH);
    free(file);
}

/* Ten thousand pages whose descriptions are the same 48 KB would be half a gigabyte of reading. */
static void directories_that_share_their_bytes_are_refused(void **state)
{
    struct page page = picture_page();
    struct file *file = file_new();
    size_t n_text = 48000;

    (void)state;
    put(file, "II*\0\x8\0\0\0", 8);
    page.data = "";
    page.n_data = 0;
    set_tag(&page, TIFFTAG_IMAGEDESCRIPTION, TIFF_ASCII, (uint32_t)n_text, 8);
    set_long(&page, TIFFTAG_STRIPOFFSETS, 8);
    while (file->n < n_text + 8)
        put_page(file, &page, false);
    put_page(file, &page, true);
    assert_file_problem(file, PROBLEM_BAD_MASK, "same bytes again and again");
    free(file);
}

/* A TIFF has no checksums: damage may leave another mask. It must not leave more. */
static void every_change_of_every_byte_is_survived(const struct file *sound)
{
    struct file *file = file_new();
    struct outcome *outcome = malloc(sizeof(*outcome));

    assert_non_null(outcome);
    for (size_t i = 0; i < 9 * sound->n; i++) {
        *file = *sound;
        file->bytes[i / 9] ^= (uint8_t)(i % 9 == 8 ? 0xff : 1 << i % 9);
        read_copy(file, file->n, outcome);
    }
    free(outcome);
    free(file);
}

static void damage_is_survived(void **state)
{
    static const char *const files[] = {strips_hex, tiles_big_hex, bigtiff_pages_hex};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct file *file = file_new();

        put_hex(file, files[i]);
        every_truncation_is_a_problem(file);
        every_change_of_every_byte_is_survived(file);
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(huge_tiles_are_refused_before_memory),
        cmocka_unit_test(huge_images_are_refused_before_memory),
        cmocka_unit_test(bogus_numbers_of_strips_are_refused),
        cmocka_unit_test(directories_that_go_round_are_refused),
        cmocka_unit_test(directories_of_many_tags_are_refused),
        cmocka_unit_test(a_name_alone_makes_no_tiff),
        cmocka_unit_test(directories_that_share_their_bytes_are_refused),
        cmocka_unit_test(other_images_are_refused_by_name),
        cmocka_unit_test(several_samples_a_pixel_are_refused),
        cmocka_unit_test(what_libtiff_says_is_passed_on),
        cmocka_unit_test(tags_that_are_left_out_have_their_defaults),
        cmocka_unit_test(damage_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
