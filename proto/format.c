/* format.c - which format a mask is in: by what is said of it, its first bytes, its file's name. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/reader.h"

/* So many run lengths, of a character or more each, are decoded faster than they were parsed. */
#define SHORT_RUNS 2048

#define FORMAT_ENTRY(symbol, name, object) [FORMAT_##symbol] = &format_##object,
static const struct format *const formats[FORMAT_N] = {FORMAT_MAP(FORMAT_ENTRY)};
#undef FORMAT_ENTRY

#define FORMAT_NAME(symbol, name, object) name,
static const char *const names[FORMAT_N] = {FORMAT_MAP(FORMAT_NAME)};
#undef FORMAT_NAME

const struct format *format_of(enum format_kind kind)
{
    return formats[kind];
}

const char *format_name(enum format_kind kind)
{
    return kind < FORMAT_N ? names[kind] : "auto";
}

enum format_kind format_find(const char *name, size_t n)
{
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (strlen(names[kind]) == n && memcmp(names[kind], name, n) == 0)
            return kind;
    }
    return FORMAT_N;
}

/* What people send instead of a mask that we read; named so that they need not guess. */
static const struct {
    size_t at;
    size_t n;
    const char *signature;
    const char *what;
} strangers[] = {
    {0, 2, "\x1f\x8b", "gzip (one coding is taken off, the one that encoding names)"},
    {0, 4, "\x28\xb5\x2f\xfd", "zstd (one coding is taken off, the one that encoding names)"},
    {0, 4, "\x04\x22\x4d\x18", "lz4 (one coding is taken off, the one that encoding names)"},
    {0, 3, "\xff\xd8\xff", "JPEG, which does not keep labels"},
    {0, 8, "\x89HDF\r\n\x1a\n", "HDF5"},
    {0, 3, "BZh", "bzip2"},
    {0, 6, "\xfd\x37zXZ\0", "xz"},
    {0, 4, "GIF8", "GIF"},
    {0, 2, "BM", "BMP"},
    {8, 4, "WEBP", "WebP"},
    {4, 4, "jP  ", "JPEG 2000"},
    {0, 4, "\0\0\0\1", "MGH; convert it to NIfTI, with mri_convert or nibabel"},
    {0, 6, "MATLAB", "MATLAB"},
    {0, 5, "# vtk", "VTK"},
    {0, 1, "{", "JSON"},
    {0, 1, "[", "JSON"},
};

static const char *stranger(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        if (n >= strangers[i].at + strangers[i].n &&
            memcmp(bytes + strangers[i].at, strangers[i].signature, strangers[i].n) == 0)
            return strangers[i].what;
    }
    return NULL;
}

/* FORMAT_N where none fits, also below. */
static enum format_kind by_bytes(const uint8_t *bytes, size_t n)
{
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (formats[kind]->is != NULL && formats[kind]->is(bytes, n))
            return kind;
    }
    return FORMAT_N;
}

size_t format_text_mark(const uint8_t *bytes, size_t n)
{
    return n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* An object or an array, after blanks. */
static bool is_json(const uint8_t *bytes, size_t n)
{
    size_t i = format_text_mark(bytes, n);

    while (i < n && bytes[i] != 0 && strchr(" \t\r\n", bytes[i]) != NULL)
        i++;
    return i < n && (bytes[i] == '{' || bytes[i] == '[');
}

static bool ends_with(const char *name, size_t n, const char *extension)
{
    size_t n_extension = strlen(extension);

    return n >= n_extension && strncasecmp(name + n - n_extension, extension, n_extension) == 0;
}

static bool has_extension(const struct format *format, const char *name, size_t n)
{
    for (const char *const *extension = format->extensions; *extension != NULL; extension++) {
        if (ends_with(name, n, *extension))
            return true;
    }
    return false;
}

static enum format_kind by_name(const char *name)
{
    size_t n;

    if (name == NULL)
        return FORMAT_N;
    n = strlen(name);
    if (ends_with(name, n, ".gz"))
        n -= 3;
    else if (ends_with(name, n, ".zst") || ends_with(name, n, ".lz4"))
        n -= 4;
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (has_extension(formats[kind], name, n))
            return kind;
    }
    return FORMAT_N;
}

static bool set_mismatch(const struct source *source, enum format_kind found, const uint8_t *bytes,
                         size_t n, struct problem *reterr)
{
    const char *other = found < FORMAT_N ? format_name(found) : stranger(bytes, n);

    return problem_set(reterr, PROBLEM_FORMAT_MISMATCH, source->pointer,
                       "The mask is said to be %s, but its first bytes are %s%s.",
                       format_name(source->format), other != NULL ? "those of " : "not",
                       other != NULL ? other : "");
}

static bool set_unknown(const struct source *source, const uint8_t *bytes, size_t n,
                        struct problem *reterr)
{
    const char *what = stranger(bytes, n);
    char hex[3 * 8 + 1] = "";
    char known[FORMAT_N * 16] = "";

    for (size_t i = 0; i < n && i < 8; i++)
        snprintf(hex + 3 * i, 4, " %02x", bytes[i]);
    for (enum format_kind kind = 0; kind < FORMAT_N; kind++) {
        if (formats[kind]->is != NULL)
            strncat(strncat(known, names[kind], 14), ", ", 3);
    }
    return problem_set(
        reterr, PROBLEM_UNKNOWN_FORMAT, source->pointer,
        "The first bytes,%s, are %s%s. Supported are %sthe JSON of annotation tools, and raw with "
        "format, dtype and shape given; each plain, in gzip, zstd or lz4, or in zlib where "
        "encoding says so.",
        hex, what != NULL ? "those of " : "of no format known here", what != NULL ? what : "",
        known);
}

const struct format *format_choose(const struct source *source, struct coding *stream,
                                   struct problem *reterr)
{
    enum format_kind said = source->format;
    enum format_kind found;
    const uint8_t *bytes;
    size_t n;

    if (!coding_peek(stream, CODING_PEEK_BYTES, &bytes, &n, reterr))
        return NULL;
    if (n == 0) {
        problem_set(reterr, PROBLEM_TRUNCATED, source->pointer, "The mask is empty.");
        return NULL;
    }
    found = by_bytes(bytes, n);
    if (said != FORMAT_AUTO && formats[said]->is != NULL && found != said) {
        set_mismatch(source, found, bytes, n, reterr);
        return NULL;
    }
    if (said != FORMAT_AUTO)
        found = said;
    else if (found == FORMAT_N)
        found = by_name(source->filename);
    if (found == FORMAT_N && is_json(bytes, n))
        return &format_annotation;
    if (found == FORMAT_N) {
        set_unknown(source, bytes, n, reterr);
        return NULL;
    }
    return formats[found];
}

bool format_is_plain(const struct source *source)
{
    enum format_kind kind = source->format;

    if (source->json != NULL || source->channels != NULL || source_coding(source) != CODING_NONE)
        return false;
    if (source->place.kind != SEGMENT_NONE)
        return true;
    if (kind == FORMAT_AUTO)
        kind = by_bytes(source->bytes, source->n_bytes);
    return kind < FORMAT_N && formats[kind]->is_plain;
}

bool format_is_short(const struct source *source)
{
    const json_t *counts = json_object_get(source->json, "counts");

    if (source->format != FORMAT_RLE || source->channels != NULL)
        return false;
    return (json_is_string(counts) && json_string_length(counts) <= SHORT_RUNS) ||
           (json_is_array(counts) && json_array_size(counts) <= SHORT_RUNS);
}

/* Of JSON that is not said to be anything, what numbers its labels has a list of categories. */
bool format_only_names(const struct source *source)
{
    static const char numbered[] = "\"categories\"";

    if (source->format < FORMAT_N)
        return formats[source->format]->only_names;
    if (source->place.kind != SEGMENT_NONE)
        return false;
    return is_json(source->bytes, source->n_bytes) &&
           memmem(source->bytes, source->n_bytes, numbered, sizeof(numbered) - 1) == NULL;
}
