/* test_loss.c - every loss and option at random: values, gradients, threads, layouts, kernels. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include "tests/unit/lib/naive_loss.h"

enum { MAX_N = 3, MAX_C = 5, MAX_V = 60, MAX_ELEMENTS = MAX_N * MAX_C * MAX_V };

/* One problem, as the library takes it and as the naive loss does. */
struct fixture {
    struct naive_problem naive;
    struct ov_loss_inputs inputs;
    struct ov_tensor prediction, target, mask;
    uint64_t shape[4];
    double z[MAX_ELEMENTS];
    double amounts[MAX_ELEMENTS];
    int16_t labels[MAX_N * MAX_V];
    uint8_t mask_bytes[MAX_N * MAX_V];
    double weights[MAX_C];
    double upstream[MAX_N * MAX_C];
    long double naive_z[MAX_ELEMENTS], naive_g[MAX_ELEMENTS];
    bool counts[MAX_N * MAX_V];
};

static double uniform(uint64_t *random)
{
    return (double)(naive_random(random) >> 11) * 0x1p-53;
}

static bool flip(uint64_t *random)
{
    return naive_below(random, 2) == 0;
}

static void choose_options(struct fixture *f, uint64_t *random)
{
    struct ov_loss_options *o = &f->naive.options;
    bool has_voxel = o->loss == OV_LOSS_CROSS_ENTROPY || o->loss == OV_LOSS_FOCAL ||
                     o->loss == OV_LOSS_DICE_CROSS_ENTROPY || o->loss == OV_LOSS_DICE_FOCAL;
    o->activation = (enum ov_activation)naive_below(random, f->naive.n_classes > 1 ? 3 : 2);
    o->target = (enum ov_target)naive_below(random, OV_N_TARGETS);
    o->reduction = (enum ov_reduction)naive_below(random, has_voxel ? 2 : OV_N_REDUCTIONS);
    o->exclude_background = f->naive.n_classes > 1 && flip(random);
    o->batch = flip(random);
    o->soft_labels = flip(random);
    o->has_ignore = o->target == OV_TARGET_LABELS && flip(random);
    o->ignore = -7;
    o->smooth_numerator = flip(random) ? 1e-5 : uniform(random);
    o->smooth_denominator = o->smooth_numerator * (flip(random) ? 1 : 2);
    o->alpha = uniform(random);
    o->beta = 1 - o->alpha;
    o->gamma = .5 + uniform(random);
    o->weighting = (enum ov_weighting)naive_below(random, 3);
    o->focal_gamma = flip(random) ? 2 : 3 * uniform(random);
    o->lambda_overlap = .5 + uniform(random);
    o->lambda_voxel = .5 + uniform(random);
    for (size_t c = 0; c < f->naive.n_classes; c++)
        f->weights[c] = .1 + uniform(random);
    if (flip(random)) {
        o->class_weights = f->weights;
        o->n_class_weights = f->naive.n_classes;
    }
}

static void fill_truth(struct fixture *f, uint64_t *random)
{
    const struct ov_loss_options *o = &f->naive.options;
    size_t n_labels = f->naive.n_classes > 1 ? f->naive.n_classes : 2;
    for (size_t i = 0; i < f->naive.n_samples * f->naive.n_voxels; i++) {
        size_t n = i / f->naive.n_voxels, v = i % f->naive.n_voxels;
        bool is_ignored = o->has_ignore && naive_below(random, 5) == 0;
        f->labels[i] = is_ignored ? -7 : (int16_t)naive_below(random, n_labels);
        f->mask_bytes[i] = (uint8_t)(naive_below(random, 6) * 40);
        f->counts[i] = !is_ignored && (f->inputs.mask == NULL || f->mask_bytes[i] != 0);
        for (size_t c = 0; c < f->naive.n_classes; c++) {
            size_t at = naive_at(&f->naive, n, c, v);
            size_t foreground = f->naive.n_classes > 1 ? c : 1;
            double amount = o->target == OV_TARGET_SOFT ? uniform(random) : flip(random);
            f->amounts[at] = amount;
            f->naive_g[at] =
                o->target == OV_TARGET_LABELS ? f->labels[i] == (int)foreground : amount;
        }
    }
}

static void view(struct ov_tensor *tensor, void *data, enum ov_tensor_dtype dtype, int ndim,
                 const uint64_t *shape)
{
    OK(ov_tensor_view(data, dtype, ndim, shape, tensor));
}

static void set_views(struct fixture *f)
{
    const uint64_t label_shape[] = {f->shape[0], f->shape[2], f->shape[3]};
    view(&f->prediction, f->z, OV_TENSOR_F64, 4, f->shape);
    if (f->naive.options.target == OV_TARGET_LABELS)
        view(&f->target, f->labels, OV_TENSOR_I16, 3, label_shape);
    else
        view(&f->target, f->amounts, OV_TENSOR_F64, 4, f->shape);
    view(&f->mask, f->mask_bytes, OV_TENSOR_U8, 3, label_shape);
}

static void make(struct fixture *f, enum ov_loss loss, uint64_t *random)
{
    memset(f, 0, sizeof *f);
    for (int i = 0; i < 4; i++)
        f->shape[i] = 1 + naive_below(random, i == 0 ? MAX_N : i == 1 ? MAX_C : i == 2 ? 6 : 10);
    f->naive.n_samples = f->shape[0];
    f->naive.n_classes = f->shape[1];
    f->naive.n_voxels = f->shape[2] * f->shape[3];
    f->naive.z = f->naive_z;
    f->naive.g = f->naive_g;
    f->naive.counts = f->counts;
    f->naive.options = ov_loss_options_default();
    f->naive.options.loss = loss;
    choose_options(f, random);
    f->inputs = (struct ov_loss_inputs){&f->prediction, &f->target, flip(random) ? &f->mask : NULL};
    fill_truth(f, random);
    bool is_logit = f->naive.options.activation != OV_ACTIVATION_NONE;
    for (size_t i = 0; i < MAX_ELEMENTS; i++) {
        f->z[i] = is_logit ? 8 * uniform(random) - 4 : .02 + .96 * uniform(random);
        f->naive_z[i] = f->z[i];
    }
    for (size_t i = 0; i < N_OF(f->upstream); i++)
        f->upstream[i] = uniform(random) + .5;
    set_views(f);
}

static long double weighed(const struct fixture *f)
{
    long double values[MAX_N * MAX_C], sum = 0;
    size_t n = naive_values(&f->naive, values);
    for (size_t i = 0; i < n; i++)
        sum += f->upstream[i] * values[i];
    return sum;
}

static bool has_counted(const struct fixture *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->naive.n_samples * f->naive.n_voxels; i++)
        n += f->counts[i];
    return n > 0;
}

static long double difference(struct fixture *f, size_t i)
{
    const long double h = 1e-6L;
    long double z = f->naive_z[i];
    f->naive_z[i] = z + h;
    long double above = weighed(f);
    f->naive_z[i] = z - h;
    long double below = weighed(f);
    f->naive_z[i] = z;
    return (above - below) / (2 * h);
}

static void check_against_definitions(struct fixture *f)
{
    double values[MAX_N * MAX_C], gradient[MAX_ELEMENTS];
    long double naive[MAX_N * MAX_C], largest = 0;
    struct ov_tensor by;
    uint64_t n_values;
    view(&by, gradient, OV_TENSOR_F64, 4, f->shape);
    OK(ov_loss_n_values(&f->naive.options, f->shape[0], f->shape[1], &n_values));
    assert_int_equal(n_values, naive_values(&f->naive, naive));
    OK(ov_loss_forward_backward(&f->inputs, &f->naive.options, f->upstream, &by, values, NULL));
    for (size_t i = 0; i < n_values; i++) {
        if (!(fabsl(values[i] - naive[i]) <= 1e-12L * (1 + fabsl(naive[i]))))
            fail_msg("%s: %.17g is not %.17Lg", ov_loss_name(f->naive.options.loss), values[i],
                     naive[i]);
    }
    size_t n = f->naive.n_samples * f->naive.n_classes * f->naive.n_voxels;
    for (size_t i = 0; i < n; i++)
        largest = fmaxl(largest, fabsl((long double)gradient[i]));
    for (size_t i = 0; i < n; i++) {
        long double expected = difference(f, i);
        if (!(fabsl(gradient[i] - expected) <= 1e-7L * fmaxl(fabsl(expected), 1e-3L * largest)))
            fail_msg("%s: slope %.17g is not %.17Lg", ov_loss_name(f->naive.options.loss),
                     gradient[i], expected);
    }
}

static void every_loss_and_option_against_finite_differences(void **state)
{
    static struct fixture f;
    uint64_t random = 1;
    (void)state;
    for (int round = 0; round < 6; round++) {
        for (int loss = 0; loss < OV_N_LOSSES; loss++) {
            make(&f, (enum ov_loss)loss, &random);
            if (loss != OV_LOSS_LOVASZ && has_counted(&f))
                check_against_definitions(&f);
        }
    }
}

/* ---- equal bits ---- */

enum { BIG_V = 16384 + 1007 };

static const uint64_t big_shape[] = {2, 3, BIG_V};
static const uint64_t big_label_shape[] = {2, BIG_V};

struct big {
    struct ov_loss_options options;
    double prediction[2 * 3 * BIG_V];
    float prediction32[2 * 3 * BIG_V];
    uint8_t labels[2 * BIG_V];
};

static void fill_big(struct big *big, uint64_t *random)
{
    for (size_t i = 0; i < N_OF(big->prediction); i++)
        big->prediction[i] = big->prediction32[i] = (float)uniform(random);
    for (size_t i = 0; i < N_OF(big->labels); i++)
        big->labels[i] = (uint8_t)naive_below(random, 3);
}

/* In n_parts parts, the last one first. */
static void run_parts(const struct ov_loss_inputs *inputs, const struct ov_loss_options *options,
                      const struct ov_tensor *gradient, size_t n_parts, double *ret_value)
{
    struct ov_loss_run *run;
    OK(ov_loss_run_new(inputs, options, &run));
    for (size_t part = n_parts; part > 0; part--)
        OK(ov_loss_run_sums(run, part - 1, n_parts));
    OK(ov_loss_run_values(run, ret_value, NULL));
    for (size_t part = n_parts; part > 0; part--)
        OK(ov_loss_run_gradient(run, NULL, gradient, part - 1, n_parts));
    ov_loss_run_free(run);
}

static void check_bits(struct big *big, enum ov_tensor_dtype dtype)
{
    static unsigned char expected[sizeof(double) * 2 * 3 * BIG_V];
    static unsigned char other[sizeof expected];
    static const size_t n_parts[] = {1, 3};
    static const char *const isas[] = {"scalar", "avx2", "avx512", "neon"};
    bool is_double = dtype == OV_TENSOR_F64;
    size_t n_bytes = N_OF(big->prediction) * ov_tensor_dtype_bytes(dtype);
    struct ov_tensor p, t, by;
    struct ov_loss_inputs inputs = {&p, &t, NULL};
    double value, other_value;
    view(&p, is_double ? (void *)big->prediction : (void *)big->prediction32, dtype, 3, big_shape);
    view(&t, big->labels, OV_TENSOR_U8, 2, big_label_shape);
    view(&by, expected, dtype, 3, big_shape);
    OK(ov_isa_select("scalar"));
    run_parts(&inputs, &big->options, &by, 1, &value);
    view(&by, other, dtype, 3, big_shape);
    for (size_t i = 0; i < N_OF(isas); i++) {
        if (ov_isa_select(isas[i]) != OV_OK)
            continue;
        for (size_t k = 0; k < N_OF(n_parts); k++) {
            memset(other, 0xff, n_bytes);
            run_parts(&inputs, &big->options, &by, n_parts[k], &other_value);
            assert_memory_equal(&value, &other_value, sizeof value);
            if (memcmp(expected, other, n_bytes) != 0)
                fail_msg("%s, %s, %s, %zu parts", ov_loss_name(big->options.loss), isas[i],
                         ov_activation_name(big->options.activation), n_parts[k]);
        }
    }
    OK(ov_isa_select("auto"));
}

static void parts_and_instruction_sets_change_no_bit(void **state)
{
    static struct big big;
    static const enum ov_loss losses[] = {OV_LOSS_DICE, OV_LOSS_SQUARED_DICE, OV_LOSS_LOVASZ,
                                          OV_LOSS_DICE_FOCAL};
    uint64_t random = 5;
    (void)state;
    fill_big(&big, &random);
    for (size_t i = 0; i < N_OF(losses); i++) {
        for (int activation = 0; activation < OV_N_ACTIVATIONS; activation++) {
            big.options = ov_loss_options_default();
            big.options.loss = losses[i];
            big.options.activation = (enum ov_activation)activation;
            check_bits(&big, OV_TENSOR_F32);
            check_bits(&big, OV_TENSOR_F64);
        }
    }
}

enum { N_THREADS = 4 };

struct part {
    struct ov_loss_run *run;
    const struct ov_tensor *gradient; /* NULL while there are no values */
    size_t number;
};

static void *work(void *argument)
{
    struct part *part = argument;
    enum ov_status status =
        part->gradient == NULL
            ? ov_loss_run_sums(part->run, part->number, N_THREADS)
            : ov_loss_run_gradient(part->run, NULL, part->gradient, part->number, N_THREADS);
    return status == OV_OK ? NULL : argument;
}

static void at_once(struct ov_loss_run *run, const struct ov_tensor *gradient)
{
    pthread_t threads[N_THREADS];
    struct part parts[N_THREADS];
    for (size_t i = 0; i < N_THREADS; i++) {
        parts[i] = (struct part){.run = run, .gradient = gradient, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &parts[i]), 0);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
}

static void parts_run_at_once(void **state)
{
    static struct big big;
    static float expected[2 * 3 * BIG_V], gradient[2 * 3 * BIG_V];
    static const enum ov_loss losses[] = {OV_LOSS_DICE, OV_LOSS_DICE_CROSS_ENTROPY, OV_LOSS_LOVASZ};
    struct ov_tensor p, t, by, by_parts;
    struct ov_loss_inputs inputs = {&p, &t, NULL};
    uint64_t random = 7;
    (void)state;
    fill_big(&big, &random);
    view(&p, big.prediction32, OV_TENSOR_F32, 3, big_shape);
    view(&t, big.labels, OV_TENSOR_U8, 2, big_label_shape);
    view(&by, expected, OV_TENSOR_F32, 3, big_shape);
    view(&by_parts, gradient, OV_TENSOR_F32, 3, big_shape);
    for (size_t i = 0; i < N_OF(losses); i++) {
        struct ov_loss_options options = ov_loss_options_default();
        struct ov_loss_run *run;
        double value, value_parts;
        options.loss = losses[i];
        options.activation = OV_ACTIVATION_SOFTMAX;
        OK(ov_loss_forward_backward(&inputs, &options, NULL, &by, &value, NULL));
        OK(ov_loss_run_new(&inputs, &options, &run));
        at_once(run, NULL);
        OK(ov_loss_run_values(run, &value_parts, NULL));
        at_once(run, &by_parts);
        ov_loss_run_free(run);
        assert_memory_equal(&value, &value_parts, sizeof value);
        assert_memory_equal(expected, gradient, sizeof gradient);
    }
}

/* Copies elements to a view of another layout, or back. */
static void copy(const struct ov_tensor *from, const struct ov_tensor *to)
{
    size_t width = ov_tensor_dtype_bytes(from->dtype);
    for (uint64_t n = 0; n < from->shape[0]; n++) {
        for (uint64_t c = 0; c < from->shape[1]; c++) {
            for (uint64_t v = 0; v < from->shape[2]; v++) {
                const uint64_t index[] = {n, c, v};
                const char *source = from->data;
                char *place = to->data;
                for (int i = 0; i < 3; i++) {
                    source += (int64_t)index[i] * from->strides_bytes[i];
                    place += (int64_t)index[i] * to->strides_bytes[i];
                }
                memcpy(place, source, width);
            }
        }
    }
}

static void channels_last_is_another_view_of_the_same(void **state)
{
    static struct big big;
    static float last[2 * 3 * BIG_V], gradient_last[2 * 3 * BIG_V];
    static float gradient[2 * 3 * BIG_V], back[2 * 3 * BIG_V];
    const uint64_t last_shape[] = {2, BIG_V, 3};
    uint64_t random = 6;
    struct ov_tensor p, p_last, t, by, by_last, again;
    double value, value_last;
    (void)state;
    fill_big(&big, &random);
    view(&p, big.prediction32, OV_TENSOR_F32, 3, big_shape);
    view(&t, big.labels, OV_TENSOR_U8, 2, big_label_shape);
    view(&by, gradient, OV_TENSOR_F32, 3, big_shape);
    view(&again, back, OV_TENSOR_F32, 3, big_shape);
    OK(ov_tensor_view_channels_last(last, OV_TENSOR_F32, 3, last_shape, &p_last));
    OK(ov_tensor_view_channels_last(gradient_last, OV_TENSOR_F32, 3, last_shape, &by_last));
    copy(&p, &p_last);
    for (int activation = 0; activation < OV_N_ACTIVATIONS; activation++) {
        big.options = ov_loss_options_default();
        big.options.activation = (enum ov_activation)activation;
        run_parts(&(struct ov_loss_inputs){&p, &t, NULL}, &big.options, &by, 1, &value);
        run_parts(&(struct ov_loss_inputs){&p_last, &t, NULL}, &big.options, &by_last, 3,
                  &value_last);
        assert_memory_equal(&value, &value_last, sizeof value);
        copy(&by_last, &again);
        assert_memory_equal(gradient, back, sizeof back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loss_and_option_against_finite_differences),
        cmocka_unit_test(parts_and_instruction_sets_change_no_bit),
        cmocka_unit_test(parts_run_at_once),
        cmocka_unit_test(channels_last_is_another_view_of_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
