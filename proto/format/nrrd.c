/* nrrd.c - NRRD in one file: lines of "field: value", an empty line, then the elements. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/nrrd.h"

#include "proto/format/bytes.h"

#include <math.h>
#include <string.h>

#define SPACE_NDIM_MAX 8 /* the format's own */

static const char *const extensions[] = {".nrrd", NULL};

static bool nrrd_is(const uint8_t *bytes, size_t n)
{
    return n >= 8 && memcmp(bytes, "NRRD000", 7) == 0;
}

/* ---- elements -------------------------------------------------------------------------------- */

static bool read_type(struct nrrd *nrrd, const char *value)
{
    static const struct {
        enum ov_dtype dtype;
        const char *names[7];
    } types[] = {
        {OV_I8, {"signed char", "int8", "int8_t"}},
        {OV_U8, {"uchar", "unsigned char", "uint8", "uint8_t"}},
        {OV_I16, {"short", "short int", "signed short", "signed short int", "int16", "int16_t"}},
        {OV_U16, {"ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"}},
        {OV_I32, {"int", "signed int", "int32", "int32_t"}},
        {OV_U32, {"uint", "unsigned int", "uint32", "uint32_t"}},
        {OV_I64,
         {"longlong", "long long", "long long int", "signed long long", "signed long long int",
          "int64", "int64_t"}},
        {OV_U64,
         {"ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"}},
        {OV_F32, {"float"}},
        {OV_F64, {"double"}},
    };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        for (size_t k = 0; k < 7 && types[i].names[k] != NULL; k++) {
            if (lines_is(value, types[i].names[k])) {
                nrrd->header->encoding.dtype = types[i].dtype;
                return true;
            }
        }
    }
    return lines_unsupported(nrrd->lines, "elements are integers, float or double");
}

static bool read_dimension(struct nrrd *nrrd, const char *value)
{
    size_t n;

    if (!lines_naturals(value, &nrrd->ndim, 1, &n) || nrrd->ndim < 1)
        return lines_bad(nrrd->lines, "the number of axes is not a natural number");
    return nrrd->ndim <= OV_MAX_NDIM || lines_unsupported(nrrd->lines, "a mask has 7 axes at most");
}

static bool read_sizes(struct nrrd *nrrd, const char *value)
{
    return lines_naturals(value, nrrd->header->shape, OV_MAX_NDIM, &nrrd->n_sizes) ||
           lines_bad(nrrd->lines, "the sizes are not 1 to 7 natural numbers");
}

static bool read_endian(struct nrrd *nrrd, const char *value)
{
    nrrd->is_big = lines_is(value, "big");
    nrrd->is_little = lines_is(value, "little");
    return nrrd->is_big || nrrd->is_little ||
           lines_bad(nrrd->lines, "it is neither big nor little");
}

static bool read_encoding(struct nrrd *nrrd, const char *value)
{
    nrrd->is_gzip = lines_is(value, "gzip") || lines_is(value, "gz");
    return nrrd->is_gzip || lines_is(value, "raw") ||
           lines_unsupported(nrrd->lines, "the encodings raw and gzip are read");
}

static bool read_skip(struct nrrd *nrrd, const char *value)
{
    return strcmp(value, "0") == 0 ||
           lines_unsupported(nrrd->lines, "nothing between header and elements is skipped");
}

/* Nothing that is named here is ever opened. */
static bool read_data_file(struct nrrd *nrrd, const char *value)
{
    (void)value;
    return lines_unsupported(nrrd->lines, "the elements are in another file; send one .nrrd");
}

/* ---- axes ------------------------------------------------------------------------------------ */

static bool read_kinds(struct nrrd *nrrd, const char *value)
{
    for (value += strspn(value, " \t"); *value != '\0'; nrrd->n_kinds++) {
        size_t n = strcspn(value, " \t");

        if (nrrd->n_kinds == OV_MAX_NDIM)
            return lines_bad(nrrd->lines, "there are more kinds than axes");
        nrrd->is_list[nrrd->n_kinds] = n == 4 && strncmp(value, "list", n) == 0;
        value += n + strspn(value + n, " \t");
    }
    return true;
}

static bool read_space(struct nrrd *nrrd, const char *value)
{
    static const struct {
        const char *name, *abbreviation;
        double x, y; /* 0: the space is not the body's */
    } spaces[] = {
        {"right-anterior-superior", "RAS", 1, 1},   {"left-anterior-superior", "LAS", -1, 1},
        {"left-posterior-superior", "LPS", -1, -1}, {"scanner-xyz", "scanner-xyz", 0, 0},
        {"3D-right-handed", "3DRH", 0, 0},          {"3D-left-handed", "3DLH", 0, 0},
    };
    size_t n = strlen(value);
    bool has_time = n > 5 && lines_is(value + n - 5, "-time");

    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        bool is_name = has_time ? strlen(spaces[i].name) == n - 5 &&
                                      strncasecmp(value, spaces[i].name, n - 5) == 0
                                : lines_is(value, spaces[i].name);
        bool is_short = lines_is(value, spaces[i].abbreviation);

        if (!is_name && !is_short)
            continue;
        nrrd->space_ndim = has_time ? 4 : 3;
        nrrd->is_anatomical = spaces[i].x != 0;
        nrrd->signs[0] = spaces[i].x;
        nrrd->signs[1] = spaces[i].y;
        nrrd->signs[2] = 1;
        return true;
    }
    return lines_bad(nrrd->lines, "there is no such space");
}

static bool read_space_ndim(struct nrrd *nrrd, const char *value)
{
    size_t n;

    return (lines_naturals(value, &nrrd->space_ndim, 1, &n) && nrrd->space_ndim >= 1 &&
            nrrd->space_ndim <= SPACE_NDIM_MAX) ||
           lines_bad(nrrd->lines, "a space has 1 to 8 dimensions");
}

/* "(1,0,0)"; of more than three numbers the first three are the body's. */
static bool read_vector(struct nrrd *nrrd, const char **text, double ret_vector[3])
{
    const char *at = *text;
    uint64_t n = 0;
    char next = '(';

    for (; next != ')'; n++) {
        double value;

        at += strspn(at, " \t");
        if (n == SPACE_NDIM_MAX || *at != next)
            return lines_bad(nrrd->lines, "a vector is not numbers like (1,0,0)");
        at++;
        if (!lines_real(&at, &value))
            return lines_bad(nrrd->lines, "a vector is not finite numbers like (1,0,0)");
        if (n < 3)
            ret_vector[n] = value;
        at += strspn(at, " \t");
        next = *at == ')' ? ')' : ',';
    }
    *text = at + 1;
    return n == nrrd->space_ndim ||
           lines_bad(nrrd->lines, "a vector has not as many numbers as the space dimensions");
}

static bool read_directions(struct nrrd *nrrd, const char *value)
{
    for (value += strspn(value, " \t"); *value != '\0'; nrrd->n_directions++) {
        size_t axis = nrrd->n_directions;

        if (axis == OV_MAX_NDIM)
            return lines_bad(nrrd->lines, "there are more directions than axes");
        nrrd->has_direction[axis] = strncasecmp(value, "none", 4) != 0;
        if (!nrrd->has_direction[axis])
            value += 4;
        else if (!read_vector(nrrd, &value, nrrd->directions[axis]))
            return false;
        value += strspn(value, " \t");
    }
    return true;
}

static bool read_origin(struct nrrd *nrrd, const char *value)
{
    nrrd->has_origin = true;
    return read_vector(nrrd, &value, nrrd->origin) &&
           (*value == '\0' || lines_bad(nrrd->lines, "something follows the origin"));
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool read_field(struct nrrd *nrrd, const char *name, const char *value)
{
    static const struct {
        const char *name;
        bool (*read)(struct nrrd *, const char *);
    } fields[] = {
        {"type", read_type},
        {"dimension", read_dimension},
        {"sizes", read_sizes},
        {"endian", read_endian},
        {"encoding", read_encoding},
        {"line skip", read_skip},
        {"lineskip", read_skip},
        {"byte skip", read_skip},
        {"byteskip", read_skip},
        {"data file", read_data_file},
        {"datafile", read_data_file},
        {"kinds", read_kinds},
        {"space", read_space},
        {"space dimension", read_space_ndim},
        {"space directions", read_directions},
        {"space origin", read_origin},
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (!lines_is(name, fields[i].name))
            continue;
        if (nrrd->seen >> i & 1)
            return lines_bad(nrrd->lines, "a field is there twice");
        nrrd->seen |= (uint32_t)1 << i;
        return fields[i].read(nrrd, value);
    }
    return true;
}

static bool read_line(struct nrrd *nrrd)
{
    char *line = nrrd->lines->text;
    char *colon = strchr(line, ':');
    char copy[64] = "";

    if (*line == '#')
        return true;
    if (colon == NULL)
        return lines_bad(nrrd->lines, "a line has no ':'");
    if ((size_t)(colon - line) < sizeof(copy))
        memcpy(copy, line, (size_t)(colon - line)); /* longer ones are none that is known */
    if (colon[1] == '=')
        return nrrd_segments_key(nrrd, copy, colon + 2);
    return read_field(nrrd, copy, colon + 1 + strspn(colon + 1, " \t"));
}

/* ---- the whole ------------------------------------------------------------------------------- */

bool nrrd_affine(const struct nrrd *nrrd, const int *axes, int n_axes, double ret_affine[3][4])
{
    if (!nrrd->is_anatomical || !nrrd->has_origin)
        return false;
    for (int row = 0; row < 3; row++) {
        for (int i = 0; i < 3; i++)
            ret_affine[row][i] =
                i < n_axes ? nrrd->signs[row] * nrrd->directions[axes[i]][row] : row == i;
        ret_affine[row][3] = nrrd->signs[row] * nrrd->origin[row];
    }
    for (int i = 0; i < n_axes; i++) {
        if (!nrrd->has_direction[axes[i]])
            return false;
    }
    return true;
}

static bool check_header(const struct nrrd *nrrd)
{
    static const uint32_t needed = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 4; /* in read_field's table */
    struct ov_encoding *encoding = &nrrd->header->encoding;
    bool is_wide = ov_dtype_bytes(encoding->dtype) > 1;

    if ((nrrd->seen & needed) != needed || nrrd->n_sizes != nrrd->ndim)
        return lines_bad(nrrd->lines,
                         "type, dimension, sizes for each axis, or encoding is missing");
    if ((nrrd->n_kinds != 0 && nrrd->n_kinds != nrrd->ndim) ||
        (nrrd->n_directions != 0 && nrrd->n_directions != nrrd->ndim))
        return lines_bad(nrrd->lines, "kinds or space directions are not one for each axis");
    if (is_wide && !nrrd->is_big && !nrrd->is_little)
        return lines_bad(nrrd->lines, "elements of several bytes need the field endian");
    encoding->swapped = is_wide && bytes_are_swapped(nrrd->is_big ? BYTES_BIG : BYTES_LITTLE);
    return true;
}

/* The first three axes lie in space, or those behind a first one that does not, as of layers. */
static void place(struct nrrd *nrrd)
{
    struct mask_header *header = nrrd->header;
    int first = header->ndim > 1 && nrrd->n_directions > 0 && !nrrd->has_direction[0];
    int axes[3] = {first, first + 1, first + 2}, n_axes = header->ndim - first;

    header->affine_axis = first;
    header->has_affine = nrrd_affine(nrrd, axes, n_axes < 3 ? n_axes : 3, header->affine);
}

static bool read_header(struct nrrd *nrrd)
{
    struct mask_header *header = nrrd->header;
    const uint8_t *bytes;
    size_t n;

    if (!coding_peek(nrrd->lines->stream, 8, &bytes, &n, nrrd->lines->reterr))
        return false;
    if (!nrrd_is(bytes, n))
        return problem_set(nrrd->lines->reterr, PROBLEM_FORMAT_MISMATCH, nrrd->lines->pointer,
                           "The mask's name says NRRD, but it does not begin with NRRD000.");
    if (!lines_next(nrrd->lines))
        return false;
    if (strlen(nrrd->lines->text) != 8 || nrrd->lines->text[7] < '1' || nrrd->lines->text[7] > '5')
        return lines_unsupported(nrrd->lines, "NRRD0001 to NRRD0005 are read");
    while (lines_next(nrrd->lines)) {
        if (nrrd->lines->text[0] != '\0' && !read_line(nrrd))
            return false;
        if (nrrd->lines->text[0] != '\0')
            continue;
        header->ndim = (int)nrrd->ndim;
        header->order = OV_ORDER_F;
        place(nrrd);
        return check_header(nrrd);
    }
    return false;
}

static bool nrrd_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    struct nrrd nrrd = {.header = reader__header(reader)};
    const char *pointer = reader__source(reader)->pointer;
    size_t n;
    bool good;

    nrrd.segments.growth = (struct growth){.env = reader__env(reader), .pointer = pointer};
    nrrd.lines = lines_new(stream, "NRRD", pointer, reterr);
    if (nrrd.lines == NULL)
        return false;
    good = read_header(&nrrd) && reader__measure(reader, reterr) &&
           (!nrrd.is_gzip || reader__unpack(reader, CODING_GZIP, &n, reterr)) &&
           (nrrd.segments.n == 0 || nrrd_layers_open(&nrrd, reader));
    nrrd_segments_done(&nrrd.segments);
    lines_free(nrrd.lines);
    return good;
}

const struct format format_nrrd = {
    .kind = FORMAT_NRRD,
    .is = nrrd_is,
    .extensions = extensions,
    .open = nrrd_open,
};
