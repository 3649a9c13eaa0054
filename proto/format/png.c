/* png.c - PNG through libspng: grey values, palette indices, or colours that stand for labels. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/bytes.h"
#include "proto/format/colors.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>

/* Comments, profiles and the like, of which libspng keeps copies though nobody reads them. */
#define METADATA_BYTES_MAX ((size_t)1 << 20)

/* Rows up to this size need no leave from the budget: a tile is as large. */
#define ROW_BYTES_FREE 65536

/* Pixels of which the colours are looked up at a time. */
#define COLORED_PIXELS 256

static const char signature[] = "\x89PNG\r\n\x1a\n";
static const char *const extensions[] = {".png", NULL};

struct png {
    spng_ctx *ctx;
    struct coding *stream;
    const char *pointer;
    const struct env *env;
    struct problem *reterr; /* of the call that libspng reads for */
    struct spng_ihdr ihdr;
    struct colors *colors; /* NULL: labels are grey values or indices */
    bool is_indirect;      /* what stands in a row is a place in the palette */
    struct color_table palette;
    int layout; /* of a row as libspng gives it, one of its formats */
    unsigned pixel_bits;
    size_t row_bytes; /* samples of less than 8 bits are packed */
    uint64_t n_taken; /* from the budget */
    uint8_t *rows;    /* one row; all of them where the image is interlaced */
    const uint8_t *row;
    uint32_t n_rows; /* begun */
    uint32_t at;     /* next pixel of row */
};

static bool png_is(const uint8_t *bytes, size_t n)
{
    size_t n_signature = sizeof(signature) - 1;

    return n > 0 && memcmp(bytes, signature, n < n_signature ? n : n_signature) == 0;
}

static int read_stream(spng_ctx *ctx, void *user, void *bytes, size_t n)
{
    struct png *png = user;

    (void)ctx;
    return coding_read(png->stream, bytes, n, png->reterr) ? 0 : SPNG_IO_ERROR;
}

static void png_close(void *state)
{
    struct png *png = state;

    spng_ctx_free(png->ctx);
    colors_free(png->colors);
    free(png->rows);
    if (png->n_taken > 0)
        png->env->memory_give(png->n_taken);
    free(png);
}

static bool set_memory(const struct png *png)
{
    return problem_set(png->reterr, PROBLEM_OUT_OF_MEMORY, png->pointer,
                       "There is no memory for a PNG of %lu x %lu pixels.",
                       (unsigned long)png->ihdr.height, (unsigned long)png->ihdr.width);
}

/* What libspng says is wrong; where the stream failed under it, that is the problem already. */
static bool set_failed(const struct png *png, int status)
{
    enum problem_code code = PROBLEM_BAD_MASK;

    switch (status) {
    case SPNG_EMEM:
        return set_memory(png);
    case SPNG_ECHUNK_CRC:
    case SPNG_EIDAT_STREAM:
    case SPNG_EZLIB:
        code = PROBLEM_CORRUPT;
        break;
    case SPNG_EIDAT_TOO_SHORT:
        code = PROBLEM_TRUNCATED;
        break;
    case SPNG_ECHUNK_LIMITS:
        code = PROBLEM_UNSUPPORTED_MASK;
        break;
    default:
        break;
    }
    return problem_set(png->reterr, code, png->pointer, "The PNG cannot be read: %s.",
                       spng_strerror(status));
}

/* ---- header ---------------------------------------------------------------------------------- */

static bool check_colours(const struct png *png)
{
    const char *what;

    if (png->colors != NULL && png->ihdr.bit_depth == 16)
        return problem_set(png->reterr, PROBLEM_UNSUPPORTED_MASK, png->pointer,
                           "The PNG has samples of 16 bits; colours that stand for labels have 8.");
    if (png->colors != NULL)
        return true;
    switch (png->ihdr.color_type) {
    case SPNG_COLOR_TYPE_GRAYSCALE:
    case SPNG_COLOR_TYPE_INDEXED:
        return true;
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
        what = "grey with alpha";
        break;
    case SPNG_COLOR_TYPE_TRUECOLOR:
        what = "RGB";
        break;
    default:
        what = "RGBA";
        break;
    }
    return problem_set(png->reterr, PROBLEM_UNSUPPORTED_MASK, png->pointer,
                       "The PNG is %s (colour type %d), and colours are no labels: say in the "
                       "source's \"colors\" which label each stands for (or \"coco_panoptic\"), or "
                       "save the labels as grey or indexed PNG.",
                       what, png->ihdr.color_type);
}

static bool open_ctx(struct png *png)
{
    int status;

    png->ctx = spng_ctx_new(0);
    if (png->ctx == NULL)
        return set_memory(png);
    spng_set_crc_action(png->ctx, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    spng_set_chunk_limits(png->ctx, METADATA_BYTES_MAX, METADATA_BYTES_MAX);
    status = spng_set_png_stream(png->ctx, read_stream, png);
    if (status == 0)
        status = spng_get_ihdr(png->ctx, &png->ihdr);
    return status == 0 || set_failed(png, status);
}

static void fill_greys(struct png *png)
{
    struct spng_trns trns;

    color_table_greys(&png->palette, png->ihdr.bit_depth);
    if (spng_get_trns(png->ctx, &trns) == 0 && trns.gray < png->palette.n)
        png->palette.colors[trns.gray][3] = 0;
}

static bool fill_palette(struct png *png)
{
    struct spng_plte plte;
    struct spng_trns trns = {.n_type3_entries = 0};
    int status = spng_get_plte(png->ctx, &plte);

    if (status != 0)
        return set_failed(png, status);
    status = spng_get_trns(png->ctx, &trns);
    png->palette.n = plte.n_entries;
    for (uint32_t i = 0; i < plte.n_entries; i++) {
        uint8_t alpha = status == 0 && i < trns.n_type3_entries ? trns.type3_alpha[i] : 255;
        uint8_t color[4] = {plte.entries[i].red, plte.entries[i].green, plte.entries[i].blue,
                            alpha};

        memcpy(png->palette.colors[i], color, sizeof(color));
    }
    return true;
}

/* What libspng is to make of a row. Colours of indices are looked up here: it lets those beyond the
 * palette pass. */
static bool choose_layout(struct png *png)
{
    png->layout = SPNG_FMT_PNG;
    png->pixel_bits = png->ihdr.bit_depth;
    if (png->colors == NULL)
        return true;
    png->is_indirect = true;
    switch (png->ihdr.color_type) {
    case SPNG_COLOR_TYPE_INDEXED:
        return fill_palette(png);
    case SPNG_COLOR_TYPE_GRAYSCALE:
        fill_greys(png);
        return true;
    default:
        png->is_indirect = false;
        png->layout = SPNG_FMT_RGBA8;
        png->pixel_bits = 32;
        return true;
    }
}

static enum ov_dtype dtype_of(const struct png *png)
{
    if (png->colors != NULL)
        return colors_dtype(png->colors);
    return png->ihdr.bit_depth == 16 ? OV_U16 : OV_U8;
}

static bool png_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    struct mask_header *header = reader__header(reader);
    struct png *png = calloc(1, sizeof(*png));

    *reader__state(reader) = png;
    if (png == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, reader__source(reader)->pointer,
                           "There is no memory for a PNG.");
    png->stream = stream;
    png->pointer = reader__source(reader)->pointer;
    png->env = reader__env(reader);
    png->reterr = reterr;
    if (!colors_new(reader__source(reader), &png->colors, reterr) || !open_ctx(png) ||
        !check_colours(png) || !choose_layout(png))
        return false;
    png->row_bytes = (size_t)(((uint64_t)png->ihdr.width * png->pixel_bits + 7) / 8);
    png->at = png->ihdr.width;
    header->encoding.dtype = dtype_of(png);
    header->order = OV_ORDER_C;
    header->ndim = 2;
    header->shape[0] = png->ihdr.height;
    header->shape[1] = png->ihdr.width;
    return reader__measure(reader, reterr);
}

/* ---- pixels ---------------------------------------------------------------------------------- */

static bool take_memory(struct png *png, size_t n_rows)
{
    /* libspng holds three rows of its own at most. */
    uint64_t n_bytes = ((uint64_t)n_rows + 3) * png->row_bytes;

    if (n_rows > 1 || png->row_bytes > ROW_BYTES_FREE) {
        if (!png->env->memory_take(n_bytes)) {
            set_memory(png);
            return false;
        }
        png->n_taken = n_bytes;
    }
    /* Zeroed: of packed samples, libspng only sets the bits of an interlaced image. */
    png->rows = calloc(n_rows, png->row_bytes);
    return png->rows != NULL || set_memory(png);
}

/* An interlaced image exists only as a whole; any other one comes row by row. */
static bool begin(struct png *png)
{
    bool interlaced = png->ihdr.interlace_method != SPNG_INTERLACE_NONE;
    size_t n_rows = interlaced ? png->ihdr.height : 1;
    int flags = png->layout == SPNG_FMT_RGBA8 ? SPNG_DECODE_TRNS : 0;
    int status;

    if (!take_memory(png, n_rows))
        return false;
    /* SPNG_FMT_PNG: samples as they are, indices and not colours, 16 bits in this machine's order.
     */
    if (interlaced)
        status =
            spng_decode_image(png->ctx, png->rows, n_rows * png->row_bytes, png->layout, flags);
    else
        status = spng_decode_image(png->ctx, NULL, 0, png->layout, flags | SPNG_DECODE_PROGRESSIVE);
    return status == 0 || set_failed(png, status);
}

static bool next_row(struct png *png)
{
    int status = 0;

    if (png->rows == NULL && !begin(png))
        return false;
    png->row = png->rows;
    if (png->ihdr.interlace_method != SPNG_INTERLACE_NONE)
        png->row += (size_t)png->n_rows * png->row_bytes;
    else
        status = spng_decode_row(png->ctx, png->rows, png->row_bytes);
    png->n_rows++;
    png->at = 0;
    return status == 0 || status == SPNG_EOI || set_failed(png, status);
}

/* n pixels of the row, samples of less than 8 bits unpacked. */
static void copy_pixels(const struct png *png, size_t n, uint8_t *out)
{
    unsigned bits = png->ihdr.bit_depth;

    if (bits >= 8)
        memcpy(out, png->row + png->at * (size_t)(bits / 8), n * (bits / 8));
    else
        bytes_unpack(png->row, png->at, n, bits, out);
}

/* The colours of n <= COLORED_PIXELS pixels of the row; *ret_colors may lie in the row itself. */
static bool find_colors(const struct png *png, size_t n, uint8_t *room, const uint8_t **ret_colors)
{
    uint8_t indices[COLORED_PIXELS];

    if (!png->is_indirect) {
        *ret_colors = png->row + 4 * (size_t)png->at;
        return true;
    }
    copy_pixels(png, n, indices);
    if (!color_table_find(&png->palette, indices, n, room, png->pointer, png->reterr))
        return false;
    *ret_colors = room;
    return true;
}

/* Labels of up to *n pixels of the row, which becomes how many there are. */
static bool copy_labels(struct png *png, size_t *n, uint8_t *out)
{
    uint8_t room[4 * COLORED_PIXELS];
    const uint8_t *colors;
    size_t n_found;

    if (png->colors == NULL) {
        copy_pixels(png, *n, out);
        return true;
    }
    *n = *n < COLORED_PIXELS ? *n : COLORED_PIXELS;
    if (!find_colors(png, *n, room, &colors))
        return false;
    n_found = colors_map(png->colors, colors, *n, out);
    return n_found == *n || colors_refuse(png->colors, colors + 4 * n_found, png->n_rows - 1,
                                          png->at + n_found, png->reterr);
}

static bool png_tile(struct reader *reader, size_t n, void *room, struct problem *reterr)
{
    struct png *png = *reader__state(reader);
    size_t size = ov_dtype_bytes(reader__header(reader)->encoding.dtype);
    uint8_t *out = room;

    png->reterr = reterr;
    while (n > 0) {
        size_t n_here;

        if (png->at == png->ihdr.width && !next_row(png))
            return false;
        n_here = png->ihdr.width - png->at;
        n_here = n_here < n ? n_here : n;
        if (!copy_labels(png, &n_here, out))
            return false;
        out += n_here * size;
        png->at += (uint32_t)n_here;
        n -= n_here;
    }
    return true;
}

static bool png_finish(struct reader *reader, struct problem *reterr)
{
    struct png *png = *reader__state(reader);
    int status;

    png->reterr = reterr;
    status = spng_decode_chunks(png->ctx); /* up to IEND */
    return status == 0 || set_failed(png, status);
}

const struct format format_png = {
    .kind = FORMAT_PNG,
    .is = png_is,
    .extensions = extensions,
    .open = png_open,
    .tile = png_tile,
    .finish = png_finish,
    .close = png_close,
};
