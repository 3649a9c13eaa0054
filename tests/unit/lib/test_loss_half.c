/* test_loss_half.c - float16 and bfloat16: every value, every rounding, and sums beyond their
 * range. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "lib/half.h"
#include "lib/overlap_loss.h"
#include "tests/unit/lib/naive.h"

/* From the definition: sign, 5 bits of exponent, 10 of fraction. */
static double half_value(unsigned bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023);
    double size = exponent == 0    ? ldexp(fraction, -24)
                  : exponent == 31 ? (fraction != 0 ? NAN : INFINITY)
                                   : ldexp(1024 + fraction, exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
}

static void every_half_is_its_number_and_comes_back(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits <= UINT16_MAX; bits++) {
        double expected = half_value(bits);
        double value = ov__float_of_half((uint16_t)bits);
        if (isnan(expected)) {
            assert_true(isnan(value));
            continue;
        }
        assert_memory_equal(&value, &expected, sizeof value);
        assert_int_equal(ov__half_of(value), bits);
    }
}

static void halves_are_rounded_to_the_nearest_even(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 0x7bff; bits++) {
        double low = half_value(bits), high = half_value(bits + 1), middle = (low + high) / 2;
        assert_int_equal(ov__half_of(middle), bits % 2 == 0 ? bits : bits + 1);
        assert_int_equal(ov__half_of(nextafter(middle, 0)), bits);
        assert_int_equal(ov__half_of(nextafter(middle, 1e9)), bits + 1);
        assert_int_equal(ov__half_of(-nextafter(middle, 0)), bits | 0x8000);
    }
    assert_int_equal(ov__half_of(65519.9), 0x7bff);
    assert_int_equal(ov__half_of(65520), 0x7c00);
    assert_int_equal(ov__half_of(-1e300), 0xfc00);
    assert_int_equal(ov__half_of(INFINITY), 0x7c00);
    assert_int_equal(ov__half_of(1e-300), 0);
}

static void bfloat16_is_the_upper_half_of_a_float(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 0x7f7f; bits += 3) {
        double low = ov__float_of_bits(bits << 16);
        double high = ov__float_of_bits((bits + 1) << 16);
        double middle = (low + high) / 2;
        assert_true(ov__float_of_bfloat16((uint16_t)bits) == low);
        assert_int_equal(ov__bfloat16_of(low), bits);
        assert_int_equal(ov__bfloat16_of(middle), bits % 2 == 0 ? bits : bits + 1);
        assert_int_equal(ov__bfloat16_of(-nextafter(middle, 0)), bits | 0x8000);
    }
    assert_int_equal(ov__bfloat16_of(INFINITY), 0x7f80);
    assert_true(isnan(ov__float_of_bfloat16(ov__bfloat16_of(NAN))));
}

/* ---- a foreground whose size is no float16 ---- */

enum { SIDE = 96, V = SIDE * SIDE * SIDE };

struct volume {
    double exact[2 * V];
    uint16_t half[2 * V];
    uint16_t gradient[2 * V];
    uint8_t labels[V];
};

static void fill(struct volume *volume, uint64_t *random)
{
    for (size_t i = 0; i < V; i++) {
        double p = (double)(naive_random(random) >> 11) * 0x1p-53;
        volume->labels[i] = naive_below(random, 20) != 0;
        volume->exact[i] = 1 - p;
        volume->exact[V + i] = p;
    }
}

static void large_sums_of_halves_are_those_of_doubles(void **state)
{
    static struct volume volume;
    static const enum ov_tensor_dtype dtypes[] = {OV_TENSOR_F16, OV_TENSOR_BF16};
    const uint64_t shape[] = {1, 2, SIDE, SIDE, SIDE};
    const uint64_t label_shape[] = {1, SIDE, SIDE, SIDE};
    struct ov_tensor exact, half, by, target;
    uint64_t random = 8;
    (void)state;
    fill(&volume, &random);
    OK(ov_tensor_view(volume.exact, OV_TENSOR_F64, 5, shape, &exact));
    OK(ov_tensor_view(volume.labels, OV_TENSOR_U8, 4, label_shape, &target));
    for (size_t k = 0; k < N_OF(dtypes); k++) {
        OK(ov_tensor_view(volume.half, dtypes[k], 5, shape, &half));
        OK(ov_tensor_view(volume.gradient, dtypes[k], 5, shape, &by));
        for (size_t i = 0; i < (size_t)2 * V; i++)
            volume.half[i] =
                k == 0 ? ov__half_of(volume.exact[i]) : ov__bfloat16_of(volume.exact[i]);
        for (int loss = 0; loss <= OV_LOSS_LOG_DICE; loss++) {
            struct ov_loss_options options = ov_loss_options_default();
            double expected, value;
            options.loss = (enum ov_loss)loss;
            OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&exact, &target, NULL}, &options,
                                        NULL, NULL, &expected, NULL));
            OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&half, &target, NULL}, &options,
                                        &(double){V}, &by, &value, NULL));
            assert_true(fabs(value - expected) <= 1e-5);
        }
    }
}

static void gradients_are_the_doubles_rounded_once(void **state)
{
    enum { N = 1000 };
    static double exact[2 * N], gradient[2 * N];
    static uint16_t half[2 * N], by_half[2 * N];
    uint8_t labels[N];
    const uint64_t shape[] = {1, 2, N}, label_shape[] = {1, N};
    struct ov_tensor p, p_half, by, by_of_half, target;
    struct ov_loss_options options = ov_loss_options_default();
    uint64_t random = 9;
    double value, upstream = N;
    (void)state;
    options.loss = OV_LOSS_SQUARED_DICE;
    for (size_t i = 0; i < (size_t)2 * N; i++) {
        half[i] = ov__half_of((double)(naive_random(&random) >> 11) * 0x1p-53);
        exact[i] = ov__float_of_half(half[i]);
        labels[i / 2] = (uint8_t)naive_below(&random, 2);
    }
    OK(ov_tensor_view(exact, OV_TENSOR_F64, 3, shape, &p));
    OK(ov_tensor_view(gradient, OV_TENSOR_F64, 3, shape, &by));
    OK(ov_tensor_view(half, OV_TENSOR_F16, 3, shape, &p_half));
    OK(ov_tensor_view(by_half, OV_TENSOR_F16, 3, shape, &by_of_half));
    OK(ov_tensor_view(labels, OV_TENSOR_U8, 2, label_shape, &target));
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &target, NULL}, &options, &upstream,
                                &by, &value, NULL));
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&p_half, &target, NULL}, &options,
                                &upstream, &by_of_half, &value, NULL));
    for (size_t i = 0; i < (size_t)2 * N; i++)
        assert_int_equal(by_half[i], ov__half_of(gradient[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_its_number_and_comes_back),
        cmocka_unit_test(halves_are_rounded_to_the_nearest_even),
        cmocka_unit_test(bfloat16_is_the_upper_half_of_a_float),
        cmocka_unit_test(large_sums_of_halves_are_those_of_doubles),
        cmocka_unit_test(gradients_are_the_doubles_rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
