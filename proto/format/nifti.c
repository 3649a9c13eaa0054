/* nifti.c - NIfTI-1 and NIfTI-2 in a single file, of either byte order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/bytes.h"
#include "proto/reader.h"

#include <math.h>
#include <string.h>

#define HEADER_BYTES_MAX 540

static const char *const extensions[] = {".nii", ".hdr", ".img", NULL};

/* Where the two versions keep the same fields: byte offsets, and widths where they differ. */
struct layout {
    uint32_t header_bytes; /* sizeof_hdr, the first field */
    size_t magic, n_magic;
    const char *single, *pair;   /* magic of one file, of .hdr and .img */
    size_t dim, n_dim;           /* [8] */
    size_t datatype, bitpix;     /* 16 bits */
    size_t pixdim, n_real;       /* [8]; every real is n_real bytes */
    size_t vox_offset;           /* real in version 1, integer in version 2 */
    size_t slope, intercept;     /* real */
    size_t units, n_units;       /* xyzt_units */
    size_t qform, sform, n_code; /* codes */
    size_t quatern;              /* b, c, d, then the offset's x, y, z */
    size_t srow;                 /* [3][4] */
};

static const struct layout layouts[2] = {
    {348, 344, 4, "n+1", "ni1", 40, 2, 70, 72, 76, 4, 108, 112, 116, 123, 1, 252, 254, 2, 256, 280},
    {540,
     4,
     8,
     "n+2\0\r\n\x1a\n",
     "ni2\0\r\n\x1a\n",
     16,
     8,
     12,
     14,
     104,
     8,
     168,
     176,
     184,
     500,
     4,
     344,
     348,
     4,
     352,
     400},
};

static const struct {
    int code;
    enum ov_dtype dtype;
} datatypes[] = {
    {2, OV_U8},   {4, OV_I16},   {8, OV_I32},   {16, OV_F32},   {64, OV_F64},
    {256, OV_I8}, {512, OV_U16}, {768, OV_U32}, {1024, OV_I64}, {1280, OV_U64},
};

/* A header being read. */
struct nifti {
    const struct layout *layout;
    enum bytes_order order;
    const char *pointer;
    uint8_t bytes[HEADER_BYTES_MAX];
};

static const struct layout *find_layout(const uint8_t *bytes, enum bytes_order *ret_order)
{
    for (size_t i = 0; i < 2; i++) {
        for (enum bytes_order order = BYTES_LITTLE; order <= BYTES_BIG; order++) {
            if (bytes_unsigned(bytes, 4, order) == layouts[i].header_bytes) {
                *ret_order = order;
                return &layouts[i];
            }
        }
    }
    return NULL;
}

static bool nifti_is(const uint8_t *bytes, size_t n)
{
    enum bytes_order order;

    return n >= 4 && find_layout(bytes, &order) != NULL;
}

static int64_t integer(const struct nifti *nifti, size_t at, size_t n)
{
    return bytes_signed(nifti->bytes + at, n, nifti->order);
}

static double real(const struct nifti *nifti, size_t at, size_t index)
{
    size_t n = nifti->layout->n_real;

    return bytes_real(nifti->bytes + at + index * n, n, nifti->order);
}

/* ---- what the elements are ------------------------------------------------------------------- */

static bool check_magic(const struct nifti *nifti, struct problem *reterr)
{
    const struct layout *layout = nifti->layout;
    const uint8_t *found = nifti->bytes + layout->magic;

    if (memcmp(found, layout->single, layout->n_magic) == 0)
        return true;
    if (memcmp(found, layout->pair, layout->n_magic) == 0)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, nifti->pointer,
                           "The NIfTI file is the .hdr of a pair with .img; send a single .nii.");
    return problem_set(reterr, PROBLEM_BAD_MASK, nifti->pointer,
                       "The NIfTI magic is %02x %02x %02x %02x, not \"%.3s\" (an ANALYZE 7.5 file "
                       "has none; convert it to .nii).",
                       found[0], found[1], found[2], found[3], layout->single);
}

static bool read_datatype(const struct nifti *nifti, struct mask_header *header,
                          struct problem *reterr)
{
    int code = (int)integer(nifti, nifti->layout->datatype, 2);
    int bits = (int)integer(nifti, nifti->layout->bitpix, 2);

    for (size_t i = 0; i < sizeof(datatypes) / sizeof(datatypes[0]); i++) {
        size_t n_bytes = ov_dtype_bytes(datatypes[i].dtype);

        if (datatypes[i].code != code)
            continue;
        if (bits != (int)(8 * n_bytes))
            return problem_set(reterr, PROBLEM_BAD_MASK, nifti->pointer,
                               "The NIfTI datatype %d has %zu bits per voxel, but bitpix is %d.",
                               code, 8 * n_bytes, bits);
        header->encoding.dtype = datatypes[i].dtype;
        header->encoding.swapped = n_bytes > 1 && bytes_are_swapped(nifti->order);
        return true;
    }
    return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, nifti->pointer,
                       "The NIfTI datatype is %d; supported are 2, 4, 8, 16, 64, 256, 512, 768, "
                       "1024 and 1280 (integers, float32 and float64, no colours, no complex).",
                       code);
}

static bool read_shape(const struct nifti *nifti, struct mask_header *header,
                       struct problem *reterr)
{
    const struct layout *layout = nifti->layout;
    int64_t ndim = integer(nifti, layout->dim, layout->n_dim);

    if (ndim < 1 || ndim > OV_MAX_NDIM)
        return problem_set(reterr, PROBLEM_BAD_MASK, nifti->pointer,
                           "The NIfTI dim[0] is %lld; it is the number of axes, 1 to 7.",
                           (long long)ndim);
    header->ndim = (int)ndim;
    header->order = OV_ORDER_F;
    for (size_t axis = 0; axis < (size_t)ndim; axis++) {
        int64_t n = integer(nifti, layout->dim + (axis + 1) * layout->n_dim, layout->n_dim);

        if (n < 1)
            return problem_set(reterr, PROBLEM_BAD_MASK, nifti->pointer,
                               "The NIfTI dim[%zu] is %lld; an axis has at least one voxel.",
                               axis + 1, (long long)n);
        header->shape[axis] = (uint64_t)n;
    }
    return true;
}

/* Slope 0 says in NIfTI that there is no scaling; many writers leave NaN there instead. */
static bool read_scaling(const struct nifti *nifti, struct ov_encoding *encoding,
                         struct problem *reterr)
{
    double slope = real(nifti, nifti->layout->slope, 0);
    double intercept = real(nifti, nifti->layout->intercept, 0);

    if (slope == 0 || isnan(slope) || (slope == 1 && intercept == 0))
        return true;
    if (!isfinite(slope) || !isfinite(intercept))
        return problem_set(reterr, PROBLEM_BAD_MASK, nifti->pointer,
                           "The NIfTI scaling is %g with intercept %g; both must be finite.", slope,
                           intercept);
    encoding->slope = slope;
    encoding->intercept = intercept;
    return true;
}

/* ---- where it lies --------------------------------------------------------------------------- */

static double unit_mm(const struct nifti *nifti)
{
    switch (integer(nifti, nifti->layout->units, nifti->layout->n_units) & 7) {
    case 1: /* NIFTI_UNITS_METER */
        return 1000;
    case 3: /* NIFTI_UNITS_MICRON */
        return 0.001;
    default: /* millimetres or not said */
        return 1;
    }
}

static void sform(const struct nifti *nifti, double affine[3][4])
{
    for (size_t i = 0; i < 12; i++)
        affine[i / 4][i % 4] = real(nifti, nifti->layout->srow, i);
}

/* Rotation by the unit quaternion (a, b, c, d), as nifti1.h gives it. */
static void rotation(double b, double c, double d, double ret_r[3][3])
{
    double rest = 1 - (b * b + c * c + d * d);
    double a = 0;

    if (rest < 1e-7) { /* as good as half a turn: take up what rounding left */
        double scale = 1 / sqrt(b * b + c * c + d * d);

        b *= scale;
        c *= scale;
        d *= scale;
    } else {
        a = sqrt(rest);
    }
    ret_r[0][0] = a * a + b * b - c * c - d * d;
    ret_r[0][1] = 2 * (b * c - a * d);
    ret_r[0][2] = 2 * (b * d + a * c);
    ret_r[1][0] = 2 * (b * c + a * d);
    ret_r[1][1] = a * a + c * c - b * b - d * d;
    ret_r[1][2] = 2 * (c * d - a * b);
    ret_r[2][0] = 2 * (b * d - a * c);
    ret_r[2][1] = 2 * (c * d + a * b);
    ret_r[2][2] = a * a + d * d - b * b - c * c;
}

static void qform(const struct nifti *nifti, double affine[3][4])
{
    size_t quatern = nifti->layout->quatern;
    double r[3][3];

    rotation(real(nifti, quatern, 0), real(nifti, quatern, 1), real(nifti, quatern, 2), r);
    for (size_t column = 0; column < 3; column++) {
        double spacing = real(nifti, nifti->layout->pixdim, column + 1);

        if (spacing <= 0)
            spacing = 1;
        if (column == 2 && real(nifti, nifti->layout->pixdim, 0) < 0)
            spacing = -spacing; /* qfac */
        for (size_t row = 0; row < 3; row++)
            affine[row][column] = r[row][column] * spacing;
    }
    for (size_t row = 0; row < 3; row++)
        affine[row][3] = real(nifti, quatern, 3 + row);
}

static bool read_affine(const struct nifti *nifti, struct mask_header *header,
                        struct problem *reterr)
{
    const struct layout *layout = nifti->layout;
    double unit = unit_mm(nifti);

    /* Without either code the file says how far voxels lie apart but not where they lie. */
    header->has_affine = true;
    if (integer(nifti, layout->sform, layout->n_code) > 0)
        sform(nifti, header->affine);
    else if (integer(nifti, layout->qform, layout->n_code) > 0)
        qform(nifti, header->affine);
    else
        header->has_affine = false;
    if (!header->has_affine)
        return true;
    for (size_t i = 0; i < 12; i++) {
        header->affine[i / 4][i % 4] *= unit;
        if (!isfinite(header->affine[i / 4][i % 4]))
            return problem_set(reterr, PROBLEM_BAD_MASK, nifti->pointer,
                               "The NIfTI affine holds a number that is not finite.");
    }
    return true;
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool read_bytes(struct nifti *nifti, struct coding *stream, struct problem *reterr)
{
    if (!coding_read(stream, nifti->bytes, 4, reterr))
        return false;
    nifti->layout = find_layout(nifti->bytes, &nifti->order);
    if (nifti->layout == NULL)
        return problem_set(
            reterr, PROBLEM_FORMAT_MISMATCH, nifti->pointer,
            "The mask's name says NIfTI, but it does not begin with 348 or 540, as a "
            "header does; the .img of a pair has none, send a single .nii.");
    return coding_read(stream, nifti->bytes + 4, nifti->layout->header_bytes - 4, reterr);
}

/* How many bytes to skip: four of flags and whatever extensions follow. */
static bool find_voxels(const struct nifti *nifti, uint64_t limit, uint64_t *ret_skip,
                        struct problem *reterr)
{
    const struct layout *layout = nifti->layout;
    double offset = layout->n_real == 4 ? real(nifti, layout->vox_offset, 0)
                                        : (double)integer(nifti, layout->vox_offset, 8);

    if (!isfinite(offset) || offset < layout->header_bytes + 4 || offset != floor(offset))
        return problem_set(reterr, PROBLEM_BAD_MASK, nifti->pointer,
                           "The NIfTI vox_offset is %.17g; voxels begin at a whole byte, at %u at "
                           "the earliest.",
                           offset, layout->header_bytes + 4);
    /* Extensions are decoded like voxels, so they may not be more than those either. */
    if (offset > 0x1p53 || (uint64_t)offset - layout->header_bytes - 4 > limit)
        return problem_set(reterr, PROBLEM_BAD_MASK, nifti->pointer,
                           "The NIfTI vox_offset is %.17g; extensions of at most %llu bytes are "
                           "skipped.",
                           offset, (unsigned long long)limit);
    *ret_skip = (uint64_t)offset - layout->header_bytes;
    return true;
}

static bool skip(struct coding *stream, uint64_t n, struct problem *reterr)
{
    uint8_t piece[4096];

    while (n > 0) {
        size_t n_here = n < sizeof(piece) ? (size_t)n : sizeof(piece);

        if (!coding_read(stream, piece, n_here, reterr))
            return false;
        n -= n_here;
    }
    return true;
}

static bool nifti_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    struct mask_header *header = reader__header(reader);
    struct nifti nifti = {.pointer = reader__source(reader)->pointer};
    uint64_t n_skip = 0;

    return read_bytes(&nifti, stream, reterr) && check_magic(&nifti, reterr) &&
           read_datatype(&nifti, header, reterr) && read_shape(&nifti, header, reterr) &&
           read_scaling(&nifti, &header->encoding, reterr) && read_affine(&nifti, header, reterr) &&
           find_voxels(&nifti, reader__env(reader)->limits.decoded_bytes, &n_skip, reterr) &&
           reader__measure(reader, reterr) && skip(stream, n_skip, reterr);
}

const struct format format_nifti = {
    .kind = FORMAT_NIFTI,
    .is = nifti_is,
    .extensions = extensions,
    .is_plain = true,
    .open = nifti_open,
};
