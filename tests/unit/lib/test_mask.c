/* test_mask.c - dtypes, sizes and views. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lib/naive.h"

#define NO_DTYPE ((enum ov_dtype)OV_N_DTYPES)

static void dtypes_have_the_names_and_sizes_of_numpy(void **state)
{
    /* numpy 1.24: [(np.dtype(t).name, np.dtype(t).itemsize) for t in 'BbHhIiQqfde'], and PyTorch's
     * name */
    static const char *const names[] = {"uint8",   "int8",    "uint16",  "int16",
                                        "uint32",  "int32",   "uint64",  "int64",
                                        "float32", "float64", "float16", "bfloat16"};
    static const size_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 2, 2};
    (void)state;
    for (int i = 0; i < OV_N_DTYPES; i++) {
        enum ov_dtype dtype = NO_DTYPE;
        assert_string_equal(ov_dtype_name((enum ov_dtype)i), names[i]);
        assert_int_equal(ov_dtype_bytes((enum ov_dtype)i), sizes[i]);
        OK(ov_dtype_find(names[i], &dtype));
        assert_int_equal(dtype, i);
    }
}

static void an_unknown_dtype_has_no_name_and_no_size(void **state)
{
    enum ov_dtype dtype = OV_I16;
    (void)state;
    assert_null(ov_dtype_name(NO_DTYPE));
    assert_null(ov_dtype_name((enum ov_dtype) - 1));
    assert_int_equal(ov_dtype_bytes(NO_DTYPE), 0);
    FAILS(ov_dtype_find("complex64", &dtype), OV_EDTYPE);
    FAILS(ov_dtype_find("", &dtype), OV_EDTYPE);
    FAILS(ov_dtype_find(NULL, &dtype), OV_EDTYPE);
    assert_int_equal(dtype, OV_I16);
}

static void a_size_is_the_product_of_the_axes(void **state)
{
    const uint64_t shape[] = {512, 512, 300};
    uint64_t n_voxels = 0;
    uint64_t bytes = 0;
    (void)state;
    OK(ov_shape_size(3, shape, OV_F64, &n_voxels, &bytes));
    assert_int_equal(n_voxels, 78643200);
    assert_int_equal(bytes, 629145600);
    OK(ov_shape_size(3, shape, OV_U8, NULL, NULL));
}

static void sizes_up_to_2_to_the_63_less_one_are_right_and_beyond_are_refused(void **state)
{
    static const struct {
        enum ov_status status;
        enum ov_dtype dtype;
        int ndim;
        uint64_t shape[8];
    } cases[] = {
        {OV_OK, OV_U8, 1, {INT64_MAX}},
        {OV_ESIZE, OV_U8, 1, {(uint64_t)INT64_MAX + 1}},
        {OV_ESIZE, OV_U8, 1, {UINT64_MAX}},
        {OV_OK, OV_U16, 1, {(uint64_t)1 << 61}},
        {OV_ESIZE, OV_U16, 1, {(uint64_t)1 << 62}},
        {OV_ESIZE, OV_U8, 2, {(uint64_t)1 << 32, (uint64_t)1 << 31}},
        {OV_ESIZE, OV_U8, 2, {(uint64_t)1 << 32, (uint64_t)1 << 32}},
        {OV_ESIZE, OV_F64, 3, {(uint64_t)1 << 62, 4, 1}},
        {OV_OK, OV_U8, 7, {512, 512, 512, 512, 512, 512, 256}},
        {OV_ESIZE, OV_U8, 7, {512, 512, 512, 512, 512, 512, 512}},
        {OV_ESIZE, OV_U8, 8, {1, 1, 1, 1, 1, 1, 1, 1}},
        {OV_ESIZE, OV_U8, 0, {1}},
        {OV_ESIZE, OV_U8, -1, {1}},
        {OV_ESIZE, OV_U8, 2, {5, 0}},
        {OV_ESIZE, OV_U8, 2, {0, UINT64_MAX}},
        {OV_EDTYPE, NO_DTYPE, 1, {1}},
    };
    (void)state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        uint64_t n_voxels = 77;
        uint64_t bytes = 78;
        assert_int_equal(
            ov_shape_size(cases[i].ndim, cases[i].shape, cases[i].dtype, &n_voxels, &bytes),
            cases[i].status);
        if (cases[i].status == OV_OK)
            assert_int_equal(bytes, n_voxels * ov_dtype_bytes(cases[i].dtype));
        else
            assert_true(n_voxels == 77 && bytes == 78);
    }
}

static void a_view_has_the_strides_of_its_order(void **state)
{
    const uint64_t shape[] = {3, 5, 7};
    const unsigned char data[1] = {0};
    struct ov_mask mask;
    (void)state;
    OK(ov_mask_view(data, OV_I32, 3, shape, OV_ORDER_C, &mask));
    assert_ptr_equal(mask.data, data);
    assert_int_equal(mask.encoding.dtype, OV_I32);
    assert_false(mask.encoding.swapped);
    assert_int_equal(mask.ndim, 3);
    assert_int_equal(mask.strides_bytes[0], 140);
    assert_int_equal(mask.strides_bytes[1], 28);
    assert_int_equal(mask.strides_bytes[2], 4);
    OK(ov_mask_view(data, OV_I32, 3, shape, OV_ORDER_F, &mask));
    assert_memory_equal(mask.shape, shape, sizeof shape);
    assert_int_equal(mask.strides_bytes[0], 4);
    assert_int_equal(mask.strides_bytes[1], 12);
    assert_int_equal(mask.strides_bytes[2], 60);
}

static void a_view_that_fails_leaves_the_mask_alone(void **state)
{
    const uint64_t shape[] = {3, 0};
    const unsigned char data[3] = {0};
    struct ov_mask mask, before;
    (void)state;
    memset(&mask, 0x5a, sizeof mask);
    memcpy(&before, &mask, sizeof mask);
    FAILS(ov_mask_view(data, OV_U8, 2, shape, OV_ORDER_C, &mask), OV_ESIZE);
    FAILS(ov_mask_view(data, NO_DTYPE, 1, shape, OV_ORDER_C, &mask), OV_EDTYPE);
    FAILS(ov_mask_view(NULL, OV_U8, 1, shape, OV_ORDER_C, &mask), OV_EINVAL);
    FAILS(ov_mask_view(data, OV_U8, 1, shape, (enum ov_order)2, &mask), OV_EINVAL);
    assert_memory_equal(&mask, &before, sizeof mask);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtypes_have_the_names_and_sizes_of_numpy),
        cmocka_unit_test(an_unknown_dtype_has_no_name_and_no_size),
        cmocka_unit_test(a_size_is_the_product_of_the_axes),
        cmocka_unit_test(sizes_up_to_2_to_the_63_less_one_are_right_and_beyond_are_refused),
        cmocka_unit_test(a_view_has_the_strides_of_its_order),
        cmocka_unit_test(a_view_that_fails_leaves_the_mask_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
