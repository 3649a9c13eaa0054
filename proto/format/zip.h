/* zip.h - what a ZIP archive holds, by its central directory; and the bytes of one member. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_ZIP_H
#define PROTO_FORMAT_ZIP_H

#include "proto/coding.h"

/* An archive of more is no handful of arrays. Its members are sorted, and held in memory. */
#define ZIP_MAX_MEMBERS 1024

struct zip_member {
    const char *name; /* in the archive; not NUL-terminated */
    size_t n_name;
    unsigned flags;
    unsigned method;
    uint32_t crc_32;
    uint64_t packed_bytes; /* in the archive */
    uint64_t n_bytes;
    uint64_t header_at; /* where the archive has the member's own header, and its data */
    uint64_t data_at;
};

struct zip {
    const uint8_t *bytes;
    size_t n_bytes;
    const char *pointer;
    struct zip_member *members; /* in the order of their data */
    size_t n_members;
};

/*
 * Read the directory of an archive that is in memory: zip64 or not. Borrows bytes and pointer,
 * which names the source in problems.
 *
 * Refused: directories that do not fit the file, members outside it, over each other or of one
 * name, archives of several files, more than ZIP_MAX_MEMBERS. On failure nothing is held.
 */
bool zip_init(struct zip *zip, const uint8_t *bytes, size_t n_bytes, const char *pointer,
              struct problem *reterr);
void zip_done(struct zip *zip);

/* The member of this name, NULL for none. */
const struct zip_member *zip_find(const struct zip *zip, const char *name, size_t n_name);

/*
 * A stream of a member's bytes, stored or deflated, that is held to its length and CRC; freed by
 * coding_free. NULL, with reterr set, for encrypted ones, other methods, and where memory is out.
 */
struct coding *zip_open(const struct zip *zip, const struct zip_member *member,
                        struct problem *reterr);

#endif
