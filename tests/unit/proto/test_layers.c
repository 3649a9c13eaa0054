/* test_layers.c - intervals per label merged to runs of label sets, against a table of voxels. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/proto/mask_files.h"

enum { N_VOXELS = 300, N_LABELS = 6 };

static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static struct layers *new_layers(const struct env *env, uint64_t n_voxels)
{
    struct problem problem = {0};
    struct layers *layers = layers_new(env, POINTER, n_voxels, &problem);

    assert_non_null(layers);
    return layers;
}

static void add(struct layers *layers, int64_t label, uint64_t start, uint64_t length)
{
    struct problem problem = {0};

    assert_true(layers_add(layers, label, start, length, &problem));
}

static void merge(struct layers *layers)
{
    struct problem problem = {0};

    assert_true(layers_merge(layers, &problem));
}

static void assert_refused(bool good, const struct problem *problem, enum problem_code code)
{
    assert_false(good);
    assert_string_equal(problem_name(problem->code), problem_name(code));
}

/* Which of the labels each voxel has, a bit for each. */
static void assert_sets(struct layers *layers, const uint32_t *bits, const int64_t *labels)
{
    struct ov_run runs[7];
    uint64_t at = 0;
    int64_t last = -1;
    size_t n;

    do {
        layers_next(layers, runs, 7, &n);
        for (size_t i = 0; i < n; i++) {
            size_t n_set;
            const int64_t *set = layers_set(layers, (size_t)runs[i].label, &n_set);

            assert_true(runs[i].length > 0);
            assert_true(runs[i].label != last); /* runs are as long as can be */
            last = runs[i].label;
            for (uint64_t v = at; v < at + runs[i].length; v++) {
                size_t n_bits = 0;

                for (int l = 0; l < N_LABELS; l++)
                    n_bits += bits[v] >> l & 1;
                assert_int_equal(n_set, n_bits);
                for (size_t k = 0; k < n_set; k++) {
                    int l = 0;

                    assert_true(k == 0 || set[k - 1] < set[k]);
                    while (labels[l] != set[k])
                        assert_true(++l < N_LABELS);
                    assert_true(bits[v] >> l & 1);
                }
            }
            at += runs[i].length;
        }
    } while (n > 0);
    assert_int_equal(at, N_VOXELS);
}

static void random_layers_hold_the_voxels_added(void **state)
{
    static const int64_t labels[N_LABELS] = {7, -3, 4294967295, 1, 255, 256};
    struct env env = test_env();
    uint64_t seed = 42;

    (void)state;
    for (int round = 0; round < 400; round++) {
        uint32_t bits[N_VOXELS] = {0};
        struct layers *layers = new_layers(&env, N_VOXELS);
        int n_labels = 1 + round % N_LABELS;
        int n_spans = (int)(random_next(&seed) % 60);
        bool overlap = false;

        for (int i = 0; i < n_spans; i++) {
            int l = (int)(random_next(&seed) % (uint64_t)n_labels);
            uint64_t start = random_next(&seed) % N_VOXELS;
            uint64_t length = random_next(&seed) % (N_VOXELS - start + 1) % 50;

            add(layers, labels[l], start, length);
            for (uint64_t v = start; v < start + length; v++)
                bits[v] |= 1u << l;
        }
        merge(layers);
        for (int v = 0; v < N_VOXELS; v++)
            overlap = overlap || (bits[v] & (bits[v] - 1)) != 0;
        assert_int_equal(layers_overlap(layers), overlap);
        assert_int_equal(layers_is_disjoint(layers), !overlap);
        assert_sets(layers, bits, labels);
        layers_free(layers);
        assert_int_equal(budget_used, 0);
    }
}

static void disjoint_layers_hand_out_labels(void **state)
{
    struct env env = test_env();
    struct layers *layers = new_layers(&env, 10);
    struct ov_run runs[8];
    size_t n;

    (void)state;
    add(layers, 300, 5, 2);
    add(layers, 4, 1, 2);
    merge(layers);
    assert_true(layers_is_disjoint(layers));
    layers_hand_out_labels(layers);
    assert_int_equal(layers_largest(layers), 300);
    layers_next(layers, runs, 8, &n);
    assert_int_equal(n, 5);
    assert_int_equal(runs[0].label, 0);
    assert_int_equal(runs[1].label, 4);
    assert_int_equal(runs[1].length, 2);
    assert_int_equal(runs[3].label, 300);
    assert_int_equal(runs[4].length, 3);
    layers_free(layers);
}

static void one_layer_is_intervals_that_neither_overlap_nor_touch(void **state)
{
    struct env env = test_env();
    struct layers *layers = new_layers(&env, 100);
    const struct ov_interval *intervals;
    size_t n;

    (void)state;
    add(layers, 9, 50, 10);
    add(layers, 9, 10, 10);
    add(layers, 9, 15, 5);
    add(layers, 9, 20, 5);
    add(layers, 9, 55, 20);
    merge(layers);
    intervals = layers_intervals(layers, &n);
    assert_non_null(intervals);
    assert_int_equal(n, 2);
    assert_int_equal(intervals[0].start, 10);
    assert_int_equal(intervals[0].end, 25);
    assert_int_equal(intervals[1].start, 50);
    assert_int_equal(intervals[1].end, 75);
    layers_free(layers);
}

static void empty_layers_are_one_run_of_nothing(void **state)
{
    struct env env = test_env();

    (void)state;
    for (int n_declared = 0; n_declared < 3; n_declared++) {
        struct layers *layers = new_layers(&env, 12);
        struct problem problem = {0};
        struct ov_run run;
        size_t n;

        for (int label = 1; label <= n_declared; label++)
            assert_true(layers_declare(layers, label, &problem));
        merge(layers);
        assert_int_equal(layers_n_labels(layers), n_declared);
        layers_next(layers, &run, 1, &n);
        assert_int_equal(n, 1);
        assert_int_equal(run.length, 12);
        layers_set(layers, (size_t)run.label, &n);
        assert_int_equal(n, 0);
        layers_next(layers, &run, 1, &n);
        assert_int_equal(n, 0);
        layers_free(layers);
    }
}

static void a_layer_of_label_zero_is_no_label_map(void **state)
{
    struct env env = test_env();

    (void)state;
    for (int64_t other = 0; other < 2; other++) {
        struct layers *layers = new_layers(&env, 12);

        add(layers, 0, 3, 4);
        add(layers, other, 9, 1);
        merge(layers);
        assert_false(layers_overlap(layers));
        assert_false(layers_is_disjoint(layers));
        layers_free(layers);
    }
}

static void intervals_beyond_the_mask_are_refused(void **state)
{
    static const uint64_t spans[][2] = {{0, 13},         {12, 1},         {13, 0},
                                        {UINT64_MAX, 1}, {1, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}};
    struct env env = test_env();
    struct layers *layers = new_layers(&env, 12);

    (void)state;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
        struct problem problem = {0};
        bool good = layers_add(layers, 1, spans[i][0], spans[i][1], &problem);

        assert_refused(good, &problem, PROBLEM_BAD_MASK);
    }
    layers_free(layers);
}

static void labels_and_sizes_out_of_range_are_refused(void **state)
{
    struct env env = test_env();
    struct layers *layers = new_layers(&env, 12);
    struct problem problem = {0};

    (void)state;
    assert_refused(layers_add(layers, OV_LABEL_MAX + 1, 0, 1, &problem), &problem,
                   PROBLEM_LABEL_OUT_OF_RANGE);
    problem.code = PROBLEM_NONE;
    assert_refused(layers_declare(layers, (int64_t)OV_LABEL_MIN - 1, &problem), &problem,
                   PROBLEM_LABEL_OUT_OF_RANGE);
    problem.code = PROBLEM_NONE;
    layers_free(layers);
    assert_null(layers_new(&env, POINTER, (uint64_t)LAYERS_MAX_VOXELS + 1, &problem));
    assert_refused(false, &problem, PROBLEM_TOO_MANY_VOXELS);
}

/* 17 layers, voxel v in those whose bit of v is set: more ways to overlap than are kept apart. */
static void too_many_ways_to_overlap_are_refused(void **state)
{
    struct env env = test_env();
    struct layers *layers = new_layers(&env, 1 << 17);
    struct problem problem = {0};

    (void)state;
    budget_bytes = 1 << 27;
    for (uint64_t v = 0; v < 1 << 17; v++) {
        for (int64_t l = 0; l < 17; l++) {
            if (v >> l & 1)
                add(layers, l + 1, v, 1);
        }
    }
    assert_refused(layers_merge(layers, &problem), &problem, PROBLEM_TOO_MANY_LABELS);
    layers_free(layers);
    assert_int_equal(budget_used, 0);
}

static void more_labels_than_the_limit_are_refused(void **state)
{
    struct env env = test_env();
    struct layers *layers = new_layers(&env, 12);
    struct problem problem = {0};

    (void)state;
    for (int64_t label = 1; label <= OV_MAX_LABELS; label++)
        assert_true(layers_declare(layers, label, &problem));
    assert_true(layers_declare(layers, 1, &problem));
    assert_refused(layers_declare(layers, OV_MAX_LABELS + 1, &problem), &problem,
                   PROBLEM_TOO_MANY_LABELS);
    layers_free(layers);
}

/* Each step to the budget's end is refused as such, and gives everything back. */
static void every_shortage_of_memory_is_a_problem(void **state)
{
    struct env env = test_env();
    bool done = false;

    (void)state;
    for (budget_bytes = 0; !done; budget_bytes += 64) {
        struct problem problem = {0};
        struct layers *layers = layers_new(&env, POINTER, 1000, &problem);
        bool good = layers != NULL;

        for (uint64_t i = 0; good && i < 400; i++)
            good = layers_add(layers, (int64_t)(i % 37), i * 7 % 900, 5 + i % 90, &problem);
        good = good && layers_merge(layers, &problem);
        layers_free(layers);
        if (!good)
            assert_refused(false, &problem, PROBLEM_OUT_OF_MEMORY);
        assert_int_equal(budget_used, 0);
        done = good;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_layers_hold_the_voxels_added),
        cmocka_unit_test(disjoint_layers_hand_out_labels),
        cmocka_unit_test(one_layer_is_intervals_that_neither_overlap_nor_touch),
        cmocka_unit_test(empty_layers_are_one_run_of_nothing),
        cmocka_unit_test(a_layer_of_label_zero_is_no_label_map),
        cmocka_unit_test(intervals_beyond_the_mask_are_refused),
        cmocka_unit_test(labels_and_sizes_out_of_range_are_refused),
        cmocka_unit_test(too_many_ways_to_overlap_are_refused),
        cmocka_unit_test(more_labels_than_the_limit_are_refused),
        cmocka_unit_test(every_shortage_of_memory_is_a_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
