/* test_npy.c - NumPy's files: every dtype, order and way to write the header; and what is refused.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mask_files.h"

#define DICT(descr, order, shape) \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"
#define PICTURE_DICT DICT("'|u1'", "False", "(3, 4)")

/* As numpy.save writes it. */
static void put_numpy(struct file *file)
{
    char dict[119];

    snprintf(dict, sizeof(dict), "%-117s\n",
             "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4), }");
    put_npy(file, dict, picture, 12);
    assert_int_equal(file->n, 128 + 12);
}

static void assert_dict_problem(const char *dict, enum problem_code code, const char *words)
{
    struct file *file = file_new();

    put_npy(file, dict, picture, 12);
    assert_file_problem(file, code, words);
    free(file);
}

static void assert_dict_reads(const char *dict)
{
    struct file *file = file_new();

    put_npy(file, dict, picture, 12);
    assert_voxels(file, picture, 12);
    free(file);
}

static void what_numpy_saves_is_read(void **state)
{
    struct file *file = file_new();
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    put_numpy(file);
    assert_voxels(file, picture, 12);
    read_file(file, outcome);
    assert_int_equal(outcome->header.format, FORMAT_NPY);
    assert_int_equal(outcome->header.coding, CODING_NONE);
    assert_int_equal(outcome->header.order, OV_ORDER_C);
    assert_int_equal(outcome->header.ndim, 2);
    assert_int_equal(outcome->header.shape[0], 3);
    assert_int_equal(outcome->header.shape[1], 4);
    assert_int_equal(outcome->header.n_voxels, 12);
    assert_false(outcome->header.has_affine);
    free(outcome);
    free(file);
}

static void fortran_order_is_kept_as_it_lies(void **state)
{
    struct file *file = file_new();
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    put_npy(file, DICT("'|u1'", "True", "(3, 4)"), picture_f, 12);
    assert_voxels(file, picture_f, 12);
    read_file(file, outcome);
    assert_int_equal(outcome->header.order, OV_ORDER_F);
    free(outcome);
    free(file);
}

static void dtypes_and_byte_orders_are_told_apart(void **state)
{
    static const struct {
        const char *name;
        enum ov_dtype dtype;
    } cases[] = {{"b1", OV_U8},  {"u1", OV_U8},  {"i1", OV_I8},  {"u2", OV_U16},
                 {"i2", OV_I16}, {"u4", OV_U32}, {"i4", OV_I32}, {"u8", OV_U64},
                 {"i8", OV_I64}, {"f4", OV_F32}, {"f8", OV_F64}, {"f2", OV_F16}};
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++) {
        char sign = "<>|="[i % 4], dict[128];
        struct file *file = file_new();
        uint8_t zeros[96] = {0};
        size_t size = ov_dtype_bytes(cases[i / 4].dtype);

        snprintf(dict, sizeof(dict), "{'descr': '%c%s', 'fortran_order': False, 'shape': (3, 4), }",
                 sign, cases[i / 4].name);
        put_npy(file, dict, zeros, 12 * size);
        read_file(file, outcome);
        assert_problem(outcome, PROBLEM_NONE, "");
        assert_int_equal(outcome->header.encoding.dtype, cases[i / 4].dtype);
        assert_int_equal(outcome->header.encoding.swapped, sign == '>' && size > 1);
        assert_true(outcome->header.encoding.slope == 0);
        free(file);
    }
    free(outcome);
}

static void versions_2_and_3_have_a_long_length(void **state)
{
    (void)state;
    for (char version = 2; version <= 3; version++) {
        struct file *file = file_new();
        uint8_t length[4] = {sizeof(PICTURE_DICT) - 1, 0, 0, 0};

        put(file, "\x93NUMPY", 6);
        put(file, &version, 1);
        put(file, "\0", 1);
        put(file, length, 4);
        put(file, PICTURE_DICT, sizeof(PICTURE_DICT) - 1);
        put(file, picture, 12);
        assert_voxels(file, picture, 12);
        file->bytes[10] = 2; /* 131 072 and some */
        assert_file_problem(file, PROBLEM_BAD_MASK, "131132 bytes long; more than 65536");
        free(file);
    }
}

static void other_versions_are_refused(void **state)
{
    static const char versions[][2] = {{0, 0}, {4, 0}, {1, 1}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct file *file = file_new();

        put_numpy(file);
        memcpy(file->bytes + 6, versions[i], 2);
        assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, "The NPY version is");
        free(file);
    }
}

static void the_dict_is_read_however_it_is_written(void **state)
{
    (void)state;
    assert_dict_reads("{'descr':'|u1','fortran_order':False,'shape':(3,4)}");
    assert_dict_reads("{\"shape\": (3, 4,), \"fortran_order\": False, \"descr\": \"|u1\"}");
    assert_dict_reads(" {'shape' : ( 3L , 4L ) ,\t'descr' : '|u1' , 'fortran_order' : False ,} \n");
    assert_dict_reads("{'fortran_order': False, 'shape': (12,), 'descr': '|u1'}");
    assert_dict_reads(DICT("'|u1'", "False", "(1, 1, 1, 1, 1, 3, 4)"));
}

static void malformed_dicts_are_refused_with_what_is_wrong(void **state)
{
    (void)state;
    assert_dict_problem("", PROBLEM_BAD_MASK, "not a dict");
    assert_dict_problem("[]", PROBLEM_BAD_MASK, "not a dict");
    assert_dict_problem("{", PROBLEM_BAD_MASK, "a string is missing");
    assert_dict_problem("{}", PROBLEM_BAD_MASK, "is missing");
    assert_dict_problem("{'descr", PROBLEM_BAD_MASK, "does not end");
    assert_dict_problem("{'descr'", PROBLEM_BAD_MASK, "':' is missing");
    assert_dict_problem("{'descr': 3}", PROBLEM_BAD_MASK, "a string is missing");
    assert_dict_problem("{'descr': '|u1'", PROBLEM_BAD_MASK, "',' or the closing");
    assert_dict_problem("{'descr': '|u1' 'shape'", PROBLEM_BAD_MASK, "',' or the closing");
    assert_dict_problem("{'descr': '|u1',,", PROBLEM_BAD_MASK, "a string is missing");
    assert_dict_problem("{'descr': '|u1', 'descr': '|u1'}", PROBLEM_BAD_MASK, "twice");
    assert_dict_problem("{'descr': '|u1', 'shape': (3, 4)}", PROBLEM_BAD_MASK, "is missing");
    assert_dict_problem("{'colour': 'red'}", PROBLEM_BAD_MASK, "a key is none of");
    assert_dict_problem("{'fortran_order': 0}", PROBLEM_BAD_MASK, "neither True nor False");
    assert_dict_problem(PICTURE_DICT "x", PROBLEM_BAD_MASK, "something follows");
}

static void malformed_shapes_are_refused_with_what_is_wrong(void **state)
{
    (void)state;
    assert_dict_problem("{'shape': [3, 4]", PROBLEM_BAD_MASK, "not a tuple");
    assert_dict_problem("{'shape': (3, -4)", PROBLEM_BAD_MASK, "natural numbers");
    assert_dict_problem("{'shape': (3 4)", PROBLEM_BAD_MASK, "natural numbers");
    assert_dict_problem("{'shape': (3, 4", PROBLEM_BAD_MASK, "natural numbers");
    assert_dict_problem("{'shape': (3,", PROBLEM_BAD_MASK, "natural numbers");
    assert_dict_problem("{'shape': (3.0, 4)", PROBLEM_BAD_MASK, "natural numbers");
    assert_dict_problem("{'shape': (,)", PROBLEM_BAD_MASK, "natural numbers");
    assert_dict_problem("{'shape': (18446744073709551616,)", PROBLEM_BAD_MASK, "beyond 64 bits");
    assert_dict_problem("{'shape': (99999999999999999999999,)", PROBLEM_BAD_MASK, "beyond 64 bits");
    assert_dict_problem("{'shape': ()", PROBLEM_BAD_MASK, "single number");
    assert_dict_problem(DICT("'|u1'", "False", "(0,)"), PROBLEM_BAD_MASK,
                        "Axis 0 of the mask is 0");
    assert_dict_problem(DICT("'|u1'", "False", "(12, 0)"), PROBLEM_BAD_MASK, "Axis 1");
    assert_dict_problem(DICT("'|u1'", "False", "(1, 1, 1, 1, 1, 1, 3, 4)"),
                        PROBLEM_UNSUPPORTED_MASK, "more than 7 axes");
    assert_dict_problem(DICT("'|u1'", "False", "(18446744073709551615, 2)"),
                        PROBLEM_TOO_MANY_VOXELS, "18446744073709551615 x 2");
}

static void objects_structures_and_other_types_are_refused(void **state)
{
    (void)state;
    assert_dict_problem(DICT("'|O'", "False", "(3, 4)"), PROBLEM_UNSUPPORTED_MASK, "pickled");
    assert_dict_problem(DICT("'<f3'", "False", "(3, 4)"), PROBLEM_UNSUPPORTED_MASK, "float64");
    assert_dict_problem(DICT("'<c8'", "False", "(3, 4)"), PROBLEM_UNSUPPORTED_MASK, "'<c8'");
    assert_dict_problem(DICT("'<M8[ns]'", "False", "(3, 4)"), PROBLEM_UNSUPPORTED_MASK, "M8");
    assert_dict_problem(DICT("'u1'", "False", "(3, 4)"), PROBLEM_UNSUPPORTED_MASK, "'u1'");
    assert_dict_problem(DICT("'?u1'", "False", "(3, 4)"), PROBLEM_UNSUPPORTED_MASK, "'?u1'");
    assert_dict_problem(DICT("''", "False", "(3, 4)"), PROBLEM_UNSUPPORTED_MASK, "''");
    assert_dict_problem(DICT("[('a', '<u1')]", "False", "(3, 4)"), PROBLEM_UNSUPPORTED_MASK,
                        "structures");
}

static void the_data_ends_where_the_shape_says(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_numpy(file);
    put(file, "", 1);
    assert_file_problem(file, PROBLEM_TRAILING_BYTES, "complete after 140 bytes");
    file->n -= 2;
    assert_file_problem(file, PROBLEM_TRUNCATED, "");
    free(file);
}

static void damage_is_a_problem_or_harmless(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_npy(file, PICTURE_DICT, picture, 12);
    every_truncation_is_a_problem(file);
    every_flip_is_a_problem_or_harmless(file);
    free(file);
}

static void a_name_without_the_content_is_a_mismatch(void **state)
{
    struct env env = test_env();
    struct source source = source_of(picture, sizeof(picture));
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    source.filename = "mask.npy";
    read_mask(&source, &env, 1, outcome);
    assert_problem(outcome, PROBLEM_FORMAT_MISMATCH, "name says NPY");
    free(outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_numpy_saves_is_read),
        cmocka_unit_test(fortran_order_is_kept_as_it_lies),
        cmocka_unit_test(dtypes_and_byte_orders_are_told_apart),
        cmocka_unit_test(versions_2_and_3_have_a_long_length),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(the_dict_is_read_however_it_is_written),
        cmocka_unit_test(malformed_dicts_are_refused_with_what_is_wrong),
        cmocka_unit_test(malformed_shapes_are_refused_with_what_is_wrong),
        cmocka_unit_test(objects_structures_and_other_types_are_refused),
        cmocka_unit_test(the_data_ends_where_the_shape_says),
        cmocka_unit_test(damage_is_a_problem_or_harmless),
        cmocka_unit_test(a_name_without_the_content_is_a_mismatch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
