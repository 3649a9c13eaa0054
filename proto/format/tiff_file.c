/* tiff_file.c - a TIFF file in memory, opened by libtiff: it sees no path and prints nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/format/tiff_file.h"

#include <stdio.h>
#include <string.h>

#include "proto/format/bytes.h"

/* One allocation of libtiff's: a packed strip, which is no longer than the file, or a table of the
 * places of strips, which is hardly. */
#define ALLOCATION_FREE ((uint64_t)1 << 20)

/* Directories may point to the same bytes again and again. Honest ones read each byte once. */
#define DIRECTORY_READS      4
#define DIRECTORY_FREE_BYTES ((uint64_t)64 << 10)

/* libtiff takes a time for each tag that it does not know which grows with their number: 0.15 s for
 * 4,000 of them. Images have some dozen tags. */
#define TAGS_MAX        128
#define DIRECTORIES_MAX 65536

/* ---- what libtiff calls ---------------------------------------------------------------------- */

static tmsize_t read_bytes(thandle_t handle, void *room, tmsize_t n)
{
    struct tiff_file *file = handle;
    uint64_t left = file->at < file->n_bytes ? file->n_bytes - file->at : 0;
    uint64_t n_here = (uint64_t)n < left ? (uint64_t)n : left;

    file->is_short = file->is_short || n_here < (uint64_t)n;
    if (file->in_directory) {
        if (n_here > file->n_directory_left) {
            file->n_directory_left = 0;
            return 0;
        }
        file->n_directory_left -= n_here;
    }
    if (n_here > 0)
        memcpy(room, file->bytes + file->at, (size_t)n_here);
    file->at += n_here;
    return (tmsize_t)n_here;
}

static tmsize_t write_bytes(thandle_t handle, void *bytes, tmsize_t n)
{
    (void)handle;
    (void)bytes;
    (void)n;
    return 0;
}

static toff_t seek_bytes(thandle_t handle, toff_t offset, int whence)
{
    struct tiff_file *file = handle;

    file->at = offset + (whence == SEEK_CUR ? file->at : whence == SEEK_END ? file->n_bytes : 0);
    return file->at;
}

static int close_bytes(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t size_of_bytes(thandle_t handle)
{
    const struct tiff_file *file = handle;

    return file->n_bytes;
}

static int keep_error(TIFF *tiff, void *user, const char *module, const char *format,
                      va_list arguments) __attribute__((format(printf, 4, 0)));

static int keep_error(TIFF *tiff, void *user, const char *module, const char *format,
                      va_list arguments)
{
    struct tiff_file *file = user;
    size_t n;

    (void)tiff;
    (void)module;
    if (file->error[0] != '\0')
        return 1;
    vsnprintf(file->error, sizeof(file->error), format, arguments);
    n = strlen(file->error);
    if (n > 0 && file->error[n - 1] == '.')
        file->error[n - 1] = '\0';
    return 1;
}

static int drop_warning(TIFF *tiff, void *user, const char *module, const char *format,
                        va_list arguments)
{
    (void)tiff;
    (void)user;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

/* ---- directories ----------------------------------------------------------------------------- */

bool tiff_file_failed(const struct tiff_file *file, enum problem_code code, struct problem *reterr)
{
    const char *what = file->error[0] != '\0' ? file->error : "it is damaged";

    if (file->in_directory && file->n_directory_left == 0)
        return problem_set(reterr, PROBLEM_BAD_MASK, file->pointer,
                           "The TIFF's directories point to the same bytes again and again.");
    if (file->is_short)
        return problem_set(reterr, PROBLEM_TRUNCATED, file->pointer,
                           "The TIFF points to bytes beyond its end at byte %zu: %s.",
                           file->n_bytes, what);
    return problem_set(reterr, code, file->pointer, "The TIFF cannot be read: %s.", what);
}

static void begin_directories(struct tiff_file *file)
{
    file->in_directory = true;
    file->n_directory_left = DIRECTORY_READS * (uint64_t)file->n_bytes + DIRECTORY_FREE_BYTES;
}

/* What libtiff got over is no failure: a tag that it left out, say. */
static bool end_directory(struct tiff_file *file, bool is_read, struct problem *reterr)
{
    if (!is_read || file->is_short || file->n_directory_left == 0)
        return tiff_file_failed(file, PROBLEM_BAD_MASK, reterr);
    file->in_directory = false;
    file->error[0] = '\0';
    return true;
}

/* The directory at `at`: *ret_next is where it says that the next one is, 0 for none. */
static bool check_directory(const struct tiff_file *file, bool is_big, enum bytes_order order,
                            uint64_t at, uint64_t *ret_next, struct problem *reterr)
{
    size_t n_count = is_big ? 8 : 2, n_place = is_big ? 8 : 4;
    uint64_t left = at < file->n_bytes ? file->n_bytes - at : 0;
    uint64_t n_tags, n_bytes;

    if (left < n_count)
        return problem_set(reterr, PROBLEM_TRUNCATED, file->pointer,
                           "A directory of the TIFF lies beyond its end at byte %zu.",
                           file->n_bytes);
    n_tags = bytes_unsigned(file->bytes + at, n_count, order);
    if (n_tags > TAGS_MAX)
        return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, file->pointer,
                           "A directory of the TIFF has %llu tags; up to %d are read.",
                           (unsigned long long)n_tags, TAGS_MAX);
    n_bytes = n_count + n_tags * (is_big ? 20 : 12);
    if (left < n_bytes + n_place)
        return problem_set(reterr, PROBLEM_TRUNCATED, file->pointer,
                           "A directory of the TIFF reaches beyond its end at byte %zu.",
                           file->n_bytes);
    *ret_next = bytes_unsigned(file->bytes + at + n_bytes, n_place, order);
    return true;
}

/* Before libtiff reads any: so many directories, of so many tags, and an end of them. */
static bool check_directories(const struct tiff_file *file, struct problem *reterr)
{
    enum bytes_order order = file->bytes[0] == 'I' ? BYTES_LITTLE : BYTES_BIG;
    bool is_big = bytes_unsigned(file->bytes + 2, 2, order) == 43;
    uint64_t next;

    if (file->n_bytes < (is_big ? 16 : 8))
        return problem_set(reterr, PROBLEM_TRUNCATED, file->pointer,
                           "The TIFF ends within its first %d bytes.", is_big ? 16 : 8);
    next = bytes_unsigned(file->bytes + (is_big ? 8 : 4), is_big ? 8 : 4, order);
    for (unsigned i = 0; next != 0; i++) {
        if (i == DIRECTORIES_MAX)
            return problem_set(reterr, PROBLEM_UNSUPPORTED_MASK, file->pointer,
                               "The TIFF has more than %d directories, or they go round in a ring.",
                               DIRECTORIES_MAX);
        if (!check_directory(file, is_big, order, next, &next, reterr))
            return false;
    }
    return true;
}

static TIFF *open_client(struct tiff_file *file)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    TIFF *tiff;

    if (options == NULL)
        return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)(file->n_bytes + ALLOCATION_FREE));
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, file);
    TIFFOpenOptionsSetWarningHandlerExtR(options, drop_warning, file);
    /* m: read it, do not map it, so that every byte is counted. */
    tiff = TIFFClientOpenExt("mask", "rm", file, read_bytes, write_bytes, seek_bytes, close_bytes,
                             size_of_bytes, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

bool tiff_file_init(struct tiff_file *file, const uint8_t *bytes, size_t n_bytes,
                    const char *pointer, struct problem *reterr)
{
    *file = (struct tiff_file){.bytes = bytes, .n_bytes = n_bytes, .pointer = pointer};
    if (!check_directories(file, reterr))
        return false;
    begin_directories(file);
    file->tiff = open_client(file);
    return end_directory(file, file->tiff != NULL, reterr);
}

void tiff_file_done(struct tiff_file *file)
{
    if (file->tiff != NULL)
        TIFFClose(file->tiff);
    file->tiff = NULL;
}

bool tiff_file_rewind(struct tiff_file *file, struct problem *reterr)
{
    begin_directories(file);
    return end_directory(file, TIFFSetDirectory(file->tiff, 0) == 1, reterr);
}

bool tiff_file_next(struct tiff_file *file, struct problem *reterr)
{
    file->in_directory = true;
    return end_directory(file, TIFFReadDirectory(file->tiff) == 1, reterr);
}
