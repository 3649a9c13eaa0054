/* tiff_image.h - TIFF files in memory, tag by tag; for the tests of tiff.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TIFF_IMAGE_H
#define TESTS_TIFF_IMAGE_H

#include "mask_files.h"

#include <tiff.h>

/* tifffile 2026.3: a strip; a tile of 16 bits by LZW, big-endian; two pages by PackBits, BigTIFF */
static const char strips_hex[] =
    "49 49 2a 00 08 00 00 00 0c 00 00 01 04 00 01 00 00 00 04 00 00 00 01 01 04 00 01 00 00 00 "
    "03 00 00 00 02 01 03 00 01 00 00 00 08 00 00 00 03 01 03 00 01 00 00 00 01 00 00 00 06 01 "
    "03 00 01 00 00 00 01 00 00 00 11 01 04 00 01 00 00 00 b0 00 00 00 15 01 03 00 01 00 00 00 "
    "01 00 00 00 16 01 04 00 01 00 00 00 03 00 00 00 17 01 04 00 01 00 00 00 0c 00 00 00 1a 01 "
    "05 00 01 00 00 00 9e 00 00 00 1b 01 05 00 01 00 00 00 a6 00 00 00 28 01 03 00 01 00 00 00 "
    "01 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00 01 00 00 00 01 00 00 00 00 00 00 01 01 00 "
    "00 01 02 00 00 00 02 00 ";
static const char tiles_big_hex[] =
    "4d 4d 00 2a 00 00 00 08 00 0d 01 00 00 04 00 00 00 01 00 00 00 04 01 01 00 04 00 00 00 01 "
    "00 00 00 03 01 02 00 03 00 00 00 01 00 10 00 00 01 03 00 03 00 00 00 01 00 05 00 00 01 06 "
    "00 03 00 00 00 01 00 01 00 00 01 15 00 03 00 00 00 01 00 01 00 00 01 1a 00 05 00 00 00 01 "
    "00 00 00 aa 01 1b 00 05 00 00 00 01 00 00 00 b2 01 28 00 03 00 00 00 01 00 01 00 00 01 42 "
    "00 04 00 00 00 01 00 00 00 10 01 43 00 04 00 00 00 01 00 00 00 10 01 44 00 04 00 00 00 01 "
    "00 00 00 c0 01 45 00 04 00 00 00 01 00 00 00 30 00 00 00 00 00 00 00 01 00 00 00 01 00 00 "
    "00 01 00 00 00 01 00 00 00 00 00 00 80 00 20 40 10 04 12 05 07 84 42 61 50 b8 28 00 05 0c "
    "88 44 61 10 f8 94 56 2d 17 8c 46 63 51 b8 e4 76 3d 1f 90 48 64 52 39 24 96 4d 27 94 40 40 ";
static const char bigtiff_pages_hex[] =
    "49 49 2b 00 08 00 00 00 10 00 00 00 00 00 00 00 0c 00 00 00 00 00 00 00 00 01 04 00 01 00 "
    "00 00 00 00 00 00 04 00 00 00 00 00 00 00 01 01 04 00 01 00 00 00 00 00 00 00 03 00 00 00 "
    "00 00 00 00 02 01 03 00 01 00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 03 01 03 00 01 00 "
    "00 00 00 00 00 00 05 80 00 00 00 00 00 00 06 01 03 00 01 00 00 00 00 00 00 00 01 00 00 00 "
    "00 00 00 00 11 01 10 00 01 00 00 00 00 00 00 00 10 01 00 00 00 00 00 00 15 01 03 00 01 00 "
    "00 00 00 00 00 00 01 00 00 00 00 00 00 00 16 01 04 00 01 00 00 00 00 00 00 00 03 00 00 00 "
    "00 00 00 00 17 01 10 00 01 00 00 00 00 00 00 00 0f 00 00 00 00 00 00 00 1a 01 05 00 01 00 "
    "00 00 00 00 00 00 01 00 00 00 01 00 00 00 1b 01 05 00 01 00 00 00 00 00 00 00 01 00 00 00 "
    "01 00 00 00 28 01 03 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 20 01 00 00 00 00 "
    "00 00 03 00 01 01 00 03 00 01 02 00 03 00 00 02 00 00 0c 00 00 00 00 00 00 00 00 01 04 00 "
    "01 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 01 01 04 00 01 00 00 00 00 00 00 00 03 00 "
    "00 00 00 00 00 00 02 01 03 00 01 00 00 00 00 00 00 00 08 00 00 00 00 00 00 00 03 01 03 00 "
    "01 00 00 00 00 00 00 00 05 80 00 00 00 00 00 00 06 01 03 00 01 00 00 00 00 00 00 00 01 00 "
    "00 00 00 00 00 00 11 01 10 00 01 00 00 00 00 00 00 00 20 02 00 00 00 00 00 00 15 01 03 00 "
    "01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 16 01 04 00 01 00 00 00 00 00 00 00 03 00 "
    "00 00 00 00 00 00 17 01 10 00 01 00 00 00 00 00 00 00 0f 00 00 00 00 00 00 00 1a 01 05 00 "
    "01 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00 1b 01 05 00 01 00 00 00 00 00 00 00 01 00 "
    "00 00 01 00 00 00 28 01 03 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 "
    "00 00 00 00 03 00 00 02 00 03 00 01 02 00 03 00 01 01 00 ";

struct tag {
    uint16_t tag;
    uint16_t type;
    uint32_t n;
    uint32_t value;
};

#define MAX_TAGS 24

/* A page: its tags in ascending order, none of tag 0; its data, to which StripOffsets, TileOffsets
 * and tags of WITH_DATA point. */
struct page {
    struct tag tags[MAX_TAGS];
    const void *data;
    size_t n_data;
};

/* As a tag's value: its place in the file is so many bytes behind the start of the data. */
#define AT_DATA(n) (0x70000000u + (n))

/* The picture, a grey page of 8 bits in one strip. */
static inline struct page picture_page(void)
{
    struct page page = {{{TIFFTAG_IMAGEWIDTH, TIFF_LONG, 1, 4},
                         {TIFFTAG_IMAGELENGTH, TIFF_LONG, 1, 3},
                         {TIFFTAG_BITSPERSAMPLE, TIFF_SHORT, 1, 8},
                         {TIFFTAG_COMPRESSION, TIFF_SHORT, 1, COMPRESSION_NONE},
                         {TIFFTAG_PHOTOMETRIC, TIFF_SHORT, 1, PHOTOMETRIC_MINISBLACK},
                         {TIFFTAG_STRIPOFFSETS, TIFF_LONG, 1, AT_DATA(0)},
                         {TIFFTAG_SAMPLESPERPIXEL, TIFF_SHORT, 1, 1},
                         {TIFFTAG_ROWSPERSTRIP, TIFF_LONG, 1, 3},
                         {TIFFTAG_STRIPBYTECOUNTS, TIFF_LONG, 1, 12},
                         {TIFFTAG_SAMPLEFORMAT, TIFF_SHORT, 1, SAMPLEFORMAT_UINT}},
                        picture,
                        sizeof(picture)};

    return page;
}

/* Replace a tag, or put it in its place. */
static inline void set_tag(struct page *page, uint16_t tag, uint16_t type, uint32_t n,
                           uint32_t value)
{
    struct tag *at = page->tags;

    while (at->tag != 0 && at->tag < tag)
        at++;
    if (at->tag != tag)
        memmove(at + 1, at, (size_t)(page->tags + MAX_TAGS - 1 - at) * sizeof(*at));
    *at = (struct tag){tag, type, n, value};
}

static inline void set_short(struct page *page, uint16_t tag, uint32_t value)
{
    set_tag(page, tag, TIFF_SHORT, 1, value);
}

static inline void set_long(struct page *page, uint16_t tag, uint32_t value)
{
    set_tag(page, tag, TIFF_LONG, 1, value);
}

static inline void drop_tag(struct page *page, uint16_t tag)
{
    struct tag *at = page->tags;

    while (at->tag != tag)
        at++;
    memmove(at, at + 1, (size_t)(page->tags + MAX_TAGS - 1 - at) * sizeof(*at));
}

/* Tiles of 16 x 16 for a page of 4 x 3: what is beyond the image is passed over. */
static inline struct page tiled_page(uint8_t *data)
{
    struct page page = picture_page();

    memset(data, 99, 256);
    for (size_t i = 0; i < 3; i++)
        memcpy(data + 16 * i, picture + 4 * i, 4);
    drop_tag(&page, TIFFTAG_STRIPOFFSETS);
    drop_tag(&page, TIFFTAG_STRIPBYTECOUNTS);
    drop_tag(&page, TIFFTAG_ROWSPERSTRIP);
    set_short(&page, TIFFTAG_TILEWIDTH, 16);
    set_short(&page, TIFFTAG_TILELENGTH, 16);
    set_long(&page, TIFFTAG_TILEOFFSETS, AT_DATA(0));
    set_long(&page, TIFFTAG_TILEBYTECOUNTS, 256);
    page.data = data;
    page.n_data = 256;
    return page;
}

/* The directory and the data behind it; `next` is where the next one begins, by default behind. */
static inline void put_page(struct file *file, const struct page *page, bool is_last)
{
    uint16_t n = 0;
    size_t data_at;

    while (page->tags[n].tag != 0)
        n++;
    data_at = file->n + 2 + 12 * (size_t)n + 4;
    put_little(file, n, 2);
    for (const struct tag *tag = page->tags; tag->tag != 0; tag++) {
        uint32_t value = tag->value;

        if (value >= AT_DATA(0) && value < AT_DATA(1 << 16))
            value = value - AT_DATA(0) + (uint32_t)data_at;
        put_little(file, tag->tag, 2);
        put_little(file, tag->type, 2);
        put_little(file, tag->n, 4);
        put_little(file, value, 4);
    }
    put_little(file, is_last ? 0 : data_at + page->n_data, 4);
    put(file, page->data, page->n_data);
}

static inline void put_tiff(struct file *file, const struct page *pages, size_t n)
{
    put(file, "II*\0\x8\0\0\0", 8);
    for (size_t i = 0; i < n; i++)
        put_page(file, &pages[i], i + 1 == n);
}

static inline struct file *page_file(const struct page *page)
{
    struct file *file = file_new();

    put_tiff(file, page, 1);
    return file;
}

static inline void assert_page_problem(const struct page *page, enum problem_code code,
                                       const char *words)
{
    struct file *file = page_file(page);

    assert_file_problem(file, code, words);
    free(file);
}

static inline void assert_page_reads(const struct page *page, const void *voxels, size_t n_bytes)
{
    struct file *file = page_file(page);

    assert_voxels(file, voxels, n_bytes);
    free(file);
}

#endif
