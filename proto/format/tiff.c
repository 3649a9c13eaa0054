/* tiff.c - label images in TIFF, through libtiff: strips or tiles, one page or a stack of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "proto/format/bytes.h"
#include "proto/format/tiff_rows.h"
#include "proto/whole.h"

/* Pixels of which the colours are looked up at a time. */
#define COLORED_PIXELS 256

#define SIGNATURE_BYTES 4

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
    uint64_t n_taken;      /* from the budget: for what libtiff copies of the file */
    struct tiff_rows rows; /* of the page */
    bool has_page;
    uint32_t at; /* next pixel of the row */
};

static bool tiff_is(const uint8_t *bytes, size_t n)
{
    static const char *const signatures[] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};

    n = n < SIGNATURE_BYTES ? n : SIGNATURE_BYTES;
    for (size_t i = 0; n > 0 && i < 4; i++) {
        if (memcmp(bytes, signatures[i], n) == 0)
            return true;
    }
    return false;
}

static void tiff_close(void *state)
{
    struct tiff *tiff = state;

    tiff_file_done(&tiff->file);
    tiff_rows_done(&tiff->rows);
    if (tiff->n_taken > 0)
        tiff->env->memory_give(tiff->n_taken);
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

static bool check_signature(const struct tiff *tiff, struct problem *reterr)
{
    const struct whole *whole = &tiff->whole;

    if (!tiff_is(whole->bytes, whole->n_bytes))
        return problem_set(reterr, PROBLEM_FORMAT_MISMATCH, tiff->pointer,
                           "The mask's name says TIFF, but it does not begin like one.");
    return whole->n_bytes >= SIGNATURE_BYTES ||
           problem_set(reterr, PROBLEM_TRUNCATED, tiff->pointer,
                       "The TIFF ends within its first 4 bytes.");
}

/* A packed strip, and the places of all strips. */
static bool take_memory(struct tiff *tiff, struct problem *reterr)
{
    uint64_t n_bytes = tiff->whole.n_bytes;

    if (n_bytes <= TIFF_FREE_BYTES)
        return true;
    if (!tiff->env->memory_take(n_bytes))
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, tiff->pointer,
                           "There is no memory for a TIFF of %llu bytes.",
                           (unsigned long long)n_bytes);
    tiff->n_taken = n_bytes;
    return true;
}

static bool open_file(struct tiff *tiff, struct reader *reader, struct coding *stream,
                      struct problem *reterr)
{
    return colors_new(reader__source(reader), &tiff->colors, reterr) &&
           whole_init(&tiff->whole, reader, stream, reterr) && check_signature(tiff, reterr) &&
           take_memory(tiff, reterr) &&
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

/* The first page, or the next one, that is an image of its own. */
static bool next_page(struct tiff *tiff, struct problem *reterr)
{
    bool is_first = !tiff->has_page;

    tiff_rows_done(&tiff->rows);
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
    if (tiff->colors != NULL && tiff->page.n_samples == 1 &&
        !tiff_page_palette(&tiff->page, &tiff->file, &tiff->palette, reterr))
        return false;
    return tiff_rows_init(&tiff->rows, &tiff->file, &tiff->page, tiff->env, reterr);
}

static bool next_row(struct tiff *tiff, struct problem *reterr)
{
    if ((!tiff->has_page || tiff->rows.n_rows == tiff->page.height) && !next_page(tiff, reterr))
        return false;
    tiff->at = 0;
    return tiff_rows_next(&tiff->rows, reterr);
}

/* ---- pixels ---------------------------------------------------------------------------------- */

/* n samples of the row, of a page that has one a pixel. */
static void copy_samples(const struct tiff *tiff, size_t n, uint8_t *out)
{
    size_t bits = tiff->page.bits;

    if (bits >= 8)
        memcpy(out, tiff->rows.row + tiff->at * (bits / 8), n * (bits / 8));
    else
        bytes_unpack(tiff->rows.row, tiff->at, n, (unsigned)bits, out);
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
        const uint8_t *pixel = tiff->rows.row + (tiff->at + i) * n_samples;

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
    return n_found == *n || colors_refuse(tiff->colors, pixels + 4 * n_found, tiff->rows.n_rows - 1,
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
