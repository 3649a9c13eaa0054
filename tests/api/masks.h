/* masks.h - small mask files made in memory, for the tests of the wire. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_API_MASKS_H
#define TESTS_API_MASKS_H

#include "tests/api/http.h"

#include <zlib.h>
#include <zstd.h>

/* An NPY file of any descr; shape is Python's text, "(2, 3)". */
static inline struct bytes npy_of(const char *descr, bool fortran, const char *shape,
                                  const void *data, size_t size)
{
    char header[256];
    int text = snprintf(header + 10, sizeof header - 10,
                        "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr,
                        fortran ? "True" : "False", shape);
    size_t used = 10 + (size_t)text, whole = (used + 1 + 63) / 64 * 64;
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    memset(header + used, ' ', whole - used);
    header[whole - 1] = '\n';
    header[8] = (char)(whole - 10);
    header[9] = 0;
    struct bytes made = bytes_new(header, whole);
    bytes_add(&made, data, size);
    return made;
}

/* One axis of uint8 labels. */
static inline struct bytes npy_u8(const char *shape, const char *labels, size_t n_labels)
{
    return npy_of("|u1", false, shape, labels, n_labels);
}

static inline void put_i16(uint8_t *at, int value)
{
    at[0] = (uint8_t)(value & 255);
    at[1] = (uint8_t)((value >> 8) & 255);
}

static inline void put_f32(uint8_t *at, float value)
{
    memcpy(at, &value, 4);
}

/* A NIfTI-1 file, x fastest, with an sform of this spacing and x offset. */
static inline struct bytes nifti_of(int datatype, const int dim[8], float spacing_mm, float x_mm,
                                    const void *data, size_t size)
{
    uint8_t header[352] = {0x5c, 1};
    for (int i = 0; i < 8; i++)
        put_i16(header + 40 + 2 * i, dim[i]);
    put_i16(header + 70, datatype);
    put_i16(header + 72, datatype == 2 ? 8 : datatype == 4 ? 16 : datatype == 64 ? 64 : 32);
    for (int i = 0; i < 8; i++)
        put_f32(header + 76 + 4 * i, i == 0 ? 1.0f : spacing_mm);
    put_f32(header + 108, 352.0f);
    put_f32(header + 112, 1.0f);
    header[123] = 2;
    put_i16(header + 254, 1);
    for (int axis = 0; axis < 3; axis++)
        put_f32(header + 280 + 16 * axis + 4 * axis, spacing_mm);
    put_f32(header + 292, x_mm);
    memcpy(header + 344, "n+1", 4);
    struct bytes made = bytes_new(header, sizeof header);
    bytes_add(&made, data, size);
    return made;
}

static inline struct bytes nifti_u8(int nx, int ny, int nz, const char *labels)
{
    const int dim[8] = {3, nx, ny, nz, 1, 1, 1, 1};
    return nifti_of(2, dim, 1.0f, 0.0f, labels, (size_t)(nx * ny * nz));
}

static inline void png_chunk(struct bytes *png, const char *kind, const uint8_t *data, size_t size)
{
    uint8_t number[4];
    uLong sum = crc32(0, (const Bytef *)kind, 4);
    sum = size ? crc32(sum, data, (uInt)size) : sum; /* zlib's crc32(NULL) starts anew */
    for (int i = 0; i < 4; i++)
        number[i] = (uint8_t)(size >> (24 - 8 * i));
    bytes_add(png, number, 4);
    bytes_add(png, kind, 4);
    bytes_add(png, data, size);
    for (int i = 0; i < 4; i++)
        number[i] = (uint8_t)(sum >> (24 - 8 * i));
    bytes_add(png, number, 4);
}

/* A PNG from its rows, each already led by its filter byte. */
static inline struct bytes png_of(int width, int height, int depth, int colour, const void *rows,
                                  size_t rows_bytes)
{
    uint8_t head[13] = {
        0, 0, 0, (uint8_t)width, 0, 0, 0, (uint8_t)height, (uint8_t)depth, (uint8_t)colour};
    uint8_t packed[512];
    uLongf packed_bytes = sizeof packed;
    struct bytes made = bytes_new("\x89PNG\r\n\x1a\n", 8);
    png_chunk(&made, "IHDR", head, sizeof head);
    if (colour == 3)
        png_chunk(&made, "PLTE", (const uint8_t *)"\0\0\0\377\0\0\0\377\0\0\0\377", 12);
    assert_int_equal(compress(packed, &packed_bytes, rows, rows_bytes), Z_OK);
    png_chunk(&made, "IDAT", packed, packed_bytes);
    png_chunk(&made, "IEND", NULL, 0);
    return made;
}

/* zlib's windowBits: 15 zlib, 31 gzip. */
static inline struct bytes deflated(struct bytes plain, int window_bits)
{
    z_stream stream = {.next_in = plain.data, .avail_in = (uInt)plain.size};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    struct bytes made = bytes_new(NULL, deflateBound(&stream, plain.size) + 64);
    stream.next_out = made.data;
    stream.avail_out = (uInt)made.size;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    made.size = stream.total_out;
    deflateEnd(&stream);
    return made;
}

/* With a checksum. */
static inline struct bytes zstd_of(struct bytes plain)
{
    struct bytes made = bytes_new(NULL, ZSTD_compressBound(plain.size));
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    made.size = ZSTD_compress2(context, made.data, made.size, plain.data, plain.size);
    ZSTD_freeCCtx(context);
    return made;
}

static inline struct bytes base64_of(struct bytes plain)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct bytes made = bytes_new(NULL, (plain.size + 2) / 3 * 4 + 1);
    size_t out = 0;
    for (size_t i = 0; i < plain.size; i += 3) {
        size_t left = plain.size - i;
        uint32_t three = (uint32_t)plain.data[i] << 16;
        three |= left > 1 ? (uint32_t)plain.data[i + 1] << 8 : 0;
        three |= left > 2 ? plain.data[i + 2] : 0;
        for (int k = 0; k < 4; k++)
            made.data[out++] = (uint8_t)set[(three >> (18 - 6 * k)) & 63];
        for (size_t k = left; k < 3; k++)
            made.data[out - 3 + k] = '=';
    }
    made.data[out] = '\0';
    made.size = out;
    return made;
}

/* A multipart body by hand, for what libcurl would not send; boundary "B". */
static inline void form_add(struct bytes *form, const char *name, struct bytes data)
{
    char head[160];
    int size = snprintf(head, sizeof head,
                        "--B\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n", name);
    bytes_add(form, head, (size_t)size);
    bytes_add(form, data.data, data.size);
    bytes_add(form, "\r\n", 2);
}

static inline struct bytes form_of(struct bytes prediction, struct bytes reference)
{
    struct bytes form = bytes_new("", 0);
    form_add(&form, "prediction", prediction);
    form_add(&form, "reference", reference);
    bytes_add(&form, "--B--\r\n", 7);
    return form;
}

#endif
