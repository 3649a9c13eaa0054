/* tiff.c - label images in TIFF, through libtiff: strips or tiles, one page or a stack of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/format/bytes.h"
#include "proto/format/tiff_page.h"
#include "proto/whole.h"

/* Memory up to this size needs no leave from the budget: a tile of the counting is as large. */
#define FREE_BYTES 65536

/* What libzstd sets aside for a frame, and touches as far as the frame is decoded. */
#define ZSTD_WINDOW_MAX ((uint64_t)128 << 20)

/* Pixels of which the colours are looked up at a time. */
#define COLORED_PIXELS 256

#define REDUCED "reduced page"

static const char *const extensions[] = {".tif", ".tiff", NULL};

struct tiff {
    const char *pointer;
    const struct env *env;
    struct whole whole;
    struct tiff_file file;
    struct colors *colors; /* NULL: labels are samples */
    struct color_table palette;
    struct tiff_page page; /* the one being read */
    struct tiff_page first;
    uint64_t n_pages;
    uint64_t n_directories;
    uint64_t n_file_taken; /* from the budget: for what libtiff copies of the file */
    uint64_t n_rows_taken; /* and for what follows, of one page */
    uint8_t *row;
    uint8_t *band;     /* tiles side by side; NULL where the page is in strips */
    uint64_t n_across; /* tiles */
    size_t tile_bytes; /* of one tile */
    size_t tile_row_bytes;
    bool has_page;
    uint32_t n_rows; /* of the page, begun */
    uint32_t at;     /* next pixel of row */
};

static bool tiff_is(const uint8_t *bytes, size_t n)
{
    static const char *const signatures[] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};

    n = n < 4 ? n : 4;
    for (size_t i = 0; n > 0 && i < 4; i++) {
        if (memcmp(bytes, signatures[i], n) == 0)
            return true;
    }
    return false;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static bool no_memory(const struct tiff *tiff, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, tiff->pointer,
                       "There is no memory for a TIFF of %lu x %lu pixels a page.",
                       (unsigned long)tiff->first.height, (unsigned long)tiff->first.width);
}

static bool take(const struct tiff *tiff, uint64_t n_bytes, uint64_t *taken, struct problem *reterr)
{
    if (n_bytes <= FREE_BYTES)
        return true;
    if (!tiff->env->memory_take(n_bytes))
        return no_memory(tiff, reterr);
    *taken = n_bytes;
    return true;
}

static void give(const struct tiff *tiff, uint64_t *taken)
{
    if (*taken > 0)
        tiff->env->memory_give(*taken);
    *taken = 0;
}

static void free_rows(struct tiff *tiff)
{
    free(tiff->row);
    free(tiff->band);
    tiff->row = NULL;
    tiff->band = NULL;
    give(tiff, &tiff->n_rows_taken);
}

static void tiff_close(void *state)
{
    struct tiff *tiff = state;

    tiff_file_done(&tiff->file);
    free_rows(tiff);
    give(tiff, &tiff->n_file_taken);
    colors_free(tiff->colors);
    whole_done(&tiff->whole);
    free(tiff);
}

/* ---- header ---------------------------------------------------------------------------------- */

static bool measure(const struct tiff *tiff, struct reader *reader, struct problem *reterr)
{
    struct mask_header *header = reader__header(reader);
    uint64_t *shape = header->shape;

    header->encoding.dtype =
        tiff->colors != NULL ? colors_dtype(tiff->colors) : tiff_page_dtype(&tiff->first);
    header->order = OV_ORDER_C;
    header->ndim = 2;
    if (tiff->n_pages > 1) {
        header->ndim = 3;
        *shape++ = tiff->n_pages;
    }
    shape[0] = tiff->first.height;
    shape[1] = tiff->first.width;
    return reader__measure(reader, reterr);
}

static bool add_page(struct tiff *tiff, struct reader *reader, struct problem *reterr)
{
    if (tiff->page.is_reduced)
        return reader__skip(reader, REDUCED, sizeof(REDUCED) - 1, reterr);
    if (tiff->n_pages == 0)
        tiff->first = tiff->page;
    else if (!tiff_page_is_like(&tiff->page, &tiff->first))
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, tiff->pointer,
                           "Page %llu of the TIFF is %lu x %lu of %u bits, page 1 is %lu x %lu of "
                           "%u: pages that differ in size or kind are no volume.",
                           (unsigned long long)tiff->n_pages + 1, (unsigned long)tiff->page.height,
                           (unsigned long)tiff->page.width, tiff->page.bits,
                           (unsigned long)tiff->first.height, (unsigned long)tiff->first.width,
                           tiff->first.bits);
    tiff->n_pages++;
    return measure(tiff, reader, reterr);
}

/* Every directory is read once before the first pixel: a stack is one mask only if it is even. */
static bool survey(struct tiff *tiff, struct reader *reader, struct problem *reterr)
{
    for (;;) {
        tiff->n_directories++;
        if (!tiff_page_init(&tiff->page, &tiff->file, tiff->colors != NULL, reterr) ||
            !add_page(tiff, reader, reterr))
            return false;
        if (TIFFLastDirectory(tiff->file.tiff) != 0)
            break;
        if (!tiff_file_next(&tiff->file, reterr))
            return false;
    }
    return tiff->n_pages > 0 ||
           problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, tiff->pointer,
                       "The TIFF has reduced or transparency pages alone, and no image.");
}

static bool open_file(struct tiff *tiff, struct reader *reader, struct coding *stream,
                      struct problem *reterr)
{
    return colors_new(reader__source(reader), &tiff->colors, reterr) &&
           whole_init(&tiff->whole, reader, stream, reterr) &&
           take(tiff, tiff->whole.n_bytes, &tiff->n_file_taken, reterr) &&
           tiff_file_init(&tiff->file, tiff->whole.bytes, tiff->whole.n_bytes, tiff->pointer,
                          reterr) &&
           survey(tiff, reader, reterr);
}

static bool tiff_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    struct tiff *tiff = calloc(1, sizeof(*tiff));

    *reader__state(reader) = tiff;
    if (tiff == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, reader__source(reader)->pointer,
                           "There is no memory for a TIFF.");
    tiff->pointer = reader__source(reader)->pointer;
    tiff->env = reader__env(reader);
    return open_file(tiff, reader, stream, reterr);
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* Sizes of tiles come from the file, and have nothing to do with the size of the image. */
static bool measure_tiles(struct tiff *tiff, uint64_t *ret_band_bytes, struct problem *reterr)
{
    const struct tiff_page *page = &tiff->page;
    uint64_t n_across = ((uint64_t)page->width + page->tile_width - 1) / page->tile_width;
    uint64_t tile_row_bytes = tiff_page_row_bytes(page, page->tile_width);
    uint64_t shape[3] = {n_across, page->tile_height, tile_row_bytes};
    uint64_t n_bytes;

    if (ov_shape_size(3, shape, OV_U8, &n_bytes, &n_bytes) != OV_OK ||
        n_bytes > tiff->env->limits.decoded_bytes)
        return problem_set(
            reterr, PROBLEM_DECODED_TOO_LARGE, tiff->pointer,
            "The TIFF has tiles of %lu x %lu pixels, which take more than %llu bytes "
            "side by side.",
            (unsigned long)page->tile_height, (unsigned long)page->tile_width,
            (unsigned long long)tiff->env->limits.decoded_bytes);
    tiff->n_across = n_across;
    tiff->tile_row_bytes = (size_t)tile_row_bytes;
    tiff->tile_bytes = (size_t)(n_bytes / n_across);
    *ret_band_bytes = n_bytes;
    return true;
}

static uint64_t window_bytes(const struct tiff *tiff)
{
    uint64_t n_bytes = tiff_page_row_bytes(&tiff->page, tiff->page.width) * tiff->page.height;

    if (tiff->page.compression != COMPRESSION_ZSTD)
        return 0;
    return n_bytes < ZSTD_WINDOW_MAX ? n_bytes : ZSTD_WINDOW_MAX;
}

static bool make_rows(struct tiff *tiff, struct problem *reterr)
{
    bool is_tiled = tiff->page.tile_width > 0;
    uint64_t row_bytes = tiff_page_row_bytes(&tiff->page, tiff->page.width);
    uint64_t band_bytes = 0;

    if (is_tiled && !measure_tiles(tiff, &band_bytes, reterr))
        return false;
    if (is_tiled)
        row_bytes = tiff->n_across * tiff->tile_row_bytes;
    if (is_tiled ? TIFFTileSize64(tiff->file.tiff) != tiff->tile_bytes
                 : TIFFScanlineSize64(tiff->file.tiff) != row_bytes)
        return tiff_file_failed(&tiff->file, PROBLEM_BAD_MASK, reterr);
    if (!take(tiff, row_bytes + band_bytes + window_bytes(tiff), &tiff->n_rows_taken, reterr))
        return false;
    tiff->row = calloc(1, (size_t)row_bytes);
    tiff->band = is_tiled ? calloc(1, (size_t)band_bytes) : NULL;
    return (tiff->row != NULL && is_tiled == (tiff->band != NULL)) || no_memory(tiff, reterr);
}

/* The first page, or the next one, that is an image of its own. */
static bool next_page(struct tiff *tiff, struct problem *reterr)
{
    bool is_first = !tiff->has_page;

    free_rows(tiff);
    do {
        bool good = true;

        if (is_first && tiff->n_directories > 1)
            good = tiff_file_rewind(&tiff->file, reterr);
        else if (!is_first)
            good = tiff_file_next(&tiff->file, reterr);
        is_first = false;
        if (!good || !tiff_page_init(&tiff->page, &tiff->file, tiff->colors != NULL, reterr))
            return false;
    } while (tiff->page.is_reduced);
    tiff->has_page = true;
    tiff->n_rows = 0;
    if (tiff->colors != NULL && tiff->page.n_samples == 1 &&
        !tiff_page_palette(&tiff->page, &tiff->file, &tiff->palette, reterr))
        return false;
    return make_rows(tiff, reterr);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* libtiff reads the file's first bytes as pixels where a directory leaves out where they are, and
 * goes on behind a piece that is too short. */
static bool check_piece(const struct tiff *tiff, uint32_t piece, struct problem *reterr)
{
    uint64_t n_bytes = TIFFGetStrileByteCount(tiff->file.tiff, piece);
    bool is_short = tiff->band != NULL && tiff->page.compression == COMPRESSION_NONE &&
                    n_bytes < tiff->tile_bytes;

    if (TIFFGetStrileOffset(tiff->file.tiff, piece) != 0 && n_bytes > 0 && !is_short)
        return true;
    return problem_set(reterr, PROBLEM_BAD_MASK, tiff->pointer,
                       "The TIFF has %s data for %s %lu; files that leave pixels out are not read.",
                       is_short && n_bytes > 0 ? "too little" : "no",
                       tiff->band != NULL ? "tile" : "strip", (unsigned long)piece);
}

static bool read_band(struct tiff *tiff, struct problem *reterr)
{
    for (uint64_t i = 0; i < tiff->n_across; i++) {
        uint32_t x = (uint32_t)(i * tiff->page.tile_width);
        uint32_t tile = TIFFComputeTile(tiff->file.tiff, x, tiff->n_rows, 0, 0);
        tmsize_t n;

        if (!check_piece(tiff, tile, reterr))
            return false;
        n = TIFFReadEncodedTile(tiff->file.tiff, tile, tiff->band + i * tiff->tile_bytes,
                                (tmsize_t)tiff->tile_bytes);
        if (n < 0 || (size_t)n != tiff->tile_bytes)
            return tiff_file_failed(&tiff->file, PROBLEM_CORRUPT, reterr);
    }
    return true;
}

static bool read_tiled_row(struct tiff *tiff, struct problem *reterr)
{
    uint32_t row = tiff->n_rows % tiff->page.tile_height;

    if (row == 0 && !read_band(tiff, reterr))
        return false;
    for (uint64_t i = 0; i < tiff->n_across; i++)
        memcpy(tiff->row + i * tiff->tile_row_bytes,
               tiff->band + i * tiff->tile_bytes + row * tiff->tile_row_bytes,
               tiff->tile_row_bytes);
    return true;
}

static bool read_row(struct tiff *tiff, struct problem *reterr)
{
    TIFF *file = tiff->file.tiff;

    return check_piece(tiff, TIFFComputeStrip(file, tiff->n_rows, 0), reterr) &&
           (TIFFReadScanline(file, tiff->row, tiff->n_rows, 0) == 1 ||
            tiff_file_failed(&tiff->file, PROBLEM_CORRUPT, reterr));
}

static bool next_row(struct tiff *tiff, struct problem *reterr)
{
    if ((!tiff->has_page || tiff->n_rows == tiff->page.height) && !next_page(tiff, reterr))
        return false;
    if (!(tiff->band != NULL ? read_tiled_row(tiff, reterr) : read_row(tiff, reterr)))
        return false;
    tiff->n_rows++;
    tiff->at = 0;
    return true;
}

/* ---- pixels ---------------------------------------------------------------------------------- */

/* n samples of the row, of a page that has one a pixel. */
static void copy_samples(const struct tiff *tiff, size_t n, uint8_t *out)
{
    size_t bits = tiff->page.bits;

    if (bits >= 8)
        memcpy(out, tiff->row + tiff->at * (bits / 8), n * (bits / 8));
    else
        bytes_unpack(tiff->row, tiff->at, n, (unsigned)bits, out);
}

/* R, G, B and alpha of n pixels of the row. */
static bool copy_colors(const struct tiff *tiff, size_t n, uint8_t *out, struct problem *reterr)
{
    size_t n_samples = tiff->page.n_samples;
    uint8_t indices[COLORED_PIXELS];

    if (n_samples == 1) {
        copy_samples(tiff, n, indices);
        return color_table_find(&tiff->palette, indices, n, out, tiff->pointer, reterr);
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *pixel = tiff->row + (tiff->at + i) * n_samples;

        memcpy(out + 4 * i, pixel, 3);
        out[4 * i + 3] = n_samples == 4 ? pixel[3] : 255;
    }
    return true;
}

/* Labels of up to *n pixels of the row, which becomes how many there are. */
static bool copy_labels(struct tiff *tiff, size_t *n, uint8_t *out, struct problem *reterr)
{
    uint8_t pixels[4 * COLORED_PIXELS];
    size_t n_found;

    if (tiff->colors == NULL) {
        copy_samples(tiff, *n, out);
        return true;
    }
    *n = *n < COLORED_PIXELS ? *n : COLORED_PIXELS;
    if (!copy_colors(tiff, *n, pixels, reterr))
        return false;
    n_found = colors_map(tiff->colors, pixels, *n, out);
    return n_found == *n || colors_refuse(tiff->colors, pixels + 4 * n_found, tiff->n_rows - 1,
                                          tiff->at + n_found, reterr);
}

static bool tiff_tile(struct reader *reader, size_t n, void *room, struct problem *reterr)
{
    struct tiff *tiff = *reader__state(reader);
    size_t size = ov_dtype_bytes(reader__header(reader)->encoding.dtype);
    uint8_t *out = room;

    while (n > 0) {
        size_t n_here;

        if ((!tiff->has_page || tiff->at == tiff->page.width) && !next_row(tiff, reterr))
            return false;
        n_here = tiff->page.width - tiff->at;
        n_here = n_here < n ? n_here : n;
        if (!copy_labels(tiff, &n_here, out, reterr))
            return false;
        out += n_here * size;
        tiff->at += (uint32_t)n_here;
        n -= n_here;
    }
    return true;
}

const struct format format_tiff = {
    .kind = FORMAT_TIFF,
    .is = tiff_is,
    .extensions = extensions,
    .open = tiff_open,
    .tile = tiff_tile,
    .close = tiff_close,
};
