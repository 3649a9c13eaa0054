/* test_loss_unaligned.c - tensors at any address give the same bits as aligned ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "lib/overlap_loss.h"
#include "tests/unit/lib/naive.h"

enum { N_CLASSES = 3, N_VOXELS = 77, N = N_CLASSES * N_VOXELS };

/* The loss of tensors that lie `offset` bytes behind an aligned address, and its gradient. */
static double loss_at(enum ov_tensor_dtype dtype, enum ov_activation activation, size_t offset,
                      unsigned char *ret_gradient)
{
    static _Alignas(64) unsigned char p[N * 8 + 64], g[N_VOXELS * 8 + 64], out[N * 8 + 64];
    const uint64_t shape[] = {1, N_CLASSES, N_VOXELS}, labels_shape[] = {1, N_VOXELS};
    struct ov_loss_options options = ov_loss_options_default();
    struct ov_tensor prediction, target, gradient;
    size_t width = ov_tensor_dtype_bytes(dtype);
    double value = 0;
    uint64_t seed = 9;
    for (size_t i = 0; i < N; i++) {
        double number = (double)naive_below(&seed, 1000) / 1000;
        enum ov_dtype same = OV_U8;
        OK(ov_dtype_find(ov_tensor_dtype_name(dtype), &same));
        naive_store(p + offset + i * width, same, false, same == OV_F16 ? 0.25 : number);
    }
    for (int32_t i = 0; i < N_VOXELS; i++) {
        int32_t label = (int32_t)naive_below(&seed, N_CLASSES);
        memcpy(g + offset + (size_t)i * sizeof label, &label, sizeof label);
    }
    options.activation = activation;
    OK(ov_tensor_view(p + offset, dtype, 3, shape, &prediction));
    OK(ov_tensor_view(g + offset, OV_TENSOR_I32, 2, labels_shape, &target));
    OK(ov_tensor_view(out + offset, dtype, 3, shape, &gradient));
    OK(ov_loss_forward_backward(&(struct ov_loss_inputs){&prediction, &target, NULL}, &options,
                                NULL, &gradient, &value, NULL));
    memcpy(ret_gradient, out + offset, N * width);
    return value;
}

static void every_address_gives_the_same_bits(void **state)
{
    static const enum ov_tensor_dtype dtypes[] = {OV_TENSOR_F32, OV_TENSOR_F64, OV_TENSOR_F16,
                                                  OV_TENSOR_BF16};
    static unsigned char aligned[N * 8], other[N * 8];
    (void)state;
    for (size_t d = 0; d < N_OF(dtypes); d++) {
        size_t n_bytes = N * ov_tensor_dtype_bytes(dtypes[d]);
        for (int a = 0; a < OV_N_ACTIVATIONS; a++) {
            double value = loss_at(dtypes[d], (enum ov_activation)a, 0, aligned);
            for (size_t offset = 1; offset < 64; offset++) {
                assert_true(loss_at(dtypes[d], (enum ov_activation)a, offset, other) == value);
                assert_memory_equal(aligned, other, n_bytes);
            }
        }
    }
}

/* Labels as bytes: the kernels read the prediction where it lies. */
static void a_bad_number_is_found_at_every_address(void **state)
{
    static _Alignas(64) unsigned char p[N * sizeof(float) + 64];
    static const unsigned char labels[N_VOXELS];
    static const uint64_t shape[] = {1, N_CLASSES, N_VOXELS}, labels_shape[] = {1, N_VOXELS};
    const float nan = NAN;
    (void)state;
    for (size_t offset = 0; offset < 8; offset++) {
        struct ov_tensor prediction, target;
        struct ov_loss_inputs inputs = {&prediction, &target, NULL};
        union {
            const unsigned char *from;
            unsigned char *to;
        } read_only = {labels};
        memset(p, 0, sizeof p);
        memcpy(p + offset + 100 * sizeof nan, &nan, sizeof nan);
        OK(ov_tensor_view(p + offset, OV_TENSOR_F32, 3, shape, &prediction));
        OK(ov_tensor_view(read_only.to, OV_TENSOR_U8, 2, labels_shape, &target));
        for (int a = 0; a < OV_N_ACTIVATIONS; a++) {
            struct ov_loss_options options = ov_loss_options_default();
            struct ov_offence offence = {.index = 0};
            double value;
            options.activation = (enum ov_activation)a;
            FAILS(ov_loss_forward_backward(&inputs, &options, NULL, NULL, &value, &offence),
                  OV_ENAN);
            assert_int_equal(offence.index, 100);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_address_gives_the_same_bits),
        cmocka_unit_test(a_bad_number_is_found_at_every_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
