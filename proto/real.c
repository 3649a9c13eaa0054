/* real.c - a double as JSON text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/real.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define N_DIGITS 17

#define MOST_DIGITS UINT64_C(100000000000000000) /* the first number with one digit too many */

/* A double's fraction has 52 bits, and this one above them that is not stored. */
#define IMPLICIT_BIT (UINT64_C(1) << 52)

/* Beyond these exponents of ten %.17g and hence JSON have "e". */
#define LEAST_FIXED (-4)

/* As C's %.17g has it, but for what JSON does not want: "1", "1e-05" and "1e+20". */
static size_t print_any(double value, char *text)
{
    size_t n = (size_t)snprintf(text, REAL_BYTES, "%.17g", value);
    char *exponent = strchr(text, 'e');
    char *end;

    if (exponent == NULL && strchr(text, '.') == NULL) {
        text[n++] = '.';
        text[n++] = '0';
        return n;
    }
    if (exponent == NULL)
        return n;
    exponent += exponent[1] == '-' ? 2 : 1;
    for (end = exponent; *end == '+' || *end == '0'; end++)
        continue;
    memmove(exponent, end, n - (size_t)(end - text));
    return n - (size_t)(end - exponent);
}

#ifdef __SIZEOF_INT128__

/* 5 to the power i. */
static const uint64_t fives[] = {UINT64_C(1),
                                 UINT64_C(5),
                                 UINT64_C(25),
                                 UINT64_C(125),
                                 UINT64_C(625),
                                 UINT64_C(3125),
                                 UINT64_C(15625),
                                 UINT64_C(78125),
                                 UINT64_C(390625),
                                 UINT64_C(1953125),
                                 UINT64_C(9765625),
                                 UINT64_C(48828125),
                                 UINT64_C(244140625),
                                 UINT64_C(1220703125),
                                 UINT64_C(6103515625),
                                 UINT64_C(30517578125),
                                 UINT64_C(152587890625),
                                 UINT64_C(762939453125),
                                 UINT64_C(3814697265625),
                                 UINT64_C(19073486328125),
                                 UINT64_C(95367431640625),
                                 UINT64_C(476837158203125),
                                 UINT64_C(2384185791015625),
                                 UINT64_C(11920928955078125),
                                 UINT64_C(59604644775390625),
                                 UINT64_C(298023223876953125),
                                 UINT64_C(1490116119384765625),
                                 UINT64_C(7450580596923828125)};

#define N_FIVES ((int)(sizeof(fives) / sizeof(fives[0])))

__extension__ typedef unsigned __int128 wide;

/*
 * value = fraction * 2^scale, times 10^power: rounded half to even, exactly, as the product has at
 * most 53 + 63 bits.
 */
static uint64_t scaled(uint64_t fraction, int scale, int power)
{
    wide product = (wide)fraction * fives[power];
    int shift = -(scale + power);
    wide rest = product & (((wide)1 << shift) - 1);
    wide half = (wide)1 << (shift - 1);
    uint64_t whole = (uint64_t)(product >> shift);

    return whole + (rest > half || (rest == half && (whole & 1) != 0));
}

/* The 17 digits of a positive number and its exponent of ten; false for one too small or large. */
static bool digits_of(double value, uint64_t *ret_digits, int *ret_exponent)
{
    uint64_t bits, fraction;
    int scale, exponent;

    memcpy(&bits, &value, sizeof(bits));
    fraction = (bits & (IMPLICIT_BIT - 1)) | IMPLICIT_BIT;
    scale = (int)(bits >> 52) - 1075;
    /* That of the power of two below, by its logarithm: the number's own, or one less. */
    exponent = ((scale + 52) * 78913) >> 18;
    do {
        int power = N_DIGITS - 1 - exponent;

        if (power < 0 || power >= N_FIVES || scale + power >= 0)
            return false;
        *ret_digits = scaled(fraction, scale, power);
        *ret_exponent = exponent++;
    } while (*ret_digits >= MOST_DIGITS);
    return true;
}

/* Without trailing zeros; returns how many are left. */
static int write_digits(uint64_t value, char digits[N_DIGITS])
{
    int n = N_DIGITS;

    for (int i = N_DIGITS - 1; i >= 0; i--) {
        digits[i] = (char)('0' + value % 10);
        value /= 10;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

static size_t place_point(const char *digits, int n, int exponent, char *text)
{
    int n_whole = exponent + 1;
    int n_zeros = exponent < 0 ? -n_whole : 0;
    char *at = text;

    if (n_whole <= 0) {
        *at++ = '0';
        n_whole = 0;
    }
    for (int i = 0; i < n_whole; i++)
        *at++ = (char)(i < n ? digits[i] : '0');
    *at++ = '.';
    for (int i = 0; i < n_zeros; i++)
        *at++ = '0';
    if (n <= n_whole)
        *at++ = '0';
    else
        at = mempcpy(at, digits + n_whole, (size_t)(n - n_whole));
    return (size_t)(at - text);
}

/* "1.25e-7"; the exponent is negative, and print_usual knows none below -11. */
static size_t place_exponent(const char *digits, int n, int exponent, char *text)
{
    char *at = text;

    *at++ = digits[0];
    if (n > 1) {
        *at++ = '.';
        memcpy(at, digits + 1, (size_t)n - 1);
        at += n - 1;
    }
    *at++ = 'e';
    *at++ = '-';
    if (exponent <= -10)
        *at++ = '1';
    *at++ = (char)('0' + -exponent % 10);
    return (size_t)(at - text);
}

/* The most numbers of an answer, and twenty times as fast as printf; 0 for any other. */
static size_t print_usual(double value, char *text)
{
    char digits[N_DIGITS];
    uint64_t number;
    int exponent;
    int n;

    if (value == 0 && !signbit(value)) {
        memcpy(text, "0.0", sizeof("0.0"));
        return 3;
    }
    if (!(value > 0) || !digits_of(value, &number, &exponent))
        return 0;
    n = write_digits(number, digits);
    return exponent < LEAST_FIXED ? place_exponent(digits, n, exponent, text)
                                  : place_point(digits, n, exponent, text);
}

#else

static size_t print_usual(double value, char *text)
{
    (void)value;
    (void)text;
    return 0;
}

#endif

size_t real_print(double value, char ret_text[REAL_BYTES])
{
    size_t n = print_usual(value, ret_text);

    return n > 0 ? n : print_any(value, ret_text);
}
