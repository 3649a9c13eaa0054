/* test_formats.c - masks in every format, dtype, coding and index order give the same counts. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/example.h"

static void raw_sources_are_read_by_dtype_shape_and_order(void **state)
{
    (void)state;
    const char *request =
        "{\"prediction\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[3,4]},"
        "\"reference\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[3,4],"
        "\"order\":\"F\"}}";
    const char *columns = "\0\0\0\1\1\0\1\2\2\0\0\0"; /* as numpy.save writes fortran_order */
    struct answer answer = score_files("/v1/score", bytes_new(PREDICTION, N_LABELS),
                                       bytes_new(columns, N_LABELS), request);
    assert_member(&answer, "inputs/reference/format", "\"raw\"");
    assert_example(&answer);
}

static void every_dtype_gives_the_same_counts(void **state)
{
    (void)state;
    static const char *const descrs[] = {"|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8",
                                         "<i8", ">u2", ">i2", ">u4", ">i4", ">u8", ">i8"};
    for (size_t d = 0; d < sizeof descrs / sizeof *descrs; d++) {
        size_t size = (size_t)(descrs[d][2] - '0');
        uint8_t wide[N_LABELS * 8] = {0};
        for (size_t i = 0; i < N_LABELS; i++)
            wide[i * size + (descrs[d][0] == '>' ? size - 1 : 0)] = (uint8_t)PREDICTION[i];
        struct bytes p = npy_of(descrs[d], false, "(3, 4)", wide, N_LABELS * size);
        struct answer answer = score_files("/v1/score", p, npy_example(REFERENCE), NULL);
        assert_example(&answer);
    }
}

static void floats_that_hold_integers_are_labels(void **state)
{
    (void)state;
    float narrow[N_LABELS];
    double wide[N_LABELS];
    for (size_t i = 0; i < N_LABELS; i++) {
        narrow[i] = (float)PREDICTION[i];
        wide[i] = (double)REFERENCE[i];
    }
    struct answer answer =
        score_files("/v1/score", npy_of("<f4", false, "(3, 4)", narrow, sizeof narrow),
                    npy_of("<f8", false, "(3, 4)", wide, sizeof wide), NULL);
    assert_member(&answer, "inputs/prediction/dtype", "\"float32\"");
    assert_member(&answer, "inputs/reference/dtype", "\"float64\"");
    assert_example(&answer);
}

/* Bytes made by other software: PIL, Python's gzip and zlib, the zstd command. */
#define PNG_GREY                                                                          \
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\4\0\0\0\3\x08\0\0\0\0\x91\x9f\xf1\x1a\0\0\0\x15" \
    "IDATx\xda"                                                                           \
    "c``dd```d\x02\x12\x0cL\x0c\0\0\x42\0\x08\xba\x8b|4\0\0\0\0IEND\xae\x42`\x82"
#define PNG_INDEXED                                                   \
    "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\4\0\0\0\3\2\3\0\0\0\xc9\x9a" \
    "FU\0\0\0\x0c"                                                    \
    "PLTE\0\0\0\xff\0\0\0\xff\0\0\0\0\xb6\xc2\xfcQ\0\0\0\x0e"         \
    "IDATx\x9c"                                                       \
    "c\x10\x61\x90`\xe0\0\0\0\xba\0\x35\x90rz\x8e\0\0\0\0IEND\xae\x42`\x82"
#define RAW_GZIP "\x1f\x8b\x08\0\0\0\0\0\2\3c`dd``db```b\0\0\xac\xba\x10\x8c\x0c\0\0\0"
#define RAW_ZLIB "x\x9c\x63`dd``db```b\0\0\0\x38\0\x08"
#define RAW_ZSTD "\x28\xb5\x2f\xfd\x04Xa\0\0\0\1\1\0\0\1\2\0\0\0\2\0\x18\xa0\x87\xb0"

static void pngs_are_read_by_grey_value_and_by_index(void **state)
{
    (void)state;
    struct answer grey = score_files("/v1/score", npy_example(PREDICTION),
                                     bytes_new(PNG_GREY, sizeof PNG_GREY - 1), NULL);
    assert_member(&grey, "inputs/reference/format", "\"png\"");
    assert_member(&grey, "inputs/reference/shape", "[3,4]");
    assert_example(&grey);
    struct answer indexed = score_files("/v1/score", npy_example(PREDICTION),
                                        bytes_new(PNG_INDEXED, sizeof PNG_INDEXED - 1), NULL);
    assert_example(&indexed);
}

static void a_16_bit_png_is_big_endian(void **state)
{
    (void)state;
    struct bytes made = bytes_new("", 0);
    for (size_t i = 0; i < N_LABELS; i++) {
        const uint8_t pixel[2] = {REFERENCE[i] ? 1 : 0, (uint8_t)REFERENCE[i]};
        if (i % 4 == 0)
            bytes_add(&made, "\0", 1);
        bytes_add(&made, pixel, 2);
    }
    struct bytes png = png_of(4, 3, 16, 0, made.data, made.size);
    struct answer answer = score_files("/v1/score", npy_example(PREDICTION), png, NULL);
    assert_status(&answer, 200);
    assert_member(&answer, "classes/2/label", "257");
    assert_member(&answer, "classes/3/label", "258");
    assert_member(&answer, "classes/3/reference", "2");
    answer_free(&answer);
    free(made.data);
}

static void sources_may_be_compressed(void **state)
{
    (void)state;
    static const struct {
        const char *name, *data;
        size_t size;
    } codings[] = {{"none", REFERENCE, N_LABELS},
                   {"gzip", RAW_GZIP, sizeof RAW_GZIP - 1},
                   {"zlib", RAW_ZLIB, sizeof RAW_ZLIB - 1},
                   {"zstd", RAW_ZSTD, sizeof RAW_ZSTD - 1}};
    for (size_t i = 0; i < 4; i++) {
        char request[256];
        snprintf(request, sizeof request,
                 "{\"reference\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[3,4],"
                 "\"encoding\":\"%s\"}}",
                 codings[i].name);
        struct answer answer = score_files("/v1/score", npy_example(PREDICTION),
                                           bytes_new(codings[i].data, codings[i].size), request);
        assert_example(&answer);
    }
}

static void a_compressed_source_is_recognised_without_being_told(void **state)
{
    (void)state;
    struct bytes plain = npy_example(REFERENCE);
    struct bytes forms[] = {deflated(plain, 31), zstd_of(plain)}; /* zlib has no sign of its own */
    for (size_t i = 0; i < 2; i++) {
        struct answer answer = score_files("/v1/score", npy_example(PREDICTION), forms[i], NULL);
        assert_example(&answer);
    }
    free(plain.data);
}

static void the_whole_body_may_be_coded(void **state)
{
    (void)state;
    static const char *const names[] = {"gzip", "x-gzip", "deflate", "zstd", "GZIP"};
    struct bytes p = npy_example(PREDICTION), r = npy_example(REFERENCE), form = form_of(p, r);
    for (size_t i = 0; i < 5; i++) {
        char coding[64];
        snprintf(coding, sizeof coding, "Content-Encoding: %s", names[i]);
        const char *const headers[] = {"Content-Type: multipart/form-data; boundary=B", coding,
                                       NULL};
        struct bytes body = i == 3   ? zstd_of(form)
                            : i == 2 ? deflated(form, 15)
                                     : deflated(form, 31);
        struct answer answer = answer_post(shared, "/v1/score", headers, body);
        assert_example(&answer);
        free(body.data);
    }
    free(p.data), free(r.data), free(form.data);
}

static void a_coded_json_body_is_scored(void **state)
{
    (void)state;
    const char *const headers[] = {"Content-Type: application/json", "Content-Encoding: gzip",
                                   NULL};
    struct bytes text = bytes_text("{\"prediction\":{\"base64\":\"AAEC\",\"format\":\"raw\","
                                   "\"dtype\":\"uint8\",\"shape\":[3]},"
                                   "\"reference\":{\"base64\":\"AAEB\",\"format\":\"raw\","
                                   "\"dtype\":\"uint8\",\"shape\":[3]}}");
    struct bytes body = deflated(text, 31);
    struct answer answer = answer_post(shared, "/v1/score", headers, body);
    assert_status(&answer, 200);
    assert_counts(&answer, "classes/0", "1 0 1 1 2");
    answer_free(&answer);
    free(text.data), free(body.data);
}

/* Two slices of the example, where index order and memory order differ. */
#define VOLUME_PREDICTION PREDICTION REFERENCE
#define VOLUME_REFERENCE  REFERENCE REFERENCE

static void masks_are_compared_by_index_not_by_memory_order(void **state)
{
    (void)state;
    char c_order[24];
    for (int x = 0; x < 4; x++)
        for (int y = 0; y < 3; y++)
            for (int z = 0; z < 2; z++)
                c_order[(x * 3 + y) * 2 + z] = (VOLUME_PREDICTION)[(z * 3 + y) * 4 + x];
    struct answer answer = score_files("/v1/score", npy_u8("(4, 3, 2)", c_order, 24),
                                       nifti_u8(4, 3, 2, VOLUME_REFERENCE), NULL);
    assert_status(&answer, 200);
    assert_member(&answer, "shape", "[4,3,2]");
    assert_counts(&answer, "classes/0", "5 0 1 5 6");
    assert_counts(&answer, "classes/1", "4 2 0 6 4");
    answer_free(&answer);
}

static void fortran_ordered_npy_meets_nifti(void **state)
{
    (void)state;
    struct answer answer =
        score_files("/v1/score", npy_of("|u1", true, "(4, 3, 2)", VOLUME_PREDICTION, 24),
                    nifti_u8(4, 3, 2, VOLUME_REFERENCE), NULL);
    assert_counts(&answer, "classes/0", "5 0 1 5 6");
    answer_free(&answer);
}

static void axes_reverse_turns_the_prediction_round(void **state)
{
    (void)state;
    struct answer refused = score_files("/v1/score", npy_u8("(2, 3, 4)", VOLUME_PREDICTION, 24),
                                        nifti_u8(4, 3, 2, VOLUME_REFERENCE), NULL);
    assert_status(&refused, 422);
    assert_member(&refused, "code", "\"shape-mismatch\"");
    assert_non_null(strstr(json_string_value(json_at(refused.json, "detail")), "axes"));
    answer_free(&refused);
    struct answer answer =
        score_files("/v1/score?axes=reverse", npy_u8("(2, 3, 4)", VOLUME_PREDICTION, 24),
                    nifti_u8(4, 3, 2, VOLUME_REFERENCE), NULL);
    assert_status(&answer, 200);
    assert_member(&answer, "options/axes", "\"reverse\"");
    assert_counts(&answer, "classes/0", "5 0 1 5 6");
    assert_counts(&answer, "classes/1", "4 2 0 6 4");
    answer_free(&answer);
}

static void trailing_singleton_axes_do_not_matter(void **state)
{
    (void)state;
    struct answer answer =
        score_files("/v1/score", npy_of("|u1", true, "(4, 3, 1, 1)", PREDICTION, 12),
                    nifti_u8(4, 3, 1, REFERENCE), NULL);
    assert_member(&answer, "shape", "[4,3]");
    assert_example(&answer);
}

static void geometry_may_be_ignored_but_is_said_to_be(void **state)
{
    (void)state;
    const int dim[8] = {3, 4, 3, 1, 1, 1, 1, 1};
    struct answer answer =
        score_files("/v1/score?geometry=ignore", nifti_of(2, dim, 2.0f, 0.0f, PREDICTION, N_LABELS),
                    nifti_u8(4, 3, 1, REFERENCE), NULL);
    assert_member(&answer, "geometry", "\"ignored\"");
    assert_example(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_sources_are_read_by_dtype_shape_and_order),
        cmocka_unit_test(every_dtype_gives_the_same_counts),
        cmocka_unit_test(floats_that_hold_integers_are_labels),
        cmocka_unit_test(pngs_are_read_by_grey_value_and_by_index),
        cmocka_unit_test(a_16_bit_png_is_big_endian),
        cmocka_unit_test(sources_may_be_compressed),
        cmocka_unit_test(a_compressed_source_is_recognised_without_being_told),
        cmocka_unit_test(the_whole_body_may_be_coded),
        cmocka_unit_test(a_coded_json_body_is_scored),
        cmocka_unit_test(masks_are_compared_by_index_not_by_memory_order),
        cmocka_unit_test(fortran_ordered_npy_meets_nifti),
        cmocka_unit_test(axes_reverse_turns_the_prediction_round),
        cmocka_unit_test(trailing_singleton_axes_do_not_matter),
        cmocka_unit_test(geometry_may_be_ignored_but_is_said_to_be),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
