/* test_extent.c - masks that leave out their empty slices, made as long as the other one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dicom_file.h"
#include "nifti_file.h"
#include "proto/extent.h"
#include "proto/pair.h"

/* Frames of one pixel at z = 2 * slices[i]; every second one of two segments, where asked for. */
static struct file *column_file(const int *slices, unsigned n, bool two_segments)
{
    static const char *const counts[] = {"0", "1", "2", "3", "4"};
    static char positions[8][32];
    static unsigned at;
    static const uint8_t ones[2] = {0xff, 0};
    struct seg_spec spec = binary_spec();

    spec.rows = spec.columns = 1;
    spec.n = n;
    spec.n_frames = counts[n];
    spec.pixels = ones;
    spec.n_pixels = 2;
    for (unsigned i = 0; i < n; i++) {
        char *position = positions[at++ % 8];

        snprintf(position, sizeof(positions[0]), "-10\\20\\%d", 2 * slices[i]);
        spec.frames[i] = (struct frame_spec){two_segments ? 1 + i % 2 : 1, position};
    }
    return seg_file(&spec);
}

/* The voxels of a mask as digits, a bit for each label: "0120". */
static void assert_column(struct reader *reader, const char *expected)
{
    struct seg_voxels *voxels = calloc(1, sizeof(*voxels));

    assert_non_null(voxels);
    voxels->header = *reader_header(reader);
    assert_int_equal(voxels->header.n_voxels, strlen(expected));
    assert_int_equal(voxels->header.shape[2], strlen(expected));
    collect(reader, voxels);
    for (size_t i = 0; expected[i] != '\0'; i++)
        assert_int_equal(voxels->labels[i] >> 1, expected[i] - '0');
    free(voxels);
}

struct both {
    struct file *files[2];
    struct reader *readers[2];
    struct problem problem;
    struct request request;
};

static struct env env; /* which readers borrow */

static struct both both_of(struct file *prediction, struct file *reference)
{
    struct both both = {.files = {prediction, reference}};

    env = test_env();
    for (int i = 0; i < 2; i++) {
        struct source source = source_of(both.files[i]->bytes, both.files[i]->n);

        both.readers[i] = reader_new(&source, &env, &both.problem);
        assert_non_null(both.readers[i]);
    }
    return both;
}

static void both_free(struct both *both)
{
    for (int i = 0; i < 2; i++) {
        reader_free(both->readers[i]);
        free(both->files[i]);
    }
    assert_int_equal(budget_used, 0);
}

static void assert_pair(const int *slices, unsigned n, const int *other, unsigned n_other,
                        bool two_segments, const char *const expected[2])
{
    struct both both =
        both_of(column_file(slices, n, two_segments), column_file(other, n_other, two_segments));
    struct pair pair;

    assert_true(extent_match(both.readers[0], both.readers[1], &both.request, &both.problem));
    assert_true(pair_make(reader_header(both.readers[0]), reader_header(both.readers[1]),
                          &both.request, &pair, &both.problem));
    assert_int_equal(pair.geometry, GEOMETRY_MATCH);
    assert_int_equal(pair.n_voxels, strlen(expected[0]));
    for (int i = 0; i < 2; i++)
        assert_column(both.readers[i], expected[i]);
    both_free(&both);
}

static void both_masks_get_all_slices_of_either(void **state)
{
    static const int low[] = {0, 1}, high[] = {3, 4}, wide[] = {-1, 0, 4}, inner[] = {1, 2};

    (void)state;
    for (int two = 0; two < 2; two++) {
        const char *one = two ? "12000" : "11000", *other = two ? "00012" : "00011";

        assert_pair(low, 2, high, 2, two, (const char *const[]){one, other});
        assert_pair(high, 2, low, 2, two, (const char *const[]){other, one});
        assert_pair(wide, 3, inner, 2, two,
                    (const char *const[]){two ? "120001" : "110001", two ? "001200" : "001100"});
        assert_pair(low, 2, low, 2, two,
                    (const char *const[]){two ? "12" : "11", two ? "12" : "11"});
        assert_pair(low, 1, high, 1, two, (const char *const[]){"1000", "0001"});
    }
}

/* Not on one grid, or not asked for: nothing is put in. */
static void assert_left_alone(struct both *both)
{
    uint64_t was[2] = {reader_header(both->readers[0])->n_voxels,
                       reader_header(both->readers[1])->n_voxels};

    assert_true(extent_match(both->readers[0], both->readers[1], &both->request, &both->problem));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(reader_header(both->readers[i])->n_voxels, was[i]);
        assert_int_equal(reader_header(both->readers[i])->added[0], 0);
    }
}

static void requests_that_compare_by_index_are_left_alone(void **state)
{
    static const int low[] = {0, 1}, high[] = {3, 4};
    struct both both = both_of(column_file(low, 2, false), column_file(high, 2, false));

    (void)state;
    both.request.ignore_geometry = true;
    assert_left_alone(&both);
    both.request.ignore_geometry = false;
    both.request.reverse_axes = true;
    assert_left_alone(&both);
    both_free(&both);
}

static void masks_on_two_grids_are_left_alone(void **state)
{
    static const char *const positions[] = {"-10\\20\\33", "-10.2\\20\\34", "-10\\21\\34"};
    static const int slices[] = {0, 1};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct seg_spec spec = binary_spec();
        struct both both;

        spec.rows = i < 3 ? 1 : 3;
        spec.columns = i < 3 ? 1 : 5;
        spec.n = 1;
        spec.n_frames = "1";
        spec.n_pixels = 2;
        if (i < 3)
            spec.frames[0].position = positions[i];
        both = both_of(seg_file(&spec), column_file(slices, 2, false));
        assert_left_alone(&both);
        both_free(&both);
    }
}

/* 4 x 3 x n_slices voxels where column_file's slice `first` and those behind it are. */
static struct file *volume_file(int first, int n_slices, double step_mm)
{
    const double rows[12] = {-0.75, 0, 0, 10, 0, -0.5, 0, -20, 0, 0, step_mm, 2.0 * first};
    struct file *file = nifti_new(kinds[2]);

    poke_int(file, kinds[2], DIM, 3, n_slices);
    poke_int(file, kinds[2], SFORM, 0, 1);
    for (size_t i = 0; i < 12; i++)
        poke_real(file, kinds[2], SROW, i, rows[i]);
    for (int i = 1; i < n_slices; i++)
        put(file, picture, 12);
    return file;
}

/* Slices 1 and 2 of 4 x 3 pixels. */
static struct file *slices_file(void)
{
    struct seg_spec spec = binary_spec();

    spec.columns = 4;
    spec.n = 2;
    spec.n_frames = "2";
    spec.frames[0].position = "-10\\20\\2";
    spec.frames[1].position = "-10\\20\\4";
    spec.n_pixels = 4;
    return seg_file(&spec);
}

static void a_mask_of_fixed_length_sets_the_length(void **state)
{
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        struct file *files[2] = {slices_file(), volume_file(0, 5, 2)};
        struct both both = both_of(files[swapped], files[1 - swapped]);
        const struct mask_header *header = reader_header(both.readers[swapped]);

        assert_true(extent_match(both.readers[0], both.readers[1], &both.request, &both.problem));
        assert_int_equal(header->shape[2], 5);
        assert_int_equal(header->added[0], 1);
        assert_int_equal(header->added[1], 2);
        assert_int_equal(reader_header(both.readers[1 - swapped])->shape[2], 5);
        both_free(&both);
    }
}

static void a_mask_of_fixed_length_that_is_too_short_stays_so(void **state)
{
    static const struct {
        int first, n_slices;
        double step_mm;
    } cases[] = {{0, 2, 2}, {2, 3, 2}, {2, 1, 2}, {0, 5, 2.1}, {0, 5, 0}};

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        struct file *files[2] = {
            slices_file(),
            volume_file(cases[i / 2].first, cases[i / 2].n_slices, cases[i / 2].step_mm)};
        struct both both = both_of(files[i % 2], files[1 - i % 2]);

        assert_left_alone(&both);
        both_free(&both);
    }
}

static void limits_hold_for_the_slices_of_both(void **state)
{
    static const int low[] = {0}, high[] = {17000000}, far[] = {499999999},
                     farther[] = {-499999999};
    struct both both = both_of(column_file(low, 1, false), column_file(high, 1, false));

    (void)state;
    assert_false(extent_match(both.readers[0], both.readers[1], &both.request, &both.problem));
    assert_int_equal(both.problem.code, PROBLEM_TOO_MANY_VOXELS);
    both_free(&both);
    both = both_of(column_file(far, 1, false), column_file(farther, 1, false));
    assert_false(extent_match(both.readers[0], both.readers[1], &both.request, &both.problem));
    assert_int_equal(both.problem.code, PROBLEM_TOO_MANY_VOXELS);
    both_free(&both);
}

static void layers_have_their_own_limit_and_need_memory(void **state)
{
    struct problem problem = {0};
    struct layers *layers;
    uint64_t used;

    (void)state;
    env = test_env();
    layers = layers_new(&env, POINTER, 4, &problem);
    assert_non_null(layers);
    assert_true(layers_add(layers, 1, 0, 1, &problem) && layers_add(layers, 2, 3, 1, &problem));
    assert_true(layers_merge(layers, &problem));
    assert_false(layers_pad(layers, UINT64_MAX, 1, &problem));
    assert_int_equal(problem.code, PROBLEM_TOO_MANY_VOXELS);
    problem.code = PROBLEM_NONE;
    assert_false(layers_pad(layers, LAYERS_MAX_VOXELS - 4, 1, &problem));
    assert_int_equal(problem.code, PROBLEM_TOO_MANY_VOXELS);
    problem.code = PROBLEM_NONE;
    used = budget_used;
    assert_true(layers_pad(layers, LAYERS_MAX_VOXELS - 6, 1, &problem));
    assert_true(layers_pad(layers, 1, 0, &problem));
    assert_int_equal(budget_used, used);
    layers_free(layers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_masks_get_all_slices_of_either),
        cmocka_unit_test(requests_that_compare_by_index_are_left_alone),
        cmocka_unit_test(masks_on_two_grids_are_left_alone),
        cmocka_unit_test(a_mask_of_fixed_length_sets_the_length),
        cmocka_unit_test(a_mask_of_fixed_length_that_is_too_short_stays_so),
        cmocka_unit_test(limits_hold_for_the_slices_of_both),
        cmocka_unit_test(layers_have_their_own_limit_and_need_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
