/* colors.h - colours to labels, as a request lists them or as COCO's panoptic images encode them.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_COLORS_H
#define PROTO_FORMAT_COLORS_H

#include "proto/reader.h"

/*
 * {"#ff0000": 1, "*": 0} gives the label of each colour, "*" that of all others; black is 0 unless
 * it is listed. "coco_panoptic" gives R + 256 G + 65536 B. What is fully transparent is 0 always;
 * what is partly so is no listed colour.
 */
struct colors;

/* What the source says of colours, in *ret_colors: NULL where it says nothing. */
bool colors_new(const struct source *source, struct colors **ret_colors, struct problem *reterr);
void colors_free(struct colors *colors);

/* The smallest dtype that holds every label; that of what colors_map writes. */
enum ov_dtype colors_dtype(const struct colors *colors);

/* The colours of indices or grey values: R, G, B and alpha. */
struct color_table {
    unsigned n;
    uint8_t colors[256][4];
};

/* Grey values of so many bits, spread over all of 0..255. */
void color_table_greys(struct color_table *table, unsigned bits);

/* The colours of n indices, 4 bytes each. Problems: an index beyond the table. */
bool color_table_find(const struct color_table *table, const uint8_t *indices, size_t n,
                      uint8_t *ret_pixels, const char *pointer, struct problem *reterr);

/*
 * Write the labels of n pixels, each 8 bits of R, G, B and alpha. Returns how many have one: where
 * that is less than n, colors_refuse says which colour the next one has.
 */
size_t colors_map(struct colors *colors, const uint8_t *pixels, size_t n, void *ret_labels);
bool colors_refuse(const struct colors *colors, const uint8_t *pixel, uint64_t row, uint64_t column,
                   struct problem *reterr);

#endif
