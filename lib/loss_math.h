/* loss_math.h - exp and log from additions and multiplications alone: the same bits everywhere. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OV_LOSS_MATH_H
#define OV_LOSS_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts; the first has 32 zero bits, so that its product with an exponent is exact. */
#define OV__LN2_HIGH 0x1.62e42feep-1
#define OV__LN2_LOW  0x1.a39ef35793c76p-33

/* 2^k for k in -1022..1023. */
static inline double ov__exp2i(int k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* e^x within 1 ulp; arguments beyond -700..700 are taken as these. Taylor on half a ln 2. */
static inline double ov__exp(double x)
{
    static const double inverse_factorials[] = {
        1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320,
        1. / 5040,       1. / 720,       1. / 120,      1. / 24,      1. / 6,      1. / 2};
    x = x < -700 ? -700 : x > 700 ? 700 : x;
    double k = floor(x * 0x1.71547652b82fep+0 + .5);
    double r = x - k * OV__LN2_HIGH - k * OV__LN2_LOW;
    double sum = inverse_factorials[0];
    for (int i = 1; i < 12; i++)
        sum = sum * r + inverse_factorials[i];
    return (1 + (r + r * r * sum)) * ov__exp2i((int)k);
}

/* ln x within 1 ulp for normal x > 0: 2 artanh((m - 1) / (m + 1)) with m in sqrt(1/2)..sqrt(2). */
static inline double ov__log(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int k = (int)(bits >> 52) - 1023;
    double m = x * ov__exp2i(-k);
    if (m > 0x1.6a09e667f3bcdp+0) {
        m *= .5;
        k++;
    }
    double s = (m - 1) / (m + 1);
    double square = s * s;
    double sum = 0;
    for (int i = 23; i >= 3; i -= 2)
        sum = sum * square + 2. / i;
    double tail = s * square * sum;
    return k * OV__LN2_HIGH + (2 * s + (tail + k * OV__LN2_LOW));
}

/* ln(1 + x) for x in 0..1: the rounding of the sum is put back. */
static inline double ov__log1p(double x)
{
    double sum = 1 + x;
    return ov__log(sum) + (x - (sum - 1)) / sum;
}

/* x^y for x in 0..1 and y >= 0. */
static inline double ov__pow(double x, double y)
{
    if (y == 0 || x == 1)
        return 1;
    if (y == 1)
        return x;
    if (y == 2)
        return x * x;
    return x < 0x1p-1000 ? 0 : ov__exp(y * ov__log(x));
}

#endif
