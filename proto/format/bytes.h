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

/* n samples of 1, 2 or 4 bits from the at-th on, a byte each; the first is in the highest bits. */
static inline void bytes_unpack(const uint8_t *packed, size_t at, size_t n, unsigned bits,
                                uint8_t *ret_samples)
{
    for (size_t i = 0; i < n; i++) {
        size_t bit = (at + i) * bits;

        ret_samples[i] = (uint8_t)(packed[bit / 8] >> (8 - bits - bit % 8) & ((1u << bits) - 1));
    }
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
