/* tiff_rows.c - the rows of one page of a TIFF file, from strips or tiles. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/tiff_rows.h"

#include <stdlib.h>
#include <string.h>

/* What libzstd sets aside for a frame, and touches as far as the frame is decoded. */
#define ZSTD_WINDOW_MAX ((uint64_t)128 << 20)

/* ---- memory ---------------------------------------------------------------------------------- */

/* Sizes of tiles come from the file, and have nothing to do with the size of the image. */
static bool measure_tiles(struct tiff_rows *rows, uint64_t *ret_band_bytes, struct problem *reterr)
{
    const struct tiff_page *page = rows->page;
    uint64_t n_across = ((uint64_t)page->width + page->tile_width - 1) / page->tile_width;
    uint64_t tile_row_bytes = tiff_page_row_bytes(page, page->tile_width);
    uint64_t shape[3] = {n_across, page->tile_height, tile_row_bytes};
    uint64_t n_bytes;

    if (ov_shape_size(3, shape, OV_U8, &n_bytes, &n_bytes) != OV_OK ||
        n_bytes > rows->env->limits.decoded_bytes)
        return problem_set(
            reterr, PROBLEM_DECODED_TOO_LARGE, rows->file->pointer,
            "The TIFF has tiles of %lu x %lu pixels, which take more than %llu bytes "
            "side by side.",
            (unsigned long)page->tile_height, (unsigned long)page->tile_width,
            (unsigned long long)rows->env->limits.decoded_bytes);
    rows->n_across = n_across;
    rows->tile_row_bytes = (size_t)tile_row_bytes;
    rows->tile_bytes = (size_t)(n_bytes / n_across);
    *ret_band_bytes = n_bytes;
    return true;
}

static uint64_t window_bytes(const struct tiff_rows *rows)
{
    uint64_t n_bytes = tiff_page_row_bytes(rows->page, rows->page->width) * rows->page->height;

    if (rows->page->compression != COMPRESSION_ZSTD)
        return 0;
    return n_bytes < ZSTD_WINDOW_MAX ? n_bytes : ZSTD_WINDOW_MAX;
}

static bool no_memory(const struct tiff_rows *rows, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, rows->file->pointer,
                       "There is no memory for a TIFF of %lu x %lu pixels a page.",
                       (unsigned long)rows->page->height, (unsigned long)rows->page->width);
}

static bool take(struct tiff_rows *rows, uint64_t n_bytes, struct problem *reterr)
{
    if (n_bytes <= TIFF_FREE_BYTES)
        return true;
    if (!rows->env->memory_take(n_bytes))
        return no_memory(rows, reterr);
    rows->n_taken = n_bytes;
    return true;
}

static bool make_rows(struct tiff_rows *rows, struct problem *reterr)
{
    bool is_tiled = rows->page->tile_width > 0;
    uint64_t row_bytes = tiff_page_row_bytes(rows->page, rows->page->width);
    uint64_t band_bytes = 0;

    if (is_tiled && !measure_tiles(rows, &band_bytes, reterr))
        return false;
    if (is_tiled)
        row_bytes = rows->n_across * rows->tile_row_bytes;
    if (is_tiled ? TIFFTileSize64(rows->file->tiff) != rows->tile_bytes
                 : TIFFScanlineSize64(rows->file->tiff) != row_bytes)
        return tiff_file_failed(rows->file, PROBLEM_BAD_MASK, reterr);
    if (!take(rows, row_bytes + band_bytes + window_bytes(rows), reterr))
        return false;
    rows->row = calloc(1, (size_t)row_bytes);
    if (band_bytes > 0)
        rows->band = calloc(1, (size_t)band_bytes);
    return (rows->row != NULL && is_tiled == (rows->band != NULL)) || no_memory(rows, reterr);
}

bool tiff_rows_init(struct tiff_rows *rows, const struct tiff_file *file,
                    const struct tiff_page *page, const struct env *env, struct problem *reterr)
{
    *rows = (struct tiff_rows){.file = file, .page = page, .env = env};
    if (make_rows(rows, reterr))
        return true;
    tiff_rows_done(rows);
    return false;
}

void tiff_rows_done(struct tiff_rows *rows)
{
    free(rows->row);
    free(rows->band);
    if (rows->n_taken > 0)
        rows->env->memory_give(rows->n_taken);
    *rows = (struct tiff_rows){.row = NULL};
}

/* ---- pixels ---------------------------------------------------------------------------------- */

/* libtiff reads the file's first bytes as pixels where a directory leaves out where they are, and
 * goes on behind a piece that is too short. */
static bool check_piece(const struct tiff_rows *rows, uint32_t piece, struct problem *reterr)
{
    uint64_t n_bytes = TIFFGetStrileByteCount(rows->file->tiff, piece);
    bool is_short = rows->band != NULL && rows->page->compression == COMPRESSION_NONE &&
                    n_bytes < rows->tile_bytes;

    if (TIFFGetStrileOffset(rows->file->tiff, piece) != 0 && n_bytes > 0 && !is_short)
        return true;
    return problem_set(reterr, PROBLEM_BAD_MASK, rows->file->pointer,
                       "The TIFF has %s data for %s %lu; files that leave pixels out are not read.",
                       is_short && n_bytes > 0 ? "too little" : "no",
                       rows->band != NULL ? "tile" : "strip", (unsigned long)piece);
}

static bool read_band(struct tiff_rows *rows, struct problem *reterr)
{
    for (uint64_t i = 0; i < rows->n_across; i++) {
        uint32_t x = (uint32_t)(i * rows->page->tile_width);
        uint32_t tile = TIFFComputeTile(rows->file->tiff, x, rows->n_rows, 0, 0);
        tmsize_t n;

        if (!check_piece(rows, tile, reterr))
            return false;
        n = TIFFReadEncodedTile(rows->file->tiff, tile, rows->band + i * rows->tile_bytes,
                                (tmsize_t)rows->tile_bytes);
        if (n < 0 || (size_t)n != rows->tile_bytes)
            return tiff_file_failed(rows->file, PROBLEM_CORRUPT, reterr);
    }
    return true;
}

static bool read_tiled_row(struct tiff_rows *rows, struct problem *reterr)
{
    uint32_t row = rows->n_rows % rows->page->tile_height;

    if (row == 0 && !read_band(rows, reterr))
        return false;
    for (uint64_t i = 0; i < rows->n_across; i++)
        memcpy(rows->row + i * rows->tile_row_bytes,
               rows->band + i * rows->tile_bytes + row * rows->tile_row_bytes,
               rows->tile_row_bytes);
    return true;
}

static bool read_row(struct tiff_rows *rows, struct problem *reterr)
{
    TIFF *file = rows->file->tiff;

    return check_piece(rows, TIFFComputeStrip(file, rows->n_rows, 0), reterr) &&
           (TIFFReadScanline(file, rows->row, rows->n_rows, 0) == 1 ||
            tiff_file_failed(rows->file, PROBLEM_CORRUPT, reterr));
}

bool tiff_rows_next(struct tiff_rows *rows, struct problem *reterr)
{
    if (!(rows->band != NULL ? read_tiled_row(rows, reterr) : read_row(rows, reterr)))
        return false;
    rows->n_rows++;
    return true;
}
