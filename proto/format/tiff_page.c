/* tiff_page.c - one image of a TIFF file, as its directory describes it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/tiff_page.h"

/* JPEG, WebP and LERC change labels; the others are for other kinds of images. */
static const struct {
    uint16_t compression;
    const char *name; /* NULL: it is read */
} compressions[] = {
    {COMPRESSION_NONE, NULL},
    {COMPRESSION_LZW, NULL},
    {COMPRESSION_DEFLATE, NULL},
    {COMPRESSION_ADOBE_DEFLATE, NULL},
    {COMPRESSION_PACKBITS, NULL},
    {COMPRESSION_ZSTD, NULL},
    {COMPRESSION_JPEG, "JPEG, which does not keep labels"},
    {COMPRESSION_OJPEG, "JPEG, which does not keep labels"},
    {COMPRESSION_WEBP, "WebP"},
    {COMPRESSION_LZMA, "LZMA"},
    {COMPRESSION_LERC, "LERC"},
    {COMPRESSION_JP2000, "JPEG 2000"},
    {COMPRESSION_CCITTRLE, "CCITT fax"},
    {COMPRESSION_CCITTFAX3, "CCITT fax"},
    {COMPRESSION_CCITTFAX4, "CCITT fax"},
};

static bool unsupported(const struct tiff_file *file, const char *what, struct problem *reterr)
{
    return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, file->pointer, "The TIFF %s.", what);
}

static bool check_compression(const struct tiff_page *page, const struct tiff_file *file,
                              struct problem *reterr)
{
    const char *name = "an unknown method";

    for (size_t i = 0; i < sizeof(compressions) / sizeof(compressions[0]); i++) {
        if (compressions[i].compression != page->compression)
            continue;
        if (compressions[i].name == NULL && TIFFIsCODECConfigured(page->compression) == 1)
            return true;
        name = compressions[i].name != NULL ? compressions[i].name : "a method not built in";
    }
    return problem_set(
        reterr, PROBLEM_UNSUPPORTED_MASK, file->pointer,
        "The TIFF is compressed by %s (compression %u); none, LZW, deflate, PackBits "
        "and zstd are supported.",
        name, page->compression);
}

static bool check_colors(const struct tiff_page *page, const struct tiff_file *file,
                         bool has_colors, struct problem *reterr)
{
    switch (page->colors) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE:
    case PHOTOMETRIC_MASK:
        return page->n_samples == 1 ||
               unsupported(file, "has several samples a pixel and is not RGB", reterr);
    case PHOTOMETRIC_MINISWHITE:
        return unsupported(file,
                           "is grey with white as 0, which some programs invert and others "
                           "do not: save it with black as 0",
                           reterr);
    case PHOTOMETRIC_RGB:
        break;
    default:
        return unsupported(file, "is neither grey, nor indexed, nor RGB", reterr);
    }
    if (!has_colors)
        return unsupported(file,
                           "is RGB, and colours are no labels: say in the source's "
                           "\"colors\" which label each stands for, or save labels",
                           reterr);
    return page->n_samples == 3 || (page->n_samples == 4 && page->has_alpha) ||
           unsupported(file, "has more samples a pixel than R, G, B and alpha", reterr);
}

static bool check_samples(const struct tiff_page *page, const struct tiff_file *file,
                          bool has_colors, struct problem *reterr)
{
    bool is_real = page->sample_format == SAMPLEFORMAT_IEEEFP;
    unsigned bits = page->bits;
    bool good = is_real ? bits == 32 || bits == 64
                        : bits == 8 || bits == 16 || bits == 32 || bits == 64 ||
                              ((bits == 1 || bits == 2 || bits == 4) &&
                               page->sample_format != SAMPLEFORMAT_INT);

    if (page->sample_format > SAMPLEFORMAT_VOID || page->sample_format == 0)
        return unsupported(file, "has complex samples", reterr);
    if (!good)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, file->pointer,
                           "The TIFF has %s of %u bits; integers of 1, 2, 4, 8, 16, 32 and 64 bits "
                           "and floats of 32 and 64 are supported.",
                           is_real ? "floats" : "integers", bits);
    if (has_colors &&
        (bits > 8 || page->sample_format == SAMPLEFORMAT_INT || (page->n_samples > 1 && bits < 8)))
        return unsupported(file, "has no samples of 8 bits, as colours that stand for labels have",
                           reterr);
    return true;
}

static bool check_tiles(const struct tiff_page *page, const struct tiff_file *file,
                        struct problem *reterr)
{
    if (TIFFIsTiled(file->tiff) != 0 && (page->tile_width == 0 || page->tile_height == 0 ||
                                         (page->bits < 8 && page->tile_width % 8 != 0)))
        return problem_set(reterr, PROBLEM_BAD_MASK, file->pointer,
                           "The TIFF has tiles of %lu x %lu pixels.",
                           (unsigned long)page->tile_height, (unsigned long)page->tile_width);
    return true;
}

/* What programs that write labels leave alone, and programs that read them treat differently. */
static bool check_oddities(const struct tiff_page *page, const struct tiff_file *file,
                           struct problem *reterr)
{
    uint16_t orientation = ORIENTATION_TOPLEFT, planes = PLANARCONFIG_CONTIG;
    uint32_t depth = 1, tile_depth = 1;

    TIFFGetFieldDefaulted(file->tiff, TIFFTAG_ORIENTATION, &orientation);
    TIFFGetFieldDefaulted(file->tiff, TIFFTAG_PLANARCONFIG, &planes);
    TIFFGetFieldDefaulted(file->tiff, TIFFTAG_IMAGEDEPTH, &depth);
    TIFFGetFieldDefaulted(file->tiff, TIFFTAG_TILEDEPTH, &tile_depth);
    if (orientation != ORIENTATION_TOPLEFT)
        return unsupported(file,
                           "is turned by its orientation tag, which some programs follow and "
                           "others do not: save it upright",
                           reterr);
    if (planes != PLANARCONFIG_CONTIG && page->n_samples > 1)
        return unsupported(file, "has its samples in separate planes", reterr);
    return (depth == 1 && tile_depth == 1) || unsupported(file, "has a depth of its own", reterr);
}

static void read_fields(struct tiff_page *page, TIFF *tiff)
{
    uint32_t subfile = 0;
    uint16_t n_extra = 0;
    uint16_t *extra = NULL;

    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page->width);
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page->height);
    if (TIFFIsTiled(tiff) != 0) {
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &page->tile_width);
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &page->tile_height);
    }
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page->n_samples);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &page->sample_format);
    if (page->sample_format == SAMPLEFORMAT_VOID)
        page->sample_format = SAMPLEFORMAT_UINT;
    if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page->colors) != 1)
        page->colors = PHOTOMETRIC_MINISBLACK;
    if (TIFFGetField(tiff, TIFFTAG_COMPRESSION, &page->compression) != 1)
        page->compression = COMPRESSION_NONE;
    if (TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &n_extra, &extra) == 1 && n_extra == 1)
        page->has_alpha = extra[0] == EXTRASAMPLE_ASSOCALPHA || extra[0] == EXTRASAMPLE_UNASSALPHA;
    if (TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &subfile) == 1)
        page->is_reduced = (subfile & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) != 0;
}

bool tiff_page_init(struct tiff_page *page, const struct tiff_file *file, bool has_colors,
                    struct problem *reterr)
{
    *page = (struct tiff_page){.width = 0};
    read_fields(page, file->tiff);
    return page->is_reduced ||
           (check_compression(page, file, reterr) && check_colors(page, file, has_colors, reterr) &&
            check_samples(page, file, has_colors, reterr) && check_oddities(page, file, reterr) &&
            check_tiles(page, file, reterr));
}

bool tiff_page_is_like(const struct tiff_page *page, const struct tiff_page *other)
{
    return page->width == other->width && page->height == other->height &&
           page->bits == other->bits && page->sample_format == other->sample_format &&
           page->n_samples == other->n_samples && page->colors == other->colors;
}

enum ov_dtype tiff_page_dtype(const struct tiff_page *page)
{
    bool is_signed = page->sample_format == SAMPLEFORMAT_INT;

    if (page->sample_format == SAMPLEFORMAT_IEEEFP)
        return page->bits == 32 ? OV_F32 : OV_F64;
    switch (page->bits) {
    case 16:
        return is_signed ? OV_I16 : OV_U16;
    case 32:
        return is_signed ? OV_I32 : OV_U32;
    case 64:
        return is_signed ? OV_I64 : OV_U64;
    default:
        return is_signed ? OV_I8 : OV_U8;
    }
}

uint64_t tiff_page_row_bytes(const struct tiff_page *page, uint64_t n)
{
    return (n * page->n_samples * page->bits + 7) / 8;
}

bool tiff_page_palette(const struct tiff_page *page, const struct tiff_file *file,
                       struct color_table *ret_table, struct problem *reterr)
{
    uint16_t *red, *green, *blue;

    color_table_greys(ret_table, page->bits);
    if (page->colors != PHOTOMETRIC_PALETTE)
        return true;
    if (TIFFGetField(file->tiff, TIFFTAG_COLORMAP, &red, &green, &blue) != 1)
        return problem_set(reterr, PROBLEM_BAD_MASK, file->pointer,
                           "The TIFF is indexed and has no palette.");
    for (unsigned i = 0; i < ret_table->n; i++) {
        ret_table->colors[i][0] = (uint8_t)(red[i] >> 8);
        ret_table->colors[i][1] = (uint8_t)(green[i] >> 8);
        ret_table->colors[i][2] = (uint8_t)(blue[i] >> 8);
    }
    return true;
}
