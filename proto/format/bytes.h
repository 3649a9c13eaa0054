/* bytes.h - numbers out of the bytes of a file, whatever its byte order and this machine's. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTO_FORMAT_BYTES_H
#define PROTO_FORMAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum bytes_order { BYTES_LITTLE, BYTES_BIG };

/* Whether elements in this order must be swapped on this machine. */
static inline bool bytes_are_swapped(enum bytes_order order)
{
    return (order == BYTES_BIG) != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

/* An unsigned integer of n <= 8 bytes. */
static inline uint64_t bytes_unsigned(const uint8_t *bytes, size_t n, enum bytes_order order)
{
    uint64_t value = 0;

    for (size_t i = 0; i < n; i++)
        value = value << 8 | bytes[order == BYTES_BIG ? i : n - 1 - i];
    return value;
}

/* A two's complement integer of n <= 8 bytes. */
static inline int64_t bytes_signed(const uint8_t *bytes, size_t n, enum bytes_order order)
{
    uint64_t sign = (uint64_t)1 << (8 * n - 1);
    uint64_t value = bytes_unsigned(bytes, n, order);

    return (int64_t)((value ^ sign) - sign);
}

/* An IEEE 754 number of n = 4 or 8 bytes. */
static inline double bytes_real(const uint8_t *bytes, size_t n, enum bytes_order order)
{
    uint64_t bits = bytes_unsigned(bytes, n, order);
    uint32_t bits_32 = (uint32_t)bits;
    float value_32;
    double value;

    memcpy(&value_32, &bits_32, sizeof(value_32));
    memcpy(&value, &bits, sizeof(value));
    return n == 4 ? (double)value_32 : value;
}

#endif
