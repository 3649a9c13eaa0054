/* test_allocation_lib.c - every allocation of the library fails once, and nothing is lost. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/overlap_loss.h"
#include "lib/overlap_overlay.h"
#include "tests/fault/allocation.h"
#include "tests/unit/lib/naive.h"

enum { SIDE = 40, N = SIDE * SIDE };

static uint16_t prediction[N];
static int32_t reference[N];
static struct ov_mask masks[2];
static const int64_t ignore[] = {7};
static const struct ov_counter_options options = {.ignore = ignore, .n_ignore = 1, .pairs = true};

static int make_masks(void **state)
{
    const uint64_t shape[] = {SIDE, SIDE};
    (void)state;
    for (int i = 0; i < N; i++) {
        prediction[i] = (uint16_t)(i % 200);
        reference[i] = i / 8;
    }
    OK(ov_mask_view(prediction, OV_U16, 2, shape, OV_ORDER_C, &masks[0]));
    OK(ov_mask_view(reference, OV_I32, 2, shape, OV_ORDER_F, &masks[1]));
    return 0;
}

typedef enum ov_status scenario(void);

/* Fail allocation 1, 2, ... until the scenario needs no more of them. */
static void assert_survives(scenario *run, size_t n_at_least)
{
    enum ov_status status = OV_ENOMEM;
    size_t k = 0;
    while (status != OV_OK) {
        allocations_left = (long)k++;
        status = run();
        bool is_used_up = allocations_left < 0;
        allocations_left = -1;
        assert_int_equal(status, is_used_up ? OV_ENOMEM : OV_OK);
    }
    assert_true(k > n_at_least);
}

static enum ov_status make(void)
{
    struct ov_counter *counter = NULL;
    enum ov_status status = ov_counter_new(&options, &counter);
    if ((counter != NULL) != (status == OV_OK))
        return OV_EINVAL;
    ov_counter_free(counter);
    return status;
}

static enum ov_status count(void)
{
    const int64_t labels[] = {3, 1};
    const struct ov_counts before = {9, 9, 9, 9};
    struct ov_counts counts[2] = {before, before};
    enum ov_status status = ov_count(&masks[0], &masks[1], labels, 2, counts);
    if (status != OV_OK && memcmp(&counts[1], &before, sizeof before) != 0)
        return OV_EINVAL;
    return status;
}

static enum ov_status count_in_pairs(void)
{
    struct ov_counter *counter = NULL;
    enum ov_status status = ov_counter_new(&options, &counter);
    if (status == OV_OK)
        status = ov_counter_add_masks(counter, &masks[0], &masks[1], 0, 1);
    ov_counter_free(counter);
    return status;
}

static struct ov_overlay_classes each(const void *user, int64_t p, int64_t r)
{
    (void)user;
    return (struct ov_overlay_classes){1, 1, p == r};
}

static enum ov_status draw(void)
{
    const struct ov_overlay_options of = {.n_fast = SIDE,
                                          .n_slow = SIDE,
                                          .n_slices = 1,
                                          .max_pixels = N,
                                          .labels = options,
                                          .classes = each};
    const int axes[] = {0, 1};
    struct ov_overlay *overlay = NULL;
    enum ov_status status = ov_overlay_new(&of, &overlay);
    if ((overlay != NULL) != (status == OV_OK))
        return OV_EINVAL;
    if (status == OV_OK)
        status = ov_overlay_add_masks(overlay, &masks[0], &masks[1], axes);
    ov_overlay_free(overlay);
    return status;
}

static struct ov_counter *full;

static enum ov_status merge(void)
{
    struct ov_counter *counter = NULL;
    enum ov_status status = ov_counter_new(&options, &counter);
    if (status == OV_OK)
        status = ov_counter_merge(counter, full);
    ov_counter_free(counter);
    return status;
}

static enum ov_status ask_union(void)
{
    const int64_t labels[] = {1, 2};
    const struct ov_counts before = {9, 9, 9, 9};
    struct ov_counts counts = before;
    enum ov_status status = ov_counter_union(full, labels, 2, &counts);
    if (status != OV_OK && memcmp(&counts, &before, sizeof before) != 0)
        return OV_EINVAL;
    return status;
}

static enum ov_status ask_confusion(void)
{
    const int64_t labels[] = {1, 2};
    uint64_t matrix[4] = {9, 9, 9, 9};
    enum ov_status status = ov_counter_confusion(full, labels, 2, matrix);
    for (int i = 0; status != OV_OK && i < 4; i++) {
        if (matrix[i] != 9)
            return OV_EINVAL;
    }
    return status;
}

static enum ov_status lose(enum ov_loss loss)
{
    static float probabilities[2 * 40], gradient[2 * 40];
    static uint8_t classes[40];
    static const double weights[] = {1, 2};
    const uint64_t shape[] = {1, 2, 40}, label_shape[] = {1, 40};
    struct ov_tensor p, t, by;
    struct ov_loss_options options_of_loss = ov_loss_options_default();
    double value = 9;
    options_of_loss.loss = loss;
    options_of_loss.class_weights = weights;
    options_of_loss.n_class_weights = 2;
    gradient[79] = 9;
    OK(ov_tensor_view(probabilities, OV_TENSOR_F32, 3, shape, &p));
    OK(ov_tensor_view(classes, OV_TENSOR_U8, 2, label_shape, &t));
    OK(ov_tensor_view(gradient, OV_TENSOR_F32, 3, shape, &by));
    enum ov_status status = ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL},
                                                     &options_of_loss, NULL, &by, &value, NULL);
    if (status != OV_OK && (value != 9 || gradient[79] != 9))
        return OV_EINVAL;
    return status;
}

static enum ov_status lose_dice(void)
{
    return lose(OV_LOSS_DICE);
}

static enum ov_status lose_lovasz(void)
{
    return lose(OV_LOSS_LOVASZ);
}

static void losses_survive_and_leave_value_and_gradient_alone(void **state)
{
    (void)state;
    assert_survives(lose_dice, 10);
    assert_survives(lose_lovasz, 13);
}

static void making_a_counter_survives(void **state)
{
    (void)state;
    assert_survives(make, 4);
}

static void counting_survives_and_leaves_the_result_alone(void **state)
{
    (void)state;
    assert_survives(count, 6);
    assert_survives(count_in_pairs, 8);
}

static void drawing_survives(void **state)
{
    (void)state;
    assert_survives(draw, 8);
}

static void merging_survives(void **state)
{
    (void)state;
    full = naive_counter(&options);
    OK(ov_counter_add_masks(full, &masks[0], &masks[1], 0, 1));
    assert_survives(merge, 8);
    ov_counter_free(full);
}

static void questions_survive_and_leave_the_result_alone(void **state)
{
    (void)state;
    full = naive_counter(&options);
    OK(ov_counter_add_masks(full, &masks[0], &masks[1], 0, 1));
    assert_survives(ask_union, 0);
    assert_survives(ask_confusion, 1);
    ov_counter_free(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_a_counter_survives),
        cmocka_unit_test(counting_survives_and_leaves_the_result_alone),
        cmocka_unit_test(drawing_survives),
        cmocka_unit_test(merging_survives),
        cmocka_unit_test(questions_survive_and_leave_the_result_alone),
        cmocka_unit_test(losses_survive_and_leave_value_and_gradient_alone),
    };
    return cmocka_run_group_tests(tests, make_masks, NULL);
}
