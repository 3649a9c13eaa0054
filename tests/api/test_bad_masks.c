/* test_bad_masks.c - masks that cannot be, or cannot be compared: a named problem. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/refusal.h"

static struct answer post_reference(struct bytes reference, const char *request)
{
    return post_files(good_npy(), reference, request);
}

static void a_nifti_of_377_bytes_that_asks_for_18_gb_is_refused(void **state)
{
    (void)state;
    const int dim[8] = {3, 30000, 30000, 20, 1, 1, 1, 1};
    uint8_t data[25] = {0};
    struct bytes file = nifti_of(2, dim, 1, 0, data, sizeof data);
    assert_int_equal(file.size, 377);
    assert_refused(post_reference(file, NULL), 413, "too-many-voxels");
}

static void dims_whose_product_overflows_are_refused(void **state)
{
    (void)state;
    const int dim[8] = {7, 32767, 32767, 32767, 32767, 32767, 32767, 32767};
    static const char *const shapes[] = {
        "(4294967296, 4294967296)",     "(2147483648, 2147483648, 4)",
        "(9223372036854775807, 2)",     "(18446744073709551615,)",
        "(18446744073709551616,)",      "(65536, 65536, 65536, 65536)",
        "(99999999999999999999999999,)"};
    assert_refused(post_reference(nifti_of(2, dim, 1, 0, GOOD, 6), NULL), 413, "too-many-voxels");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct answer answer = post_reference(npy_u8(shapes[i], GOOD, 6), NULL);
        assert_true(answer.status == 413 || answer.status == 422);
        assert_refused(answer, answer.status, "too-many-voxels|bad-mask");
    }
}

static void impossible_nifti_headers_are_refused(void **state)
{
    (void)state;
    static const int dims[][8] = {{0, 6, 1, 1, 1, 1, 1, 1},   {8, 6, 1, 1, 1, 1, 1, 1},
                                  {-1, 6, 1, 1, 1, 1, 1, 1},  {3, 0, 1, 1, 1, 1, 1, 1},
                                  {3, -6, -1, 1, 1, 1, 1, 1}, {200, 6, 1, 1, 1, 1, 1, 1}};
    static const float offsets[] = {0.0f, 351.0f, -352.0f, 352.5f, 1e30f, 1000.0f};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
        assert_refused(post_reference(nifti_of(2, dims[i], 1, 0, GOOD, 6), NULL), 422,
                       "bad-mask|unknown-format");
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        struct bytes file = nifti_u8(6, 1, 1, GOOD);
        put_f32(file.data + 108, offsets[i]);
        assert_refused(post_reference(file, NULL), 422, "bad-mask|truncated");
    }
}

static void dtypes_that_are_no_labels_are_unsupported(void **state)
{
    (void)state;
    static const char *const descrs[] = {"|O", "<c8", "<U4", "|V8", "|S6", "<M8[ns]"};
    for (size_t i = 0; i < sizeof descrs / sizeof *descrs; i++)
        assert_refused(post_reference(npy_of(descrs[i], false, "(6,)", GOOD, 6), NULL), 422,
                       "unsupported-mask");
    const int dim[8] = {3, 6, 1, 1, 1, 1, 1, 1};
    assert_refused(post_reference(nifti_of(128, dim, 1, 0, GOOD, 6), NULL), 422,
                   "unsupported-mask");
    assert_refused(post_reference(nifti_of(32, dim, 1, 0, GOOD, 6), NULL), 422, "unsupported-mask");
}

static void an_npy_header_that_is_no_dict_is_a_bad_mask(void **state)
{
    (void)state;
    static const char *const shapes[] = {"(6",      "6",
                                         "(-6,)",   "(6.0,)",
                                         "('6',)",  "(6,) , 'x': 1",
                                         "(6 6)",   "[6]",
                                         "((6,),)", "(1,1,1,1,1,1,1,1,1,6)"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        assert_refused(post_reference(npy_u8(shapes[i], GOOD, 6), NULL), 422,
                       "bad-mask|unsupported-mask");
}

static void coloured_pngs_are_unsupported(void **state)
{
    (void)state;
    assert_refused(post_reference(png_of(1, 2, 8, 2, "\0\1\1\1\0\2\2\2", 8), NULL), 422,
                   "unsupported-mask");
    assert_refused(post_reference(png_of(1, 1, 8, 6, "\0\1\1\1\1", 5), NULL), 422,
                   "unsupported-mask");
    assert_refused(post_reference(png_of(1, 1, 8, 4, "\0\1\1", 3), NULL), 422, "unsupported-mask");
}

static struct bytes npy_doubles(const double values[6])
{
    return npy_of("<f8", false, "(6,)", values, 48);
}

static void floats_that_are_no_integers_are_refused(void **state)
{
    (void)state;
    const double half[6] = {0, 1, 1, 0.5, 0, 0}, near[6] = {0, 1, 1, 1.0000001, 0, 0};
    assert_refused(post_reference(npy_doubles(half), NULL), 422, "non-integral");
    assert_refused(post_reference(npy_doubles(near), NULL), 422, "non-integral");
    assert_accepted(post_reference(npy_doubles(half), "{\"threshold\":0.5}"));
}

static void not_a_number_is_refused_even_under_a_threshold(void **state)
{
    (void)state;
    double values[6] = {0, 1, 1, 0, 0, 0};
    uint64_t nan = 0x7ff8000000000000, infinite = 0x7ff0000000000000;
    memcpy(values + 3, &nan, 8);
    assert_refused(post_reference(npy_doubles(values), NULL), 422, "not-a-number");
    assert_refused(post_reference(npy_doubles(values), "{\"threshold\":0.5}"), 422, "not-a-number");
    memcpy(values + 3, &infinite, 8);
    assert_refused(post_reference(npy_doubles(values), NULL), 422,
                   "label-out-of-range|non-integral|not-a-number");
}

static void shapes_that_differ_are_refused_and_named(void **state)
{
    (void)state;
    struct answer answer = post_reference(npy_u8("(5,)", GOOD, 5), NULL);
    assert_problem(&answer, 422, "shape-mismatch");
    assert_non_null(strstr((const char *)answer.body.data, "[6]"));
    assert_non_null(strstr((const char *)answer.body.data, "[5]"));
    answer_free(&answer);
    assert_refused(post_reference(npy_u8("(2, 3)", GOOD, 6), NULL), 422, "shape-mismatch");
    assert_refused(post_reference(npy_u8("(1, 6)", GOOD, 6), NULL), 422, "shape-mismatch");
}

static void reversed_shapes_are_refused_with_the_remedy(void **state)
{
    (void)state;
    struct answer answer = post_files(npy_u8("(2, 3)", GOOD, 6), npy_u8("(3, 2)", GOOD, 6), NULL);
    assert_problem(&answer, 422, "shape-mismatch");
    const char *detail = json_string_value(json_at(answer.json, "detail"));
    assert_non_null(strstr(detail, "axes"));
    assert_non_null(strstr(detail, "reverse"));
    answer_free(&answer);
}

static void affines_that_differ_are_refused(void **state)
{
    (void)state;
    const int dim[8] = {3, 6, 1, 1, 1, 1, 1, 1};
    assert_refused(post_files(nifti_u8(6, 1, 1, GOOD), nifti_of(2, dim, 1, 5, GOOD, 6), NULL), 422,
                   "geometry-mismatch");
    assert_refused(post_files(nifti_u8(6, 1, 1, GOOD), nifti_of(2, dim, 2, 0, GOOD, 6), NULL), 422,
                   "geometry-mismatch");
    assert_accepted(post_files(nifti_u8(6, 1, 1, GOOD), nifti_of(2, dim, 1, 5, GOOD, 6),
                               "{\"geometry\":\"ignore\"}"));
}

/* 1e-2 of the spacing in the origin, 1e-3 in the steps (proto/pair.h; DESIGN says 1e-3 for both).
 */
static void affines_may_differ_by_what_rounding_does(void **state)
{
    (void)state;
    const int dim[8] = {3, 6, 1, 1, 1, 1, 1, 1};
    static const struct {
        float spacing_mm, x_mm;
        bool same;
    } cases[] = {{1, 0.009f, true},  {1, -0.009f, true},  {1, 0.011f, false}, {1, -0.011f, false},
                 {1.0009f, 0, true}, {1.0011f, 0, false}, {0.9991f, 0, true}, {0.9988f, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer =
            post_files(nifti_u8(6, 1, 1, GOOD),
                       nifti_of(2, dim, cases[i].spacing_mm, cases[i].x_mm, GOOD, 6), NULL);
        if (cases[i].same)
            assert_accepted(answer);
        else
            assert_refused(answer, 422, "geometry-mismatch");
    }
}

static struct answer post_label(const char *descr, int64_t label)
{
    int64_t values[6] = {0, 1, label, 0, 0, 0};
    return post_reference(npy_of(descr, false, "(6,)", values, sizeof values), NULL);
}

static void labels_outside_the_range_are_refused_and_its_ends_are_not(void **state)
{
    (void)state;
    const double huge[6] = {0, 1, 1e10, 0, 0, 0};
    assert_refused(post_label("<u8", INT64_C(4294967296)), 422, "label-out-of-range");
    assert_refused(post_label("<i8", INT64_C(-2147483649)), 422, "label-out-of-range");
    assert_refused(post_reference(npy_doubles(huge), NULL), 422, "label-out-of-range");
    struct answer top = post_label("<u8", INT64_C(4294967295));
    assert_member(&top, "classes/2/label", "4294967295");
    assert_accepted(top);
    struct answer bottom = post_label("<i8", INT64_C(-2147483648));
    assert_member(&bottom, "classes/0/label", "-2147483648");
    assert_accepted(bottom);
}

int main(void)
{
#define REFUSAL(test) cmocka_unit_test_teardown(test, is_well)
    const struct CMUnitTest tests[] = {
        REFUSAL(a_nifti_of_377_bytes_that_asks_for_18_gb_is_refused),
        REFUSAL(dims_whose_product_overflows_are_refused),
        REFUSAL(impossible_nifti_headers_are_refused),
        REFUSAL(dtypes_that_are_no_labels_are_unsupported),
        REFUSAL(an_npy_header_that_is_no_dict_is_a_bad_mask),
        REFUSAL(coloured_pngs_are_unsupported),
        REFUSAL(floats_that_are_no_integers_are_refused),
        REFUSAL(not_a_number_is_refused_even_under_a_threshold),
        REFUSAL(shapes_that_differ_are_refused_and_named),
        REFUSAL(reversed_shapes_are_refused_with_the_remedy),
        REFUSAL(affines_that_differ_are_refused),
        REFUSAL(affines_may_differ_by_what_rounding_does),
        REFUSAL(labels_outside_the_range_are_refused_and_its_ends_are_not),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
