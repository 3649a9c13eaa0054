/* tiff_file.h - a TIFF file in memory, opened by libtiff: it sees no path and prints nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_TIFF_FILE_H
#define PROTO_FORMAT_TIFF_FILE_H

#include <tiffio.h>

#include "proto/problem.h"

struct tiff_file {
    TIFF *tiff;
    const uint8_t *bytes;
    size_t n_bytes;
    uint64_t at;
    const char *pointer;
    bool in_directory;         /* what is read now is no pixel */
    uint64_t n_directory_left; /* bytes that directories may still read */
    bool is_short;             /* more was asked for than there is */
    char error[200];           /* what libtiff said first */
};

/* Open 4 bytes or more, which are a TIFF signature, and read the first directory. Borrows bytes and
 * pointer; on failure nothing is held. */
bool tiff_file_init(struct tiff_file *file, const uint8_t *bytes, size_t n_bytes,
                    const char *pointer, struct problem *reterr);
void tiff_file_done(struct tiff_file *file);

/* From the first directory on again. */
bool tiff_file_rewind(struct tiff_file *file, struct problem *reterr);

/* The next directory, of which there must be one. */
bool tiff_file_next(struct tiff_file *file, struct problem *reterr);

/* A call of libtiff has failed: a problem of this kind, or of a file that is too short. */
bool tiff_file_failed(const struct tiff_file *file, enum problem_code code, struct problem *reterr);

#endif
