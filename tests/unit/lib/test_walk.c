/* test_walk.c - masks of any strides, compared index by index, whole and in parts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/lib/naive.h"

enum { N_LABELS = 5 };

/* A mask in memory of its own, exactly as large as its strides need. */
struct stored {
    struct ov_mask mask;
    unsigned char *memory;
};

static int64_t position_of(const struct ov_mask *mask, size_t index)
{
    int64_t position = 0;
    for (int axis = mask->ndim - 1; axis >= 0; axis--) {
        position += (int64_t)(index % mask->shape[axis]) * mask->strides_bytes[axis];
        index /= mask->shape[axis];
    }
    return position;
}

/* Strides for axes nested in a random order, with random gaps and directions. */
static void choose_strides(struct ov_mask *mask, bool with_gaps, uint64_t *random)
{
    bool is_placed[OV_MAX_NDIM] = {false};
    int64_t stride = (int64_t)ov_dtype_bytes(mask->encoding.dtype);
    for (int i = 0; i < mask->ndim; i++) {
        int axis;
        do
            axis = (int)naive_below(random, (uint64_t)mask->ndim);
        while (is_placed[axis]);
        is_placed[axis] = true;
        if (with_gaps && naive_below(random, 3) == 0)
            stride += (int64_t)naive_below(random, 12);
        mask->strides_bytes[axis] = with_gaps && naive_below(random, 3) == 0 ? -stride : stride;
        stride *= (int64_t)mask->shape[axis];
    }
}

/* Copy labels, which are in C order, to a mask that has its strides. */
static struct stored store(struct ov_mask mask, const int64_t *labels, size_t n)
{
    int64_t lowest = 0;
    int64_t highest = 0;
    size_t width = ov_dtype_bytes(mask.encoding.dtype);
    for (int axis = 0; axis < mask.ndim; axis++) {
        int64_t reach = (int64_t)(mask.shape[axis] - 1) * mask.strides_bytes[axis];
        lowest += reach < 0 ? reach : 0;
        highest += reach > 0 ? reach : 0;
    }
    struct stored stored = {.mask = mask};
    stored.memory = calloc(1, (size_t)(highest - lowest) + width);
    assert_non_null(stored.memory);
    unsigned char *origin = stored.memory - lowest;
    for (size_t i = 0; i < n; i++)
        naive_store(origin + position_of(&mask, i), mask.encoding.dtype, mask.encoding.swapped,
                    (double)labels[i]);
    stored.mask.data = origin;
    return stored;
}

static void check_parts(const struct ov_mask *p, const struct ov_mask *r, size_t n_parts,
                        const struct ov_counts *expected)
{
    struct ov_counter *counter = naive_counter(NULL);
    for (size_t part = 0; part < n_parts; part++)
        OK(ov_counter_add_masks(counter, p, r, part, n_parts));
    for (int64_t label = 0; label < N_LABELS; label++)
        naive_assert_equal(ov_counter_label(counter, label), expected[label]);
    ov_counter_free(counter);
}

/* Both masks by strides of their own, in several splits, against the plain count. */
static void check(struct ov_mask p, struct ov_mask r, uint64_t mean_run, uint64_t *random)
{
    static const size_t splits[] = {1, 2, 3, 17};
    uint64_t n;
    struct ov_counts expected[N_LABELS];
    OK(ov_shape_size(p.ndim, p.shape, OV_U8, &n, NULL));
    int64_t *labels[2];
    for (int i = 0; i < 2; i++) {
        labels[i] = calloc((size_t)n, sizeof *labels[i]);
        assert_non_null(labels[i]);
        naive_fill(labels[i], (size_t)n, N_LABELS, mean_run, random);
    }
    for (int64_t label = 0; label < N_LABELS; label++)
        expected[label] = naive_count(labels[0], labels[1], (size_t)n, &label, 1, NULL, 0);
    struct stored a = store(p, labels[0], (size_t)n);
    struct stored b = store(r, labels[1], (size_t)n);
    for (size_t i = 0; i < N_OF(splits); i++)
        check_parts(&a.mask, &b.mask, splits[i], expected);
    for (int i = 0; i < 2; i++)
        free(labels[i]);
    free(a.memory);
    free(b.memory);
}

static struct ov_mask random_mask(int ndim, const uint64_t *shape, bool with_gaps, uint64_t *random)
{
    struct ov_mask mask = {.ndim = ndim};
    mask.encoding.dtype = (enum ov_dtype)naive_below(random, OV_N_DTYPES);
    mask.encoding.swapped = naive_below(random, 2) == 1;
    memcpy(mask.shape, shape, (size_t)ndim * sizeof *shape);
    choose_strides(&mask, with_gaps, random);
    return mask;
}

static void any_strides_of_any_number_of_axes_count_alike(void **state)
{
    uint64_t random = 21;
    (void)state;
    for (int i = 0; i < 400; i++) {
        uint64_t shape[OV_MAX_NDIM];
        int ndim = 1 + i % OV_MAX_NDIM;
        uint64_t longest = ndim == 1 ? 3000 : ndim == 2 ? 60 : ndim == 3 ? 14 : 5;
        for (int axis = 0; axis < ndim; axis++)
            shape[axis] = 1 + naive_below(&random, longest);
        check(random_mask(ndim, shape, i % 3 > 0, &random),
              random_mask(ndim, shape, i % 2 > 0, &random), 1 + naive_below(&random, 30), &random);
    }
}

static struct ov_mask dense(enum ov_dtype dtype, int ndim, const uint64_t *shape,
                            enum ov_order order)
{
    static const unsigned char data[1];
    struct ov_mask mask;
    OK(ov_mask_view(data, dtype, ndim, shape, order, &mask));
    return mask;
}

static void both_orders_meet_in_every_combination(void **state)
{
    static const uint64_t shapes[][3] = {{130, 70, 9}, {65, 64, 63}, {3, 200, 129}, {4097, 2, 3},
                                         {1, 1, 1},    {2, 1, 5000}, {300, 300, 1}};
    uint64_t random = 22;
    (void)state;
    for (size_t i = 0; i < N_OF(shapes); i++) {
        for (int orders = 0; orders < 4; orders++)
            check(dense(OV_U8, 3, shapes[i], orders & 1 ? OV_ORDER_F : OV_ORDER_C),
                  dense(OV_I32, 3, shapes[i], orders & 2 ? OV_ORDER_F : OV_ORDER_C), 20, &random);
    }
}

static void long_rows_apart_are_counted_in_place(void **state)
{
    const uint64_t shape[] = {7, 2500};
    struct ov_mask p = dense(OV_U8, 2, shape, OV_ORDER_C);
    struct ov_mask r = dense(OV_U16, 2, shape, OV_ORDER_C);
    uint64_t random = 23;
    (void)state;
    p.strides_bytes[0] = 2501;
    r.strides_bytes[0] = 6001;
    check(p, r, 50, &random);
    r.strides_bytes[0] = -6001;
    check(p, r, 50, &random);
}

static void masks_run_backwards_together_and_apart(void **state)
{
    const uint64_t shape[] = {9000};
    uint64_t random = 24;
    (void)state;
    for (int mix = 0; mix < 4; mix++) {
        struct ov_mask p = dense(OV_U8, 1, shape, OV_ORDER_C);
        struct ov_mask r = dense(OV_F64, 1, shape, OV_ORDER_C);
        p.strides_bytes[0] = mix & 1 ? -1 : 1;
        r.strides_bytes[0] = mix & 2 ? -8 : 8;
        check(p, r, 9, &random);
    }
}

static void one_voxel_stands_for_an_axis_of_stride_zero(void **state)
{
    const uint8_t one[] = {3};
    uint8_t many[6][7];
    const uint64_t shape[] = {6, 7};
    const int64_t label = 3;
    struct ov_mask p = {.data = one, .ndim = 2, .shape = {6, 7}};
    struct ov_mask r;
    struct ov_counts counts;
    (void)state;
    memset(many, 3, sizeof many);
    many[2][5] = 0;
    OK(ov_mask_view(many, OV_U8, 2, shape, OV_ORDER_C, &r));
    OK(ov_count(&p, &r, &label, 1, &counts));
    naive_assert_equal(counts, (struct ov_counts){42, 42, 41, 41});
    OK(ov_count(&r, &p, &label, 1, &counts));
    naive_assert_equal(counts, (struct ov_counts){42, 41, 42, 41});
    OK(ov_count(&p, &p, &label, 1, &counts));
    naive_assert_equal(counts, (struct ov_counts){42, 42, 42, 42});
    r.strides_bytes[0] = 0;
    r.strides_bytes[1] = -1;
    r.data = &many[2][6];
    OK(ov_count(&p, &r, &label, 1, &counts));
    naive_assert_equal(counts, (struct ov_counts){42, 42, 36, 36});
}

static void more_parts_than_voxels_are_each_counted_once(void **state)
{
    const uint8_t data[] = {1, 1, 0};
    const uint64_t shape[] = {3};
    struct ov_mask mask;
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    OK(ov_mask_view(data, OV_U8, 1, shape, OV_ORDER_C, &mask));
    for (size_t part = 0; part < 11; part++)
        OK(ov_counter_add_masks(counter, &mask, &mask, part, 11));
    OK(ov_counter_add_masks(counter, &mask, &mask, SIZE_MAX - 1, SIZE_MAX));
    naive_assert_equal(ov_counter_label(counter, 1), (struct ov_counts){3, 2, 2, 2});
    ov_counter_free(counter);
}

static void masks_that_do_not_fit_are_refused(void **state)
{
    const uint64_t shape[] = {2, 3};
    struct ov_mask good = dense(OV_U8, 2, shape, OV_ORDER_C);
    struct ov_mask other = good;
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    FAILS(ov_counter_add_masks(counter, &good, &good, 0, 0), OV_EINVAL);
    FAILS(ov_counter_add_masks(counter, &good, &good, 2, 2), OV_EINVAL);
    other.shape[1] = 2;
    FAILS(ov_counter_add_masks(counter, &good, &other, 0, 1), OV_ESHAPE);
    other.shape[1] = 0;
    FAILS(ov_counter_add_masks(counter, &other, &good, 0, 1), OV_ESIZE);
    other = good;
    other.ndim = 1;
    FAILS(ov_counter_add_masks(counter, &good, &other, 0, 1), OV_ESHAPE);
    other.ndim = 8;
    FAILS(ov_counter_add_masks(counter, &good, &other, 0, 1), OV_ESIZE);
    other = good;
    other.encoding.dtype = (enum ov_dtype)77;
    FAILS(ov_counter_add_masks(counter, &other, &good, 0, 1), OV_EDTYPE);
    assert_int_equal(ov_counter_voxels(counter), 0);
    ov_counter_free(counter);
}

static void voxels_of_masks_are_limited_too(void **state)
{
    const uint8_t one[] = {1};
    struct ov_run run = {1, INT64_MAX};
    struct ov_piece most = naive_runs(&run, 1, INT64_MAX);
    struct ov_mask mask = {.data = one, .ndim = 1, .shape = {1}, .strides_bytes = {1}};
    struct ov_counter *counter = naive_counter(NULL);
    (void)state;
    OK(ov_counter_add(counter, &most, &most));
    FAILS(ov_counter_add_masks(counter, &mask, &mask, 0, 1), OV_ESIZE);
    ov_counter_free(counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_strides_of_any_number_of_axes_count_alike),
        cmocka_unit_test(both_orders_meet_in_every_combination),
        cmocka_unit_test(long_rows_apart_are_counted_in_place),
        cmocka_unit_test(masks_run_backwards_together_and_apart),
        cmocka_unit_test(one_voxel_stands_for_an_axis_of_stride_zero),
        cmocka_unit_test(more_parts_than_voxels_are_each_counted_once),
        cmocka_unit_test(masks_that_do_not_fit_are_refused),
        cmocka_unit_test(voxels_of_masks_are_limited_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
