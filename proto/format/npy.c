/* npy.c - NumPy's .npy: a Python dict as header, then the elements. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/bytes.h"
#include "proto/reader.h"

#include <stdlib.h>
#include <string.h>

/* NumPy itself refuses headers beyond 10 000 bytes; version 1 cannot say more than 65 535. */
#define HEADER_BYTES_MAX 65536

static const char magic[] = "\x93NUMPY";
static const char *const extensions[] = {".npy", NULL};

/* Where the parser stands in the header's text. */
struct cursor {
    const char *at;
    const char *end;
    const char *pointer;
    struct problem *reterr;
};

/* A string in the header, not unescaped. */
struct text {
    const char *at;
    size_t n;
};

enum key { KEY_DESCR, KEY_ORDER, KEY_SHAPE, N_KEYS };
static const char *const keys[N_KEYS] = {"descr", "fortran_order", "shape"};

static const struct {
    const char *name;
    enum ov_dtype dtype;
} dtypes[] = {
    {"b1", OV_U8},  {"u1", OV_U8},  {"i1", OV_I8},  {"u2", OV_U16}, {"i2", OV_I16}, {"u4", OV_U32},
    {"i4", OV_I32}, {"u8", OV_U64}, {"i8", OV_I64}, {"f4", OV_F32}, {"f8", OV_F64}, {"f2", OV_F16},
};

static bool npy_is(const uint8_t *bytes, size_t n)
{
    size_t n_magic = sizeof(magic) - 1;

    return n > 0 && memcmp(bytes, magic, n < n_magic ? n : n_magic) == 0;
}

static bool bad(struct cursor *cursor, const char *what)
{
    problem_set(cursor->reterr, PROBLEM_BAD_MASK, cursor->pointer,
                "The NPY header is malformed: %s.", what);
    return false;
}

/* ---- the dict's grammar ---------------------------------------------------------------------- */

/* Asked of some fifty blanks, with which NumPy fills a header. */
static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end && is_blank(*cursor->at))
        cursor->at++;
}

static bool skip(struct cursor *cursor, char expected)
{
    skip_space(cursor);
    if (cursor->at == cursor->end || *cursor->at != expected)
        return false;
    cursor->at++;
    return true;
}

static bool skip_word(struct cursor *cursor, const char *word)
{
    size_t n = strlen(word);

    skip_space(cursor);
    if ((size_t)(cursor->end - cursor->at) < n || memcmp(cursor->at, word, n) != 0)
        return false;
    cursor->at += n;
    return true;
}

static bool parse_text(struct cursor *cursor, struct text *ret_text)
{
    const char *close;
    char quote;

    skip_space(cursor);
    if (cursor->at == cursor->end || (*cursor->at != '\'' && *cursor->at != '"'))
        return bad(cursor, "a string is missing");
    quote = *cursor->at++;
    close = memchr(cursor->at, quote, (size_t)(cursor->end - cursor->at));
    if (close == NULL)
        return bad(cursor, "a string does not end");
    *ret_text = (struct text){cursor->at, (size_t)(close - cursor->at)};
    cursor->at = close + 1;
    return true;
}

static bool text_is(struct text text, const char *other)
{
    return strlen(other) == text.n && memcmp(text.at, other, text.n) == 0;
}

/* ---- the three values ------------------------------------------------------------------------ */

static bool set_unsupported(const struct cursor *cursor, struct text descr)
{
    const char *what = "";

    if (descr.n > 1 && descr.at[1] == 'O')
        what = ", pickled Python objects, which are never read";
    else if (descr.n > 1 && descr.at[1] == 'f')
        what = "; convert it to float64 or to an integer type";
    return problem_set(
        cursor->reterr, PROBLEM_UNSUPPORTED_MASK, cursor->pointer,
        "The NPY element type is '%.*s'%s. Supported are b1, u1, i1, u2, i2, u4, i4, "
        "u8, i8, f2, f4 and f8.",
        (int)(descr.n < 32 ? descr.n : 32), descr.at, what);
}

static bool parse_descr(struct cursor *cursor, struct mask_header *header)
{
    struct text descr;

    skip_space(cursor);
    if (cursor->at < cursor->end && (*cursor->at == '[' || *cursor->at == '('))
        return problem_set(cursor->reterr, PROBLEM_UNSUPPORTED_MASK, cursor->pointer,
                           "The NPY elements are structures; save one field of them.");
    if (!parse_text(cursor, &descr))
        return false;
    for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++) {
        if (descr.n != 3 || memcmp(descr.at + 1, dtypes[i].name, 2) != 0)
            continue;
        if (descr.at[0] == '\0' || strchr("<>|=", descr.at[0]) == NULL)
            break;
        header->encoding.dtype = dtypes[i].dtype;
        /* '|' and '=' are the byte order of whoever wrote it, as good as always little. */
        header->encoding.swapped = dtypes[i].name[1] != '1' &&
                                   bytes_are_swapped(descr.at[0] == '>' ? BYTES_BIG : BYTES_LITTLE);
        return true;
    }
    return set_unsupported(cursor, descr);
}

static bool parse_order(struct cursor *cursor, struct mask_header *header)
{
    if (skip_word(cursor, "True"))
        header->order = OV_ORDER_F;
    else if (skip_word(cursor, "False"))
        header->order = OV_ORDER_C;
    else
        return bad(cursor, "fortran_order is neither True nor False");
    return true;
}

static bool parse_axis(struct cursor *cursor, uint64_t *ret_axis)
{
    const char *start;
    uint64_t axis = 0;

    skip_space(cursor);
    start = cursor->at;
    for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
        if (__builtin_mul_overflow(axis, 10, &axis) ||
            __builtin_add_overflow(axis, (uint64_t)(*cursor->at - '0'), &axis))
            return bad(cursor, "an axis of the shape is beyond 64 bits");
    }
    if (cursor->at == start)
        return bad(cursor, "the shape is not a tuple of natural numbers");
    if (cursor->at < cursor->end && *cursor->at == 'L') /* as Python 2 wrote it */
        cursor->at++;
    *ret_axis = axis;
    return true;
}

static bool parse_shape(struct cursor *cursor, struct mask_header *header)
{
    bool comma = true;

    if (!skip(cursor, '('))
        return bad(cursor, "the shape is not a tuple");
    for (header->ndim = 0; !skip(cursor, ')'); header->ndim++) {
        if (header->ndim == OV_MAX_NDIM)
            return problem_set(cursor->reterr, PROBLEM_UNSUPPORTED_MASK, cursor->pointer,
                               "The NPY array has more than %d axes.", OV_MAX_NDIM);
        if (!comma)
            return bad(cursor, "the shape is not a tuple of natural numbers");
        if (!parse_axis(cursor, &header->shape[header->ndim]))
            return false;
        comma = skip(cursor, ',');
    }
    if (header->ndim == 0)
        return bad(cursor, "its shape is (), a single number and no mask");
    if (header->ndim == 1 && !comma)
        return bad(cursor, "its shape is a number in brackets; a tuple of one has a comma");
    return true;
}

/* ---- the header ------------------------------------------------------------------------------ */

static bool parse_entry(struct cursor *cursor, struct mask_header *header, bool *seen)
{
    static bool (*const parsers[N_KEYS])(struct cursor *, struct mask_header *) = {
        parse_descr, parse_order, parse_shape};
    struct text name;

    if (!parse_text(cursor, &name))
        return false;
    for (enum key key = 0; key < N_KEYS; key++) {
        if (!text_is(name, keys[key]))
            continue;
        if (seen[key])
            return bad(cursor, "a key is there twice");
        seen[key] = true;
        if (!skip(cursor, ':'))
            return bad(cursor, "a ':' is missing");
        return parsers[key](cursor, header);
    }
    return bad(cursor, "a key is none of descr, fortran_order and shape");
}

static bool parse_header(struct cursor *cursor, struct mask_header *header)
{
    bool seen[N_KEYS] = {false};

    if (!skip(cursor, '{'))
        return bad(cursor, "it is not a dict");
    while (!skip(cursor, '}')) {
        if (!parse_entry(cursor, header, seen))
            return false;
        if (!skip(cursor, ',') && (cursor->at == cursor->end || *cursor->at != '}'))
            return bad(cursor, "a ',' or the closing '}' is missing");
    }
    skip_space(cursor);
    if (cursor->at != cursor->end)
        return bad(cursor, "something follows the dict");
    for (enum key key = 0; key < N_KEYS; key++) {
        if (!seen[key])
            return bad(cursor, "one of descr, fortran_order and shape is missing");
    }
    return true;
}

/* The header's length, from the bytes before it; they depend on the version. */
static bool read_length(struct coding *stream, const char *pointer, size_t *ret_length,
                        struct problem *reterr)
{
    uint8_t start[12];
    size_t n_length;

    if (!coding_read(stream, start, 8, reterr))
        return false;
    if (memcmp(start, magic, 6) != 0)
        return problem_set(reterr, PROBLEM_FORMAT_MISMATCH, pointer,
                           "The mask's name says NPY, but it does not begin with \\x93NUMPY.");
    if (start[6] < 1 || start[6] > 3 || start[7] != 0)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, pointer,
                           "The NPY version is %d.%d; 1.0, 2.0 and 3.0 are supported.", start[6],
                           start[7]);
    n_length = start[6] == 1 ? 2 : 4;
    if (!coding_read(stream, start + 8, n_length, reterr))
        return false;
    *ret_length = (size_t)bytes_unsigned(start + 8, n_length, BYTES_LITTLE);
    if (*ret_length > HEADER_BYTES_MAX)
        return problem_set(
            reterr, PROBLEM_BAD_MASK, pointer,
            "The NPY header is said to be %zu bytes long; more than %d are not read.", *ret_length,
            HEADER_BYTES_MAX);
    return true;
}

static bool npy_open(struct reader *reader, struct coding *stream, struct problem *reterr)
{
    const char *pointer = reader__source(reader)->pointer;
    struct cursor cursor = {.pointer = pointer, .reterr = reterr};
    char *text = NULL;
    size_t length = 0;
    bool good;

    if (!read_length(stream, pointer, &length, reterr))
        return false;
    text = malloc(length + 1);
    if (text == NULL)
        return problem_set(reterr, PROBLEM_OUT_OF_MEMORY, pointer,
                           "There is no memory for the NPY header.");
    cursor.at = text;
    cursor.end = text + length;
    good = coding_read(stream, text, length, reterr) &&
           parse_header(&cursor, reader__header(reader)) && reader__measure(reader, reterr);
    free(text);
    return good;
}

const struct format format_npy = {
    .kind = FORMAT_NPY,
    .is = npy_is,
    .extensions = extensions,
    .is_plain = true,
    .open = npy_open,
};
