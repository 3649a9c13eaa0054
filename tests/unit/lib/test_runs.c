/* test_runs.c - a tile's runs are what reading it voxel by voxel gives. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

enum { N_MAX = 10000 };

static int64_t labels[N_MAX];
static unsigned char tile[N_MAX * 8 + 1];
static struct ov_run runs[N_MAX];

static const enum ov_dtype dtypes[] = {OV_U8,  OV_I8,  OV_U16, OV_I16, OV_U32,
                                       OV_I32, OV_U64, OV_I64, OV_F32, OV_F64};

/* Elements of at most a few hundred, so that every type holds them. */
static void put(enum ov_dtype dtype, size_t i, int64_t label, unsigned char *at)
{
    size_t width = ov_dtype_bytes(dtype);
    float f32 = (float)label;
    double f64 = (double)label;

    if (dtype == OV_F32)
        memcpy(at + i * width, &f32, width);
    else if (dtype == OV_F64)
        memcpy(at + i * width, &f64, width);
    else
        memcpy(at + i * width, &label, width); /* the low bytes come first */
}

static void expect_runs(enum ov_dtype dtype, size_t n, size_t offset)
{
    struct ov_piece piece = {.n_voxels = n, .tile = tile + offset, .encoding = {.dtype = dtype}};
    size_t n_runs = 0, at = 0;

    for (size_t i = 0; i < n; i++)
        put(dtype, i, labels[i], tile + offset);
    OK(ov_runs_of_tile(&piece, runs, N_MAX, &n_runs));
    for (size_t i = 0; i < n_runs; i++) {
        assert_true(runs[i].length > 0 && runs[i].length <= n - at);
        if (i > 0)
            assert_int_not_equal(runs[i].label, runs[i - 1].label);
        for (uint64_t k = 0; k < runs[i].length; k++)
            assert_int_equal(runs[i].label, labels[at++]);
    }
    assert_int_equal(at, n);
    if (n_runs > 0)
        FAILS(ov_runs_of_tile(&piece, runs, n_runs - 1, &n_runs), OV_ESIZE);
}

static void runs_are_as_long_as_they_can_be(void **state)
{
    static const size_t sizes[] = {0,   1,   2,    63,   64,   65,   255,
                                   256, 257, 4095, 4096, 4097, 8192, N_MAX};
    static const uint64_t lengths[] = {1, 3, 40, 5000};
    uint64_t seed = 11;

    (void)state;
    for (size_t i = 0; i < N_OF(sizes) * N_OF(lengths); i++) {
        naive_fill(labels, sizes[i % N_OF(sizes)], 100, lengths[i / N_OF(sizes)], &seed);
        for (size_t k = 0; k < N_OF(dtypes); k++)
            expect_runs(dtypes[k], sizes[i % N_OF(sizes)], k & 1);
    }
}

static void labels_are_what_the_encoding_makes_of_elements(void **state)
{
    static const uint16_t swapped[] = {0x0100, 0x0100, 0x0002};
    struct ov_piece piece = {
        .n_voxels = 3, .tile = swapped, .encoding = {.dtype = OV_U16, .swapped = true}};
    size_t n;

    (void)state;
    OK(ov_runs_of_tile(&piece, runs, N_MAX, &n));
    assert_int_equal(n, 2);
    assert_int_equal(runs[0].label, 1);
    assert_int_equal(runs[0].length, 2);
    assert_int_equal(runs[1].label, 512);
    piece.encoding = (struct ov_encoding){.dtype = OV_U16, .slope = 2, .intercept = 3};
    OK(ov_runs_of_tile(&piece, runs, N_MAX, &n));
    assert_int_equal(runs[0].label, 515);
    assert_int_equal(runs[1].label, 7);
    piece.encoding = (struct ov_encoding){.dtype = OV_I8};
    piece.tile = "\xff\xfe\xfe";
    OK(ov_runs_of_tile(&piece, runs, N_MAX, &n));
    assert_int_equal(runs[0].label, -1);
    assert_int_equal(runs[1].label, -2);
}

static enum ov_status status_of(enum ov_dtype dtype, const void *elements)
{
    struct ov_piece piece = {.n_voxels = 2, .tile = elements, .encoding = {.dtype = dtype}};
    size_t n = 77;
    enum ov_status status = ov_runs_of_tile(&piece, runs, N_MAX, &n);

    assert_true(status == OV_OK || n == 77);
    return status;
}

static void what_is_no_label_is_refused(void **state)
{
    static const float half[] = {1, 0.5f};
    static const double not_a_number[] = {1, NAN};
    static const int64_t large[] = {4294967295, 4294967296};
    static const uint64_t huge[] = {0, UINT64_MAX};

    (void)state;
    FAILS(status_of(OV_F32, half), OV_EFRACTION);
    FAILS(status_of(OV_F64, not_a_number), OV_ENAN);
    FAILS(status_of(OV_I64, large), OV_ELABEL);
    FAILS(status_of(OV_U64, huge), OV_ELABEL);
    FAILS(status_of(OV_N_DTYPES, huge), OV_EDTYPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_as_long_as_they_can_be),
        cmocka_unit_test(labels_are_what_the_encoding_makes_of_elements),
        cmocka_unit_test(what_is_no_label_is_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
