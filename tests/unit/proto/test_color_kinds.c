/* test_color_kinds.c - PNG and TIFF of every kind read by colour: palettes, greys, transparency. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "color_images.h"

/* ---- other kinds of PNG ---------------------------------------------------------------------- */

/* A PNG of one row: its samples and, between header and data, a palette and its transparency. */
struct row {
    uint8_t width, depth, kind;
    const char *palette;
    size_t n_palette;
    const char *trns;
    size_t n_trns;
};

static struct file *row_file(struct row row, const char *samples, size_t n_samples)
{
    const uint8_t header[13] = {0, 0, 0, row.width, 0, 0, 0, 1, row.depth, row.kind};
    struct file *file = file_new(), *line = file_new(), *data = file_new();

    put(file, "\x89PNG\r\n\x1a\n", 8);
    put_chunk(file, "IHDR", header, 13);
    if (row.n_palette > 0)
        put_chunk(file, "PLTE", row.palette, row.n_palette);
    if (row.n_trns > 0)
        put_chunk(file, "tRNS", row.trns, row.n_trns);
    put(line, "", 1);
    put(line, samples, n_samples);
    put_deflated(data, line->bytes, line->n, 15);
    put_chunk(file, "IDAT", data->bytes, data->n);
    put_chunk(file, "IEND", "", 0);
    free(data);
    free(line);
    return file;
}

static void what_is_transparent_is_nothing(void **state)
{
    static const uint8_t labels[3] = {1, 0, 2};
    struct row rgba = {.width = 3, .depth = 8, .kind = 6};
    struct row indexed = {.width = 3,
                          .depth = 8,
                          .kind = 3,
                          .palette = "\xff\0\0\xff\0\0\0\xff\0",
                          .n_palette = 9,
                          .trns = "\xff\0",
                          .n_trns = 2};
    struct row grey = {.width = 3, .depth = 2, .kind = 0, .trns = "\0\1", .n_trns = 2};
    struct row rgb = {.width = 3, .depth = 8, .kind = 2, .trns = "\0\x80\0\x80\0\x80", .n_trns = 6};
    struct file *file = row_file(rgba, "\xff\0\0\xff\xff\0\0\0\0\xff\0\xff", 12);

    (void)state;
    assert_labels(file, RED_GREEN, OV_U8, labels, 3);
    free(file);
    file = row_file(indexed, "\0\1\2", 3);
    assert_labels(file, RED_GREEN, OV_U8, labels, 3);
    free(file);
    file = row_file(grey, "\xd8", 1); /* 3, 1, 2 */
    assert_labels(file, "{\"#ffffff\":1,\"#aaaaaa\":2}", OV_U8, labels, 3);
    free(file);
    file = row_file(rgb, "\xff\0\0\x80\x80\x80\0\xff\0", 9);
    assert_labels(file, RED_GREEN, OV_U8, labels, 3);
    free(file);
}

static void what_is_partly_transparent_is_not_listed(void **state)
{
    static const uint8_t labels[2] = {5, 1};
    struct row rgba = {.width = 2, .depth = 8, .kind = 6};
    struct file *file = row_file(rgba, "\xff\0\0\x80\xff\0\0\xff", 8);

    (void)state;
    assert_image_problem(file, RED_GREEN, PROBLEM_UNLISTED_COLOR,
                         "row 0, column 0 (from 0) has the colour #ff0000 with alpha 128");
    assert_image_problem(file, "\"coco_panoptic\"", PROBLEM_UNLISTED_COLOR,
                         "partly transparent and no panoptic id");
    assert_labels(file, "{\"#ff0000\":1,\"*\":5}", OV_U8, labels, 2);
    free(file);
}

static void greys_are_colours_too(void **state)
{
    static const uint8_t labels[4] = {0, 3, 1, 2};
    struct row bits = {.width = 4, .depth = 1}, quarters = {.width = 4, .depth = 2};
    struct row alpha = {.width = 2, .depth = 8, .kind = 4};
    static const uint8_t ones[4] = {0, 1, 1, 0}, two[2] = {0, 1};
    struct file *file = row_file(bits, "\x60", 1);

    (void)state;
    assert_labels(file, "{\"#ffffff\":1}", OV_U8, ones, 4);
    free(file);
    file = row_file(quarters, "\x1b", 1);
    assert_labels(file, "{\"#555555\":3,\"#aaaaaa\":1,\"#ffffff\":2}", OV_U8, labels, 4);
    free(file);
    file = row_file(alpha, "\xff\0\xff\xff", 4);
    assert_labels(file, "{\"#ffffff\":1}", OV_U8, two, 2);
    free(file);
}

static void an_index_beyond_the_palette_is_no_colour(void **state)
{
    struct row indexed = {
        .width = 2, .depth = 8, .kind = 3, .palette = "\xff\0\0\0\xff\0", .n_palette = 6};
    struct file *file = row_file(indexed, "\1\2", 2);

    (void)state;
    assert_image_problem(file, RED_GREEN, PROBLEM_BAD_MASK, "index 2, but its palette has 2");
    free(file);
    indexed.n_palette = 0;
    file = row_file(indexed, "\1\2", 2);
    assert_image_problem(file, RED_GREEN, PROBLEM_BAD_MASK, "The PNG cannot be read");
    free(file);
}

static void samples_of_16_bits_are_no_colours(void **state)
{
    struct row deep = {.width = 1, .depth = 16, .kind = 2};
    struct file *file = row_file(deep, "\1\2\3\4\5\6", 6);

    (void)state;
    assert_image_problem(file, RED_GREEN, PROBLEM_UNSUPPORTED_MASK, "samples of 16 bits");
    free(file);
}

/* More pixels than are looked up at a time. */
static void long_rows_are_read(void **state)
{
    struct row rgb = {.width = 255, .depth = 8, .kind = 2};
    char samples[255 * 3];
    uint8_t labels[255];
    struct file *file;

    (void)state;
    for (size_t i = 0; i < 255; i++) {
        memcpy(samples + 3 * i, i * i % 7 < 3 ? "\xff\0\0" : "\0\xff\0", 3);
        labels[i] = i * i % 7 < 3 ? 1 : 2;
    }
    file = row_file(rgb, samples, sizeof(samples));
    assert_labels(file, RED_GREEN, OV_U8, labels, 255);
    free(file);
}

/* ---- kinds of TIFF --------------------------------------------------------------------------- */

static void palettes_of_tiff_are_colours(void **state)
{
    /* the picture in 2 bits; then the map: all reds, all greens, all blues */
    static const uint16_t map[14] = {0, 0xffff, 0, 0, 0, 0, 0xffff, 0, 0, 0, 0, 0, 0, 0};
    struct page page = picture_page();
    struct file *data = file_new(), *file;

    (void)state;
    put(data, "\x14\x18\x08\0", 4);
    for (size_t i = 0; i < 12; i++)
        put_little(data, map[i], 2);
    page.data = data->bytes;
    page.n_data = data->n;
    set_short(&page, TIFFTAG_BITSPERSAMPLE, 2);
    set_short(&page, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_PALETTE);
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, 3);
    set_tag(&page, TIFFTAG_COLORMAP, TIFF_SHORT, 12, AT_DATA(4));
    file = page_file(&page);
    assert_labels(file, RED_GREEN, OV_U8, picture, 12);
    assert_voxels(file, picture, 12); /* without colours, its indices */
    free(file);
    free(data);
}

/* An RGB page of one row, its bits per sample and data of this. */
static struct page rgb_page(const void *data, size_t n_data, uint32_t n_samples)
{
    struct page page = picture_page();

    set_long(&page, TIFFTAG_IMAGEWIDTH, (uint32_t)((n_data - 8) / n_samples));
    set_long(&page, TIFFTAG_IMAGELENGTH, 1);
    set_short(&page, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
    set_short(&page, TIFFTAG_SAMPLESPERPIXEL, n_samples);
    set_tag(&page, TIFFTAG_BITSPERSAMPLE, TIFF_SHORT, n_samples, AT_DATA(0));
    set_long(&page, TIFFTAG_STRIPOFFSETS, AT_DATA(8));
    set_long(&page, TIFFTAG_STRIPBYTECOUNTS, (uint32_t)n_data - 8);
    drop_tag(&page, TIFFTAG_SAMPLEFORMAT);
    page.data = data;
    page.n_data = n_data;
    return page;
}

static void alpha_of_tiff_is_transparency(void **state)
{
    static const char data[] = "\x8\0\x8\0\x8\0\x8\0\xff\0\0\xff\xff\0\0\0\0\xff\0\xff";
    static const uint8_t labels[3] = {1, 0, 2};
    struct page page = rgb_page(data, sizeof(data) - 1, 4);
    struct file *file;

    (void)state;
    set_short(&page, TIFFTAG_EXTRASAMPLES, EXTRASAMPLE_UNASSALPHA);
    file = page_file(&page);
    assert_labels(file, RED_GREEN, OV_U8, labels, 3);
    free(file);
    set_short(&page, TIFFTAG_EXTRASAMPLES, EXTRASAMPLE_UNSPECIFIED);
    file = page_file(&page);
    assert_image_problem(file, RED_GREEN, PROBLEM_UNSUPPORTED_MASK, "more samples a pixel than");
    free(file);
}

static void other_layouts_of_colours_are_refused(void **state)
{
    static const char deep[] = "\x10\0\x10\0\x10\0\0\0\xff\0\0\xff\xff\0";
    static const char data[] = "\x8\0\x8\0\x8\0\0\0\xff\0\0";
    struct page page = rgb_page(deep, sizeof(deep) - 1, 3);
    struct file *file;

    (void)state;
    set_long(&page, TIFFTAG_IMAGEWIDTH, 1);
    file = page_file(&page);
    assert_image_problem(file, RED_GREEN, PROBLEM_UNSUPPORTED_MASK, "no samples of 8 bits");
    free(file);
    page = rgb_page(data, sizeof(data) - 1, 3);
    set_short(&page, TIFFTAG_PLANARCONFIG, PLANARCONFIG_SEPARATE);
    file = page_file(&page);
    assert_image_problem(file, RED_GREEN, PROBLEM_UNSUPPORTED_MASK, "in separate planes");
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_transparent_is_nothing),
        cmocka_unit_test(what_is_partly_transparent_is_not_listed),
        cmocka_unit_test(greys_are_colours_too),
        cmocka_unit_test(an_index_beyond_the_palette_is_no_colour),
        cmocka_unit_test(samples_of_16_bits_are_no_colours),
        cmocka_unit_test(long_rows_are_read),
        cmocka_unit_test(palettes_of_tiff_are_colours),
        cmocka_unit_test(alpha_of_tiff_is_transparency),
        cmocka_unit_test(other_layouts_of_colours_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
