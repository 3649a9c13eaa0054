/* tiff_page.h - one image of a TIFF file, as its directory describes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_TIFF_PAGE_H
#define PROTO_FORMAT_TIFF_PAGE_H

#include "lib/overlap.h"
#include "proto/format/colors.h"
#include "proto/format/tiff_file.h"

struct tiff_page {
    uint32_t width, height;
    uint32_t tile_width, tile_height; /* 0 where the image is in strips */
    uint16_t bits;                    /* of a sample */
    uint16_t sample_format;
    uint16_t n_samples;
    uint16_t colors; /* the photometric interpretation */
    uint16_t compression;
    bool has_alpha;
    bool is_reduced; /* a smaller copy, or the transparency, of another page */
};

/*
 * Describe the current directory.
 *   has_colors   labels are made of colours, so that RGB is no problem
 *
 * Problems: what cannot be read as labels, or is read differently by different programs.
 */
bool tiff_page_init(struct tiff_page *page, const struct tiff_file *file, bool has_colors,
                    struct problem *reterr);

/* Both can be slices of one volume: what is in them is the same, however it is stored. */
bool tiff_page_is_like(const struct tiff_page *page, const struct tiff_page *other);

/* The dtype of its samples; those of less than 8 bits are unpacked. */
enum ov_dtype tiff_page_dtype(const struct tiff_page *page);

/* Bytes of a row of n pixels, samples packed as they are. */
uint64_t tiff_page_row_bytes(const struct tiff_page *page, uint64_t n);

/* The colours of a page of one sample: those of its palette, or greys. */
bool tiff_page_palette(const struct tiff_page *page, const struct tiff_file *file,
                       struct color_table *ret_table, struct problem *reterr);

#endif
