/* base64.c - RFC 4648 base64, strictly. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/base64.h"

/* 64 for what is not of the alphabet. */
static unsigned value_of(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return (unsigned)(digit - 'A');
    if (digit >= 'a' && digit <= 'z')
        return (unsigned)(digit - 'a') + 26;
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0') + 52;
    if (digit == '+')
        return 62;
    return digit == '/' ? 63 : 64;
}

size_t base64_room(size_t n_text)
{
    return n_text / 4 * 3;
}

/* Decodes `n_digits` (2 to 4) characters of one group; returns how many of them are good. */
static size_t group_decode(const char *text, size_t n_digits, uint8_t *bytes)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < n_digits; i++) {
        unsigned value = value_of(text[i]);

        if (value > 63)
            return i;
        bits |= (uint32_t)value << (18 - 6 * i);
    }
    /* Bits beyond the last whole byte must be zero, or two texts would mean one thing. */
    if (n_digits < 4 && (bits & (0xffffffu >> (8 * (n_digits - 1)))) != 0)
        return n_digits - 1;
    for (size_t i = 0; i + 1 < n_digits; i++)
        bytes[i] = (uint8_t)(bits >> (16 - 8 * i));
    return n_digits;
}

bool base64_decode(const char *text, size_t n_text, uint8_t *ret_bytes, size_t *ret_n)
{
    size_t n = 0;
    size_t at = 0;

    for (; at + 4 <= n_text; at += 4) {
        bool last = at + 4 == n_text;
        size_t n_padding = !last || text[at + 3] != '=' ? 0 : text[at + 2] == '=' ? 2 : 1;
        size_t good = group_decode(text + at, 4 - n_padding, ret_bytes + n);

        if (good < 4 - n_padding) {
            *ret_n = at + good;
            return false;
        }
        n += 3 - n_padding;
    }
    *ret_n = at < n_text ? n_text : n;
    return at == n_text;
}
