/* test_overlay.c - slices counted and the worst of them drawn, against drawings and counts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/overlap_overlay.h"
#include "tests/unit/lib/naive.h"

static struct ov_overlay_classes beside_zero(const void *user, int64_t prediction,
                                             int64_t reference)
{
    (void)user;
    return (struct ov_overlay_classes){prediction != 0, reference != 0,
                                       prediction == reference && prediction != 0};
}

static const struct ov_overlay_options plain = {
    .n_fast = 4, .n_slow = 2, .n_slices = 3, .max_pixels = 100, .classes = beside_zero};

static const uint8_t prediction[] = {0, 1, 1, 0, 0, 0, 0, 0, /* */
                                     2, 2, 2, 1, 0, 0, 1, 1, /* */
                                     0, 1, 0, 0, 0, 0, 0, 0};
static const uint8_t reference[] = {0, 1, 1, 0, 0, 0, 0, 7, /* */
                                    1, 2, 2, 0, 0, 7, 1, 1, /* */
                                    0, 0, 3, 0, 0, 0, 0, 0};

enum { N = sizeof prediction };

static struct ov_overlay *overlay_of(const struct ov_overlay_options *options)
{
    struct ov_overlay *overlay;
    OK(ov_overlay_new(options, &overlay));
    return overlay;
}

static struct ov_piece tile(const uint8_t *bytes, size_t n)
{
    return (struct ov_piece){.n_voxels = n, .tile = bytes, .encoding = {.dtype = OV_U8}};
}

static void add(struct ov_overlay *overlay, size_t from, size_t to)
{
    struct ov_piece p = tile(prediction + from, to - from);
    struct ov_piece r = tile(reference + from, to - from);
    OK(ov_overlay_add(overlay, &p, &r));
}

static void assert_is_drawn(const struct ov_overlay *overlay)
{
    static const struct ov_overlay_slice slices[] = {{2, 0, 1}, {4, 2, 2}, {0, 1, 1}};
    static const uint8_t picture[] = {
        OV_OVERLAY_WRONG, OV_OVERLAY_TP, OV_OVERLAY_TP, OV_OVERLAY_FP, 0,
        OV_OVERLAY_FN,    OV_OVERLAY_TP, OV_OVERLAY_TP};
    assert_memory_equal(ov_overlay_slices(overlay), slices, sizeof slices);
    assert_int_equal(ov_overlay_worst(overlay), 1);
    assert_memory_equal(ov_overlay_pixels(overlay), picture, sizeof picture);
}

static void pieces_may_end_anywhere(void **state)
{
    (void)state;
    for (size_t step = 1; step <= N; step++) {
        struct ov_overlay *overlay = overlay_of(&plain);
        for (size_t at = 0; at < N; at += step)
            add(overlay, at, at + step < N ? at + step : N);
        assert_is_drawn(overlay);
        ov_overlay_free(overlay);
    }
}

static void masks_of_any_strides_give_the_same(void **state)
{
    const uint64_t shape[] = {3, 2, 4};
    const int axes[] = {2, 1, 0};
    uint8_t turned[N];
    struct ov_mask p;
    struct ov_mask r;
    (void)state;
    for (size_t i = 0; i < N; i++) /* x-fastest becomes z-fastest */
        turned[i / 8 + 3 * (i / 4 % 2) + 6 * (i % 4)] = prediction[i];
    OK(ov_mask_view(turned, OV_U8, 3, shape, OV_ORDER_F, &p));
    OK(ov_mask_view(reference, OV_U8, 3, shape, OV_ORDER_C, &r));
    struct ov_overlay *overlay = overlay_of(&plain);
    OK(ov_overlay_add_masks(overlay, &p, &r, axes));
    assert_is_drawn(overlay);
    FAILS(ov_overlay_add_masks(overlay, &p, &r, axes), OV_ESIZE);
    ov_overlay_free(overlay);
}

static void a_turned_picture_has_columns_for_rows(void **state)
{
    static const uint8_t picture[] = {OV_OVERLAY_WRONG, 0,
                                      OV_OVERLAY_TP,    OV_OVERLAY_FN,
                                      OV_OVERLAY_TP,    OV_OVERLAY_TP,
                                      OV_OVERLAY_FP,    OV_OVERLAY_TP};
    struct ov_overlay_options options = plain;
    struct ov_overlay_size size;
    (void)state;
    options.transposed = true;
    OK(ov_overlay_measure(&options, &size));
    assert_int_equal(size.width, 2);
    assert_int_equal(size.height, 4);
    struct ov_overlay *overlay = overlay_of(&options);
    add(overlay, 0, N);
    assert_memory_equal(ov_overlay_pixels(overlay), picture, sizeof picture);
    ov_overlay_free(overlay);
}

static void the_gravest_voxel_of_a_square_is_drawn(void **state)
{
    const int64_t ignore[] = {7, -1, 7};
    struct ov_overlay_options options = plain;
    struct ov_overlay_size size;
    (void)state;
    options.max_pixels = 2;
    options.labels = (struct ov_counter_options){.ignore = ignore, .n_ignore = 3};
    OK(ov_overlay_measure(&options, &size));
    assert_int_equal(size.scale, 2);
    struct ov_overlay *overlay = overlay_of(&options);
    add(overlay, 0, N);
    assert_int_equal(ov_overlay_slices(overlay)[1].fn, 1);
    assert_int_equal(ov_overlay_pixels(overlay)[0], OV_OVERLAY_WRONG);
    assert_int_equal(ov_overlay_pixels(overlay)[1], OV_OVERLAY_FP);
    ov_overlay_free(overlay);
}

static void of_equal_slices_the_fuller_and_then_the_first_is_worst(void **state)
{
    const uint8_t p[] = {1, 0, 1, 1, 1, 1, 0, 0};
    struct ov_piece piece = tile(p, sizeof p);
    struct ov_overlay_options options = plain;
    (void)state;
    options.n_fast = 2;
    options.n_slow = 1;
    options.n_slices = 4;
    struct ov_overlay *overlay = overlay_of(&options);
    OK(ov_overlay_add(overlay, &piece, &piece));
    assert_int_equal(ov_overlay_worst(overlay), 1);
    ov_overlay_free(overlay);
}

static void the_scale_is_the_least_that_fits(void **state)
{
    (void)state;
    for (uint64_t side = 1; side < 60; side++) {
        for (uint64_t most = 1; most < 40; most++) {
            struct ov_overlay_options options = plain;
            struct ov_overlay_size size;
            uint64_t scale = 1;
            options.n_fast = side;
            options.n_slow = 2 * side / 3 + 1;
            options.max_pixels = most;
            while (((options.n_fast + scale - 1) / scale) * ((options.n_slow + scale - 1) / scale) >
                   most)
                scale++;
            OK(ov_overlay_measure(&options, &size));
            assert_int_equal(size.scale, scale);
        }
    }
}

static void what_is_unsound_is_refused(void **state)
{
    const uint64_t shape[] = {3, 2, 4};
    const int twice[] = {2, 2, 0};
    const int beyond[] = {0, 1, 3};
    struct ov_overlay_options options = plain;
    struct ov_overlay *overlay = NULL;
    struct ov_overlay_size size;
    struct ov_mask mask;
    struct ov_piece p = tile(prediction, N);
    struct ov_piece r = tile(reference, N - 1);
    (void)state;
    options.n_slices = 0;
    FAILS(ov_overlay_measure(&options, &size), OV_EINVAL);
    options.n_slices = UINT64_MAX;
    FAILS(ov_overlay_new(&options, &overlay), OV_ESIZE);
    options = plain;
    options.labels.has_threshold = true;
    options.labels.threshold = (double)NAN;
    FAILS(ov_overlay_new(&options, &overlay), OV_EINVAL);
    options.labels = (struct ov_counter_options){.n_ignore = 1};
    FAILS(ov_overlay_new(&options, &overlay), OV_EINVAL);
    assert_null(overlay);
    overlay = overlay_of(&plain);
    FAILS(ov_overlay_add(overlay, &p, &r), OV_ESHAPE);
    OK(ov_mask_view(reference, OV_U8, 3, shape, OV_ORDER_C, &mask));
    FAILS(ov_overlay_add_masks(overlay, &mask, &mask, twice), OV_EINVAL);
    FAILS(ov_overlay_add_masks(overlay, &mask, &mask, beyond), OV_EINVAL);
    add(overlay, 0, N);
    FAILS(ov_overlay_add(overlay, &p, &p), OV_ESIZE);
    ov_overlay_free(overlay);
    ov_overlay_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_may_end_anywhere),
        cmocka_unit_test(masks_of_any_strides_give_the_same),
        cmocka_unit_test(a_turned_picture_has_columns_for_rows),
        cmocka_unit_test(the_gravest_voxel_of_a_square_is_drawn),
        cmocka_unit_test(of_equal_slices_the_fuller_and_then_the_first_is_worst),
        cmocka_unit_test(the_scale_is_the_least_that_fits),
        cmocka_unit_test(what_is_unsound_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
