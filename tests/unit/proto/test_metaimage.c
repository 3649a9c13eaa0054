/* test_metaimage.c - .mha files: elements, byte orders, compression, places; and what is refused.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "text_file.h"

/* As ITK writes it. */
static const char header[] = "ObjectType = Image\n"
                             "NDims = 3\n"
                             "BinaryData = True\n"
                             "BinaryDataByteOrderMSB = False\n"
                             "CompressedData = False\n"
                             "TransformMatrix = 1 0 0 0 1 0 0 0 1\n"
                             "Offset = 0 0 0\n"
                             "CenterOfRotation = 0 0 0\n"
                             "AnatomicalOrientation = RAI\n"
                             "ElementSpacing = 0.5 0.75 2\n"
                             "DimSize = 4 3 1\n"
                             "ElementType = MET_UCHAR\n"
                             "ElementDataFile = LOCAL\n";

static struct file *with(const char *from, const char *to)
{
    return changed_file(header, from, to, picture, sizeof(picture));
}

static void assert_refused(const char *from, const char *to, enum problem_code code,
                           const char *words)
{
    struct file *file = with(from, to);

    assert_file_problem(file, code, words);
    free(file);
}

static void what_itk_writes_is_read(void **state)
{
    struct file *file = with("", "");
    struct outcome *outcome = outcome_of(file);

    (void)state;
    assert_voxels(file, picture, 12);
    assert_int_equal(outcome->header.format, FORMAT_METAIMAGE);
    assert_int_equal(outcome->header.order, OV_ORDER_F);
    assert_int_equal(outcome->header.ndim, 3);
    assert_int_equal(outcome->header.shape[0], 4);
    assert_int_equal(outcome->header.shape[1], 3);
    assert_int_equal(outcome->header.shape[2], 1);
    free(outcome);
    free(file);
}

static void every_element_type_is_known(void **state)
{
    static const struct {
        const char *name;
        enum ov_dtype dtype;
    } types[] = {{"MET_CHAR", OV_I8},   {"MET_SHORT", OV_I16},     {"MET_USHORT", OV_U16},
                 {"MET_INT", OV_I32},   {"MET_UINT", OV_U32},      {"MET_LONG", OV_I32},
                 {"MET_ULONG", OV_U32}, {"MET_LONG_LONG", OV_I64}, {"MET_ULONG_LONG", OV_U64},
                 {"MET_FLOAT", OV_F32}, {"MET_DOUBLE", OV_F64},    {"MET_UCHAR", OV_U8}};
    static const uint8_t zeros[96];

    (void)state;
    for (size_t i = 0; i < 24; i++) {
        size_t size = ov_dtype_bytes(types[i / 2].dtype);
        char *text = changed(header, "MSB = False", i % 2 ? "MSB = True" : "MSB = False");
        struct file *file = changed_file(text, "MET_UCHAR", types[i / 2].name, zeros, 12 * size);
        struct outcome *outcome = outcome_of(file);

        assert_problem(outcome, PROBLEM_NONE, "");
        assert_int_equal(outcome->header.encoding.dtype, types[i / 2].dtype);
        assert_int_equal(outcome->header.encoding.swapped, size > 1 && i % 2);
        free(outcome);
        free(file);
        free(text);
    }
}

static void lines_may_end_in_crlf_and_keys_come_in_any_order(void **state)
{
    static const char other[] = "NDims=2\r\n"
                                "ElementDataFile=LOCAL\r\n";
    struct file *file = file_new();

    (void)state;
    put_text(file, "NDims = 2\r\nComment = anything\r\nDimSize = 4 3\r\nElementType = MET_UCHAR\r\n"
                   "BinaryData = 1\r\nElementDataFile = local\r\n");
    put(file, picture, 12);
    assert_voxels(file, picture, 12);
    assert_no_affine(file);
    file->n = 0;
    put_text(file, other);
    assert_file_problem(file, PROBLEM_BAD_MASK, "is missing");
    free(file);
}

static void compressed_data_is_in_any_coding_inside_any_coding(void **state)
{
    (void)state;
    for (int i = 0; i < 4 * CODING_N; i++) {
        struct file *data = file_new(), *plain, *file = file_new();
        enum coding_kind outside = (enum coding_kind)(i / 4);
        char size[64], *text;

        put_coded(data, (enum coding_kind)(CODING_GZIP + i % 4), picture, 12);
        snprintf(size, sizeof(size), "Data = True\nCompressedDataSize = %zu\n", data->n);
        text = changed(header, "Data = False\n", size);
        plain = changed_file(text, "", "", data->bytes, data->n);
        put_coded(file, outside, plain->bytes, plain->n);
        if (outside != CODING_ZLIB) { /* which has no signature */
            assert_voxels(file, picture, 12);
            every_truncation_is_a_problem(file);
            every_flip_is_a_problem_or_harmless(file);
        }
        free(text);
        free(file);
        free(plain);
        free(data);
    }
}

static void compressed_sizes_must_be_right(void **state)
{
    struct file *data = file_new(), *file;

    (void)state;
    put_coded(data, CODING_ZLIB, picture, 12);
    file = changed_file(header, "Data = False\n", "Data = True\nCompressedDataSize = 999\n",
                        data->bytes, data->n);
    assert_file_problem(file, PROBLEM_TRUNCATED, "CompressedDataSize is 999");
    free(file);
    file = changed_file(header, "Data = False\n", "Data = True\nCompressedDataSize = 3\n",
                        data->bytes, data->n);
    assert_file_problem(file, PROBLEM_BAD_MASK, "CompressedDataSize is 3");
    free(file);
    file = changed_file(header, "Data = False\n", "Data = True\n", data->bytes, data->n);
    assert_voxels(file, picture, 12);
    put(file, "", 1);
    assert_file_problem(file, PROBLEM_TRAILING_BYTES, "1 bytes follow");
    free(file);
    file = changed_file(header, "Data = False\n", "Data = True\n", picture, 12);
    assert_file_problem(file, PROBLEM_CORRUPT, "zlib");
    free(file);
    free(data);
}

/* Two bombs, one inside the other: what is between them may not be larger than a mask may. */
static void what_lies_between_two_codings_is_limited(void **state)
{
    static uint8_t zeros[1 << 16];
    struct env env = test_env();
    struct outcome *outcome = malloc(sizeof(*outcome));
    char *text = changed(header, "Data = False", "Data = True");
    struct file *file = file_new(), *coded = file_new();
    struct source source;

    (void)state;
    assert_non_null(outcome);
    put_text(file, text);
    memcpy(file->bytes + file->n, zeros, 60000);
    file->n += 60000;
    put_coded(coded, CODING_GZIP, file->bytes, file->n);
    source = source_of(coded->bytes, coded->n);
    env.limits.decoded_bytes = 50000;
    read_mask(&source, &env, 5, outcome);
    assert_problem(outcome, PROBLEM_DECODED_TOO_LARGE, "more than 50000 bytes");
    env.limits.decoded_bytes = 1 << 20;
    budget_bytes = 50000;
    read_mask(&source, &env, 5, outcome);
    assert_problem(outcome, PROBLEM_OUT_OF_MEMORY, "budget");
    budget_bytes = 1 << 20;
    read_mask(&source, &env, 5, outcome);
    assert_problem(outcome, PROBLEM_CORRUPT, "zlib");
    free(coded);
    free(file);
    free(text);
    free(outcome);
}

/* LPS: x and y change their sign. A line of the matrix is an axis. */
static void places_become_ras(void **state)
{
    static const double plain[12] = {-0.5, 0, 0, 0, 0, -0.75, 0, 0, 0, 0, 2, 0};
    static const double turned[12] = {-1, -3, -10.5, -7, -2, -3.75, -12, -8, 1.5, 4.5, 14, 9};
    struct file *file = with("", "");
    char *text;

    (void)state;
    assert_affine(file, plain);
    free(file);
    text = changed(header, "1 0 0 0 1 0 0 0 1", "2 4 3 4 5 6 5.25 6 7");
    file = changed_file(text, "Offset = 0 0 0", "Position = 7 8 9", picture, 12);
    assert_affine(file, turned);
    free(file);
    free(text);
    file = with("ElementSpacing", "ElementSize");
    assert_affine(file, plain);
    free(file);
    file = with("ElementSpacing = 0.5 0.75 2", "ElementSize = 9 9 9\nElementSpacing = 0.5 0.75 2");
    assert_affine(file, plain);
    free(file);
}

static void without_offset_and_matrix_there_is_no_place(void **state)
{
    static const double identity[12] = {-0.5, 0, 0, 0, 0, -0.75, 0, 0, 0, 0, 2, 0};
    char *text = changed(header, "Offset = 0 0 0\n", "");
    struct file *file = changed_file(text, "", "", picture, 12);

    (void)state;
    assert_affine(file, identity);
    free(file);
    file = changed_file(text, "TransformMatrix = 1 0 0 0 1 0 0 0 1\n", "", picture, 12);
    assert_no_affine(file);
    free(file);
    free(text);
}

static void two_and_four_axes_have_places_too(void **state)
{
    static const double flat[12] = {-2, 0, 0, -5, 0, -3, 0, -6, 0, 0, 1, 0};
    static const double deep[12] = {-1, 0, 0, -5, 0, -2, 0, -6, 0, 0, 3, 7};
    struct file *file = file_new();

    (void)state;
    put_text(file, "ObjectType = Image\nNDims = 2\nOffset = 5 6\nElementSpacing = 2 3\n"
                   "DimSize = 4 3\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n");
    put(file, picture, 12);
    assert_affine(file, flat);
    file->n = 0;
    put_text(file, "ObjectType = Image\nNDims = 4\nOffset = 5 6 7 8\nElementSpacing = 1 2 3 4\n"
                   "DimSize = 4 3 1 1\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n");
    put(file, picture, 12);
    assert_affine(file, deep);
    free(file);
}

static void nothing_that_is_named_is_opened(void **state)
{
    static const char *const files[] = {"mask.raw",    "LIST",    "LIST 2", "slice%03d.raw 1 3 1",
                                        "/etc/passwd", "LOCAL x", ""};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        assert_refused("LOCAL", files[i], PROBLEM_UNSUPPORTED_MASK, "in another file");
}

static void what_is_not_read_is_refused_in_words(void **state)
{
    (void)state;
    assert_refused("= Image", "= Mesh", PROBLEM_UNSUPPORTED_MASK, "only images");
    assert_refused("BinaryData = True", "BinaryData = False", PROBLEM_UNSUPPORTED_MASK, "as text");
    assert_refused("MET_UCHAR", "MET_FLOAT_ARRAY", PROBLEM_UNSUPPORTED_MASK, "MET_FLOAT_ARRAY");
    assert_refused("NDims = 3", "ElementNumberOfChannels = 3\nNDims = 3", PROBLEM_UNSUPPORTED_MASK,
                   "several channels");
    assert_refused("NDims = 3", "HeaderSize = -1\nNDims = 3", PROBLEM_UNSUPPORTED_MASK, "skipped");
    assert_refused("NDims", "ElementToIntensityFunctionSlope = 2\nNDims", PROBLEM_UNSUPPORTED_MASK,
                   "scale");
    assert_refused("NDims", "ElementToIntensityFunctionOffset = 1\nNDims", PROBLEM_UNSUPPORTED_MASK,
                   "scale");
    assert_refused("NDims",
                   "ElementToIntensityFunctionSlope = 1\n"
                   "ElementToIntensityFunctionOffset = 0\nHeaderSize = 0\n"
                   "ElementNumberOfChannels = 1\nNDims",
                   PROBLEM_NONE, "");
}

static void headers_that_contradict_themselves_are_bad(void **state)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"NDims = 3", "NDims = 0"},
        {"NDims = 3", "NDims = 8"},
        {"NDims = 3", "NDims = 2"},
        {"NDims = 3", "NDims = x"},
        {"NDims = 3", "NDims = 3 3"},
        {"NDims = 3\n", ""},
        {"NDims = 3", "NDims = 3\nNDims = 3"},
        {"DimSize = 4 3 1", "DimSize = 4 3"},
        {"DimSize = 4 3 1", "DimSize = 4 3 1 1 1 1 1 1"},
        {"DimSize = 4 3 1", "DimSize = 4 -3 1"},
        {"DimSize = 4 3 1", "DimSize = 4 3.0 1"},
        {"DimSize = 4 3 1", "DimSize = 4 3 0"},
        {"DimSize = 4 3 1", "DimSize = 99999999999999999999 3 1"},
        {"DimSize = 4 3 1", "DimSize = 4 3 1\nDimSize = 4 3 1"},
        {"DimSize = 4 3 1\n", ""},
        {"ElementType = MET_UCHAR\n", ""},
        {"MET_UCHAR", "MET_UCHAR\nElementType = MET_CHAR"},
        {"BinaryData = True", "BinaryData = maybe"},
        {"CompressedData = False", "CompressedData = "},
        {"CompressedData = False", "CompressedData = False\nCompressedDataSize = -4"},
        {"MSB = False", "MSB = False\nElementByteOrderMSB = True"},
        {"Offset = 0 0 0", "Offset = 0 0"},
        {"Offset = 0 0 0", "Offset = 0 0 0\nOrigin = 0 0 1"},
        {"Offset = 0 0 0", "Offset = 0 nan 0"},
        {"Offset = 0 0 0", "Offset = 0 1e999 0"},
        {"Offset = 0 0 0", "Offset = 0 0 0x"},
        {"ElementSpacing = 0.5 0.75 2", "ElementSpacing = 0.5 0.75"},
        {"1 0 0 0 1 0 0 0 1\nOffset", "1 0 0 0 1 0 0 0\nOffset"},
        {"CenterOfRotation = 0 0 0", "CenterOfRotation 0 0 0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct file *file = with(cases[i].from, cases[i].to);
        struct outcome *outcome = outcome_of(file);

        if (outcome->problem.code != PROBLEM_BAD_MASK)
            fail_msg("%s: %s", cases[i].to, outcome->problem.detail);
        free(outcome);
        free(file);
    }
    assert_refused("ElementSpacing = 0.5 0.75 2",
                   "Rotation = 1 0 0 0 1 0 0 0 1\n"
                   "BinaryDataByteOrderMSB = 0\nOrigin = 0 0 0\n"
                   "ElementSpacing = 0.5 0.75 2",
                   PROBLEM_NONE, ""); /* said again is no contradiction */
    assert_refused("1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nCenterOfRotation = 0 0 0\n"
                   "AnatomicalOrientation = RAI\nElementSpacing = 0.5 0.75 2",
                   "1e300 0 0 0 1 0 0 0 1\nElementSpacing = 1e300 1 1", PROBLEM_BAD_MASK,
                   "not finite");
}

static void sizes_that_overflow_are_too_many_voxels(void **state)
{
    (void)state;
    assert_refused("DimSize = 4 3 1", "DimSize = 4294967296 4294967296 4294967296",
                   PROBLEM_TOO_MANY_VOXELS, "beyond 2^63");
    assert_refused("DimSize = 4 3 1", "DimSize = 18446744073709551615 1 1", PROBLEM_TOO_MANY_VOXELS,
                   "");
    assert_refused("DimSize = 4 3 1", "DimSize = 4 3 10000000", PROBLEM_TOO_MANY_VOXELS, "limit");
    assert_refused("DimSize = 4 3 1", "DimSize = 4 3 2", PROBLEM_TRUNCATED, "");
    assert_refused("DimSize = 4 3 1", "DimSize = 4 2 1", PROBLEM_TRAILING_BYTES, "");
}

static void damage_is_a_problem_or_harmless(void **state)
{
    struct file *file = with("", "");

    (void)state;
    every_truncation_is_a_problem(file);
    every_flip_is_a_problem_or_harmless(file);
    free(file);
}

static void headers_end_and_hold_no_zeros(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_text(file, "ObjectType = ");
    while (file->n < 65530)
        put(file, "Image Image Image ", 1);
    assert_file_problem(file, PROBLEM_TRUNCATED, "MetaImage header ends after 6");
    free(file);
    file = with("Offset = 0 0 0", "Offset = 0 0 0");
    memset(strstr((char *)file->bytes, "RAI"), 0, 1);
    assert_file_problem(file, PROBLEM_BAD_MASK, "a byte of 0");
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_itk_writes_is_read),
        cmocka_unit_test(every_element_type_is_known),
        cmocka_unit_test(lines_may_end_in_crlf_and_keys_come_in_any_order),
        cmocka_unit_test(compressed_data_is_in_any_coding_inside_any_coding),
        cmocka_unit_test(compressed_sizes_must_be_right),
        cmocka_unit_test(what_lies_between_two_codings_is_limited),
        cmocka_unit_test(places_become_ras),
        cmocka_unit_test(without_offset_and_matrix_there_is_no_place),
        cmocka_unit_test(two_and_four_axes_have_places_too),
        cmocka_unit_test(nothing_that_is_named_is_opened),
        cmocka_unit_test(what_is_not_read_is_refused_in_words),
        cmocka_unit_test(headers_that_contradict_themselves_are_bad),
        cmocka_unit_test(sizes_that_overflow_are_too_many_voxels),
        cmocka_unit_test(damage_is_a_problem_or_harmless),
        cmocka_unit_test(headers_end_and_hold_no_zeros),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
