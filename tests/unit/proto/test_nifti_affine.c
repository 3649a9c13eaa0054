/* test_nifti_affine.c - where a NIfTI's voxels lie: sform, qform, spacing, units. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "nifti_file.h"

static void sform_comes_before_qform_and_spacing_alone_is_no_place(void **state)
{
    static const double by_srow[12] = {-1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    /* a quarter turn about z: x becomes y */
    static const double by_quatern[12] = {0, -0.75, 0, 10, 0.5, 0, 0, 20, 0, 0, 2, 30};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file *file = nifti_new(kinds[i]);

        for (size_t k = 0; k < 12; k++)
            poke_real(file, kinds[i], SROW, k, by_srow[k]);
        poke_real(file, kinds[i], QUATERN, 2, sqrt(0.5));
        for (size_t k = 0; k < 3; k++)
            poke_real(file, kinds[i], QUATERN, 3 + k, 10 * (double)(k + 1));
        poke_int(file, kinds[i], SFORM, 0, 2);
        assert_affine(file, by_srow);
        poke_int(file, kinds[i], SFORM, 0, 0);
        assert_affine(file, by_quatern);
        poke_int(file, kinds[i], QFORM, 0, 0);
        assert_no_affine(file);
        free(file);
    }
}

static void qfac_half_turns_and_missing_spacing_are_as_in_nifti1_h(void **state)
{
    static const double flipped[12] = {0.5, 0, 0, 0, 0, 0.75, 0, 0, 0, 0, -2, 0};
    /* half a turn about x, from a quaternion a little too long */
    static const double half[12] = {1, 0, 0, 0, 0, -0.75, 0, 0, 0, 0, -2, 0};
    struct file *file = nifti_new(kinds[0]);

    (void)state;
    poke_real(file, kinds[0], PIXDIM, 0, -1);
    assert_affine(file, flipped);
    poke_real(file, kinds[0], PIXDIM, 0, 1);
    poke_real(file, kinds[0], PIXDIM, 1, 0);
    poke_real(file, kinds[0], QUATERN, 0, 1.00001);
    assert_affine(file, half);
    free(file);
}

static void units_become_millimetres(void **state)
{
    static const double scales[] = {1, 1000, 1, 0.001};
    double affine[12] = {0.5, 0, 0, 0, 0, 0.75, 0, 0, 0, 0, 2, 0};

    (void)state;
    for (size_t i = 0; i < 16; i++) {
        struct file *file = nifti_new(kinds[i % 4]);
        double scaled[12];

        poke_int(file, kinds[i % 4], UNITS, 0, (int64_t)(i / 4) | 8); /* and seconds */
        for (size_t k = 0; k < 12; k++)
            scaled[k] = affine[k] * scales[i / 4];
        assert_affine(file, scaled);
        free(file);
    }
}

static void an_affine_is_finite_or_not_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file *file = nifti_new(kinds[i]);
        struct outcome *outcome;

        poke_real(file, kinds[i], QUATERN, 4, INFINITY);
        assert_file_problem(file, PROBLEM_BAD_MASK, "not finite");
        poke_real(file, kinds[i], QUATERN, 4, 0);
        poke_real(file, kinds[i], QUATERN, 1, NAN);
        assert_file_problem(file, PROBLEM_BAD_MASK, "not finite");
        poke_int(file, kinds[i], SFORM, 0, 1);
        poke_real(file, kinds[i], SROW, 11, NAN);
        assert_file_problem(file, PROBLEM_BAD_MASK, "not finite");
        poke_int(file, kinds[i], SFORM, 0, 0);
        poke_int(file, kinds[i], QFORM, 0, 0);
        poke_real(file, kinds[i], PIXDIM, 2, 0);
        outcome = outcome_of(file);
        assert_problem(outcome, PROBLEM_NONE, "");
        assert_false(outcome->header.has_affine);
        free(outcome);
        free(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sform_comes_before_qform_and_spacing_alone_is_no_place),
        cmocka_unit_test(qfac_half_turns_and_missing_spacing_are_as_in_nifti1_h),
        cmocka_unit_test(units_become_millimetres),
        cmocka_unit_test(an_affine_is_finite_or_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
