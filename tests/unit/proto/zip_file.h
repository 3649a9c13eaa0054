/* zip_file.h - ZIP archives in memory, sound and otherwise; for the tests of zip.c and npz.c. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ZIP_FILE_H
#define TESTS_ZIP_FILE_H

#include "mask_files.h"

/* How a member is put in; all zero: stored, sizes of 32 bits. */
struct member_form {
    uint16_t method;
    uint16_t flags;
    bool is_64;          /* sizes and place in a zip64 field */
    bool has_descriptor; /* sizes and CRC behind the data */
};

struct archive {
    struct file file;
    struct file directory;
    uint32_t n_members;
    size_t directory_at;
    size_t end_at;
};

static inline struct archive *archive_new(void)
{
    struct archive *archive = calloc(1, sizeof(*archive));

    assert_non_null(archive);
    return archive;
}

/* Method, flags, time, CRC and sizes: what both headers have. */
static inline void put_sizes(struct file *file, const struct member_form *form, uint32_t crc,
                             size_t n_packed, size_t n)
{
    put_little(file, 45, 2);
    put_little(file, form->flags | (form->has_descriptor ? 8 : 0), 2);
    put_little(file, form->method, 2);
    put_little(file, 0x00210000, 4);
    put_little(file, crc, 4);
    put_little(file, form->is_64 ? UINT32_MAX : n_packed, 4);
    put_little(file, form->is_64 ? UINT32_MAX : n, 4);
}

static inline void archive_add(struct archive *archive, const char *name, struct member_form form,
                               const void *bytes, size_t n)
{
    struct file *packed = calloc(1, sizeof(*packed));
    struct file *file = &archive->file, *directory = &archive->directory;
    uint32_t crc = (uint32_t)crc32(0, bytes, (uInt)n);
    size_t at = file->n, n_name = strlen(name);

    assert_non_null(packed);
    if (form.method == 8)
        put_deflated(packed, bytes, n, -15);
    else
        put(packed, bytes, n);
    put(file, "PK\3\4", 4);
    put_sizes(file, &form, form.has_descriptor ? 0 : crc, form.has_descriptor ? 0 : packed->n,
              form.has_descriptor ? 0 : n);
    put_little(file, n_name, 2);
    put_little(file, 0, 2);
    put(file, name, n_name);
    put(file, packed->bytes, packed->n);
    if (form.has_descriptor) {
        put(file, "PK\7\x8", 4);
        put_little(file, crc, 4);
        put_little(file, packed->n, 4);
        put_little(file, n, 4);
    }
    put(directory, "PK\1\2\x2d\3", 6);
    put_sizes(directory, &form, crc, packed->n, n);
    put_little(directory, n_name, 2);
    put_little(directory, form.is_64 ? 4 + 28 : 0, 2);
    put_little(directory, 0, 10);
    put_little(directory, form.is_64 ? UINT32_MAX : at, 4);
    put(directory, name, n_name);
    if (form.is_64) {
        put(directory, "\x99\x99\0\0\1\0\x18\0", 8); /* a field of no meaning, then zip64 */
        put_little(directory, n, 8);
        put_little(directory, packed->n, 8);
        put_little(directory, at, 8);
    }
    archive->n_members++;
    free(packed);
}

/* The directory, and the record at the end; is_64: by a zip64 record. */
static inline void archive_end(struct archive *archive, bool is_64)
{
    struct file *file = &archive->file;
    size_t n = archive->directory.n, end_64_at;

    archive->directory_at = file->n;
    put(file, archive->directory.bytes, n);
    end_64_at = file->n;
    if (is_64) {
        put(file, "PK\6\6", 4);
        put_little(file, 44, 8);
        put_little(file, 45 | 45 << 16, 4);
        put_little(file, 0, 8);
        put_little(file, archive->n_members, 8);
        put_little(file, archive->n_members, 8);
        put_little(file, n, 8);
        put_little(file, archive->directory_at, 8);
        put(file, "PK\6\7\0\0\0\0", 8);
        put_little(file, end_64_at, 8);
        put_little(file, 1, 4);
    }
    archive->end_at = file->n;
    put(file, "PK\5\6\0\0\0\0", 8);
    put_little(file, is_64 ? UINT16_MAX : archive->n_members, 2);
    put_little(file, is_64 ? UINT16_MAX : archive->n_members, 2);
    put_little(file, is_64 ? UINT32_MAX : n, 4);
    put_little(file, is_64 ? UINT32_MAX : archive->directory_at, 4);
    put_little(file, 0, 2);
}

/* The picture, as an .npy. */
static inline struct file *picture_npy(void)
{
    struct file *file = file_new();

    put_npy(file, "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4), }\n", picture, 12);
    return file;
}

/* One member, the picture. */
static inline struct archive *picture_archive(struct member_form form)
{
    struct archive *archive = archive_new();
    struct file *npy = picture_npy();

    archive_add(archive, "a.npy", form, npy->bytes, npy->n);
    archive_end(archive, false);
    free(npy);
    return archive;
}

static inline void set_bytes(struct archive *archive, size_t at, uint64_t value, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        archive->file.bytes[at + i] = (uint8_t)(value >> 8 * i);
}

#endif
