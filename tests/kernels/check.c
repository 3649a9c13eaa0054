/* check.c - kernels and a whole count, checked without a test library, for any machine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/kernels/kernels.h"
#include "lib/overlap_loss.h"

/* check [ISA]: the first kernels must have this name where one is given. Prints TAP. */

static uint64_t random_state = 1;

/* xorshift64 (Marsaglia 2003). */
static uint64_t random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % n;
}

static void report(int number, const char *name, bool is_right)
{
    printf("%sok %d - %s\n", is_right ? "" : "not ", number, name);
}

/* Elements that change with probability 1/mean_run, one bit each time. */
static void fill(unsigned char *bytes, size_t n, size_t width, uint64_t mean_run)
{
    memset(bytes, 0, n * width);
    for (size_t i = 1; i < n; i++) {
        memcpy(bytes + i * width, bytes + (i - 1) * width, width);
        if (random_below(mean_run) == 0)
            bytes[i * width + random_below(width)] ^= (unsigned char)(1u << random_below(8));
    }
}

static ov__ends *ends_of(const struct ov__kernels *kernels, size_t width)
{
    ov__ends *all[] = {kernels->ends8, kernels->ends16, kernels->ends32, kernels->ends64};
    return all[__builtin_ctzll(width)];
}

static bool is_like_scalar(const struct ov__kernels *kernels, const unsigned char *bytes, size_t n,
                           size_t width)
{
    static uint16_t ends[2][OV__CHUNK];
    size_t n_scalar = ends_of(&ov__kernels_scalar, width)(bytes, n, ends[0]);
    size_t n_ends = ends_of(kernels, width)(bytes, n, ends[1]);
    return n_ends == n_scalar && memcmp(ends[0], ends[1], n_ends * sizeof ends[0][0]) == 0;
}

/* Memory of the exact size, so that a checker of memory sees a read too far. */
static bool agrees(const struct ov__kernels *kernels, size_t n, size_t width, uint64_t mean_run)
{
    size_t offset = (size_t)random_below(16);
    unsigned char *bytes = malloc(offset + n * width);
    if (bytes == NULL)
        return false;
    fill(bytes + offset, n, width, mean_run);
    bool is_right = is_like_scalar(kernels, bytes + offset, n, width);
    free(bytes);
    return is_right;
}

static bool all_lengths_agree(const struct ov__kernels *kernels)
{
    static const uint64_t mean_runs[] = {1, 3, 20, 1000};
    bool is_right = true;
    for (size_t width = 1; width <= 8; width *= 2) {
        for (size_t i = 0; i < 4; i++) {
            for (size_t n = 1; n <= 400; n++)
                is_right = agrees(kernels, n, width, mean_runs[i]) && is_right;
            is_right = agrees(kernels, OV__CHUNK, width, mean_runs[i]) && is_right;
        }
    }
    return is_right;
}

static ov__joint_ends *joint_of(const struct ov__kernels *kernels, size_t width)
{
    ov__joint_ends *all[] = {kernels->joint8, kernels->joint16, kernels->joint32, kernels->joint64};
    return all[__builtin_ctzll(width)];
}

static bool joint_agrees(const struct ov__kernels *kernels, size_t n, size_t width,
                         uint64_t mean_run)
{
    static uint16_t ends[2][OV__CHUNK + OV__SLACK];
    unsigned char *bytes = malloc(2 * n * width);
    if (bytes == NULL)
        return false;
    fill(bytes, 2 * n, width, mean_run);
    const unsigned char *other = bytes + n * width;
    size_t n_scalar = joint_of(&ov__kernels_scalar, width)(bytes, other, n, ends[0]);
    size_t n_ends = joint_of(kernels, width)(bytes, other, n, ends[1]);
    free(bytes);
    return n_ends == n_scalar && memcmp(ends[0], ends[1], n_ends * sizeof ends[0][0]) == 0;
}

static bool all_joint_runs_agree(const struct ov__kernels *kernels)
{
    static const uint64_t mean_runs[] = {1, 20, 1000};
    bool is_right = true;
    for (size_t width = 1; width <= 8; width *= 2) {
        for (size_t i = 0; i < 3; i++) {
            for (size_t n = 1; n <= 400; n++)
                is_right = joint_agrees(kernels, n, width, mean_runs[i]) && is_right;
            is_right = joint_agrees(kernels, OV__CHUNK, width, mean_runs[i]) && is_right;
        }
    }
    return is_right;
}

static bool few_are_naive(const struct ov__kernels *kernels, size_t n, uint8_t first)
{
    static uint8_t masks[2][OV__FEW];
    struct ov__few naive = {{0}, {0}, {0}}, few;
    for (size_t i = 0; i < n; i++) {
        uint8_t label[2];
        for (int side = 0; side < 2; side++) {
            masks[side][i] = (uint8_t)(first + random_below(10));
            label[side] = (uint8_t)(masks[side][i] - first);
        }
        naive.prediction[label[0] & 7] += label[0] < 8;
        naive.reference[label[1] & 7] += label[1] < 8;
        naive.tp[label[0] & 7] += label[0] < 8 && label[0] == label[1];
    }
    if (kernels->few == NULL)
        return true;
    kernels->few(masks[0], masks[1], n, first, &few);
    return memcmp(&few, &naive, sizeof few) == 0;
}

static bool few_labels_are_naive(const struct ov__kernels *kernels)
{
    bool is_right = few_are_naive(kernels, OV__FEW, 0);
    for (size_t n = 1; n <= 9000; n += n < 300 ? 1 : 301)
        is_right = few_are_naive(kernels, n, (uint8_t)(n % 32 * 8)) && is_right;
    return is_right;
}

enum { N = 30000, N_LABELS = 4 };

static bool count_is(const uint8_t *prediction, const int32_t *reference, int64_t label,
                     struct ov_counts counts)
{
    struct ov_counts naive = {.voxels = N};
    for (size_t i = 0; i < N; i++) {
        naive.prediction += prediction[i] == label;
        naive.reference += reference[i] == label;
        naive.tp += prediction[i] == label && reference[i] == label;
    }
    return memcmp(&naive, &counts, sizeof naive) == 0;
}

static bool whole_count_is_naive(void)
{
    static uint8_t prediction[N];
    static int32_t reference[N];
    static const int64_t labels[N_LABELS] = {0, 1, 2, 3};
    const uint64_t shape[] = {N};
    struct ov_mask p, r;
    struct ov_counts counts[N_LABELS];
    for (size_t i = 1; i < N; i++) {
        prediction[i] = random_below(9) == 0 ? (uint8_t)random_below(4) : prediction[i - 1];
        reference[i] = random_below(9) == 0 ? (int32_t)random_below(4) : reference[i - 1];
    }
    if (ov_mask_view(prediction, OV_U8, 1, shape, OV_ORDER_C, &p) != OV_OK ||
        ov_mask_view(reference, OV_I32, 1, shape, OV_ORDER_C, &r) != OV_OK ||
        ov_count(&p, &r, labels, N_LABELS, counts) != OV_OK)
        return false;
    bool is_right = true;
    for (int64_t label = 0; label < N_LABELS; label++)
        is_right = count_is(prediction, reference, label, counts[label]) && is_right;
    return is_right;
}

enum { N_CLASSES = 3, N_VOXELS = 20011 };

static bool loss_of(enum ov_activation activation, const char *isa, double *ret_value,
                    float *ret_gradient)
{
    static float prediction[N_CLASSES * N_VOXELS];
    static uint8_t labels[N_VOXELS];
    const uint64_t shape[] = {1, N_CLASSES, N_VOXELS}, label_shape[] = {1, N_VOXELS};
    struct ov_tensor p, t, g;
    struct ov_loss_options options = ov_loss_options_default();
    options.activation = activation;
    for (size_t i = 0; i < N_CLASSES * N_VOXELS; i++)
        prediction[i] = (float)(i * 2654435761u % 65536) / 65536;
    for (size_t i = 0; i < N_VOXELS; i++)
        labels[i] = (uint8_t)(i / 7 % N_CLASSES);
    return ov_isa_select(isa) == OV_OK &&
           ov_tensor_view(prediction, OV_TENSOR_F32, 3, shape, &p) == OV_OK &&
           ov_tensor_view(labels, OV_TENSOR_U8, 2, label_shape, &t) == OV_OK &&
           ov_tensor_view(ret_gradient, OV_TENSOR_F32, 3, shape, &g) == OV_OK &&
           ov_loss_forward_backward(&(struct ov_loss_inputs){&p, &t, NULL}, &options, NULL, &g,
                                    ret_value, NULL) == OV_OK;
}

static bool losses_have_equal_bits(void)
{
    static float gradient[2][N_CLASSES * N_VOXELS];
    double value[2];
    bool is_right = true;
    for (int activation = 0; activation < OV_N_ACTIVATIONS; activation++) {
        is_right = loss_of((enum ov_activation)activation, "scalar", &value[0], gradient[0]) &&
                   loss_of((enum ov_activation)activation, "auto", &value[1], gradient[1]) &&
                   memcmp(&value[0], &value[1], sizeof value[0]) == 0 &&
                   memcmp(gradient[0], gradient[1], sizeof gradient[0]) == 0 && is_right;
    }
    return is_right;
}

int main(int argc, char **argv)
{
    bool is_expected = argc < 2 || strcmp(ov_isa(), argv[1]) == 0;
    bool agree = all_lengths_agree(ov__kernels_available(0));
    bool joint_agree = all_joint_runs_agree(ov__kernels_available(0));
    bool few_agree = few_labels_are_naive(ov__kernels_available(0));
    bool is_naive = whole_count_is_naive();
    bool is_equal = losses_have_equal_bits();
    printf("1..6\n# %s\n", ov_isa());
    report(1, "the_expected_kernels_are_chosen", is_expected);
    report(2, "the_best_kernels_give_the_scalar_answer", agree);
    report(3, "joint_runs_are_the_scalar_ones", joint_agree);
    report(4, "few_labels_are_counted_as_by_a_loop", few_agree);
    report(5, "a_whole_count_equals_a_naive_one", is_naive);
    report(6, "losses_have_the_scalar_bits", is_equal);
    return is_expected && agree && joint_agree && few_agree && is_naive && is_equal ? 0 : 1;
}
