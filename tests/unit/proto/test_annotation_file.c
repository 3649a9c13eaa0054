/* test_annotation_file.c - annotations as files: recognised, decompressed, bounded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

static const char coco[] =
    "{\"images\": [{\"id\": 3, \"height\": 3, \"width\": 4}], \"categories\": "
    "[{\"id\": 1, \"name\": \"cat\"}], \"annotations\": [{\"image_id\": 3, "
    "\"category_id\": 1, \"segmentation\": {\"size\": [3, 4], \"counts\": "
    "\"321O4\"}}]}";
static const char results[] = "[{\"image_id\": 3, \"category_id\": 1, \"score\": 0.5, "
                              "\"segmentation\": {\"size\": [3, 4], \"counts\": \"321O4\"}}]";
static const char task[] = "{\"id\": 1, \"annotations\": [{\"id\": 2, \"result\": [{\"type\": "
                           "\"choices\", \"original_width\": 4, \"original_height\": 3}]}]}";
static const char hook[] = "{\"annotation\": {\"result\": [{\"type\": \"choices\", "
                           "\"original_width\": 4, \"original_height\": 3}]}}";
static const char job[] = " \n{\"shapes\": [{\"type\": \"mask\", \"label\": \"a\", \"points\": "
                          "[0, 3, 1, 1, 0, 2, 1]}]}";
static const char rle[] = "{\"size\": [3, 4], \"counts\": \"321O4\"}";

struct given {
    const char *text;
    size_t n;
    enum format_kind format;
    enum coding_kind coding;
    const char *options;
};

static struct inline_mask read_given(const struct given *given, const struct env *env)
{
    struct inline_mask mask = {.names = names_new()};
    struct source source = source_of((const uint8_t *)given->text, given->n);

    source.format = given->format;
    source.coding = given->coding;
    if (given->options != NULL) {
        mask.json = json_loads(given->options, 0, NULL);
        assert_non_null(mask.json);
        read_shape_of(mask.json, &source);
        source.declared = source.ndim > 0;
    } else {
        source.dtype = OV_N_DTYPES;
    }
    source.options = mask.json;
    source.names = mask.names;
    inline_environment = *env;
    mask.reader = reader_new(&source, &inline_environment, &mask.problem);
    assert_int_equal(mask.reader != NULL, mask.problem.code == PROBLEM_NONE);
    if (mask.problem.code != PROBLEM_NONE)
        assert_string_equal(mask.problem.pointer, POINTER);
    return mask;
}

static void assert_given(struct given given, enum format_kind format)
{
    struct env env = inline_env();
    struct inline_mask mask = read_given(&given, &env);

    if (mask.reader == NULL)
        fail_msg("%s", mask.problem.detail);
    assert_int_equal(reader_header(mask.reader)->format, format);
    assert_int_equal(reader_header(mask.reader)->n_voxels, 12);
    assert_true(reader_finish(mask.reader, &mask.problem));
    inline_done(&mask);
}

static void assert_given_refused(struct given given, const struct env *env, enum problem_code code,
                                 const char *words)
{
    struct inline_mask mask = read_given(&given, env);

    if (mask.problem.code != code || strstr(mask.problem.detail, words) == NULL)
        fail_msg("%s: %s", problem_name(mask.problem.code), mask.problem.detail);
    inline_done(&mask);
}

static struct given given_of(const char *text, enum format_kind format, const char *options)
{
    return (struct given){text, strlen(text), format, CODING_AUTO, options};
}

static void whole_annotations_are_recognised(void **state)
{
    char list[512];

    (void)state;
    assert_given(given_of(coco, FORMAT_AUTO, NULL), FORMAT_COCO);
    assert_given(given_of(results, FORMAT_AUTO, NULL), FORMAT_COCO);
    assert_given(given_of(task, FORMAT_AUTO, NULL), FORMAT_LABEL_STUDIO);
    assert_given(given_of(hook, FORMAT_AUTO, NULL), FORMAT_LABEL_STUDIO);
    assert_given(given_of(job, FORMAT_AUTO, "{\"shape\": [3, 4]}"), FORMAT_CVAT);
    snprintf(list, sizeof(list), "[%s]", task);
    assert_given(given_of(list, FORMAT_AUTO, NULL), FORMAT_LABEL_STUDIO);
    snprintf(list, sizeof(list), "[%s]", job);
    assert_given(given_of(list, FORMAT_AUTO, "{\"shape\": [3, 4]}"), FORMAT_CVAT);
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    char text[512];

    (void)state;
    snprintf(text, sizeof(text), "\xef\xbb\xbf%s", coco);
    assert_given(given_of(text, FORMAT_AUTO, NULL), FORMAT_COCO);
    snprintf(text, sizeof(text), "\xef\xbb\xbf%s", rle);
    assert_given(given_of(text, FORMAT_RLE, NULL), FORMAT_RLE);
}

/* As a cell of a submission's table is, with a line's end or without. */
static void starts_and_lengths_may_be_text(void **state)
{
    static const char shape[] = "{\"shape\": [3, 4]}";
    struct env env = inline_env();

    (void)state;
    assert_given(given_of("4 2 7 1", FORMAT_KAGGLE, shape), FORMAT_KAGGLE);
    assert_given(given_of("4 2 7 1\r\n", FORMAT_KAGGLE, shape), FORMAT_KAGGLE);
    assert_given_refused(given_of("4 2 7", FORMAT_KAGGLE, shape), &env, PROBLEM_BAD_MASK,
                         "pairs of natural numbers");
    assert_given_refused(given_of("4 2 7 x", FORMAT_KAGGLE, shape), &env, PROBLEM_BAD_MASK,
                         "pairs of natural numbers");
    assert_given_refused(given_of("4 2\xff", FORMAT_KAGGLE, shape), &env, PROBLEM_BAD_JSON,
                         "UTF-8");
}

/* Of one mask, COCO's text and Encord's look the same. */
static void masks_alone_have_to_be_named(void **state)
{
    struct env env = inline_env();

    (void)state;
    assert_given(given_of(rle, FORMAT_RLE, NULL), FORMAT_RLE);
    assert_given(given_of("\"4 2 7 1\"", FORMAT_KAGGLE, "{\"shape\": [3, 4]}"), FORMAT_KAGGLE);
    assert_given_refused(given_of(rle, FORMAT_AUTO, NULL), &env, PROBLEM_UNKNOWN_FORMAT,
                         "name its format");
    assert_given_refused(given_of("[]", FORMAT_AUTO, NULL), &env, PROBLEM_UNKNOWN_FORMAT,
                         "name its format");
    assert_given_refused(given_of("\"4 2 7 1\"", FORMAT_AUTO, NULL), &env, PROBLEM_UNKNOWN_FORMAT,
                         "first bytes");
}

static void compressed_files_are_read(void **state)
{
    struct file *file = file_new();
    char *text = malloc(6000);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', 6000); /* larger than the first room for it */
    memcpy(text, coco, sizeof(coco) - 1);
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind++) {
        file->n = 0;
        put_coded(file, kind, text, 6000);
        assert_given((struct given){(char *)file->bytes, file->n, FORMAT_AUTO, kind, NULL},
                     FORMAT_COCO);
        for (size_t n = 1; n < file->n; n++) {
            struct env env = inline_env();
            struct given given = {(char *)file->bytes, n, FORMAT_COCO, kind, NULL};
            struct inline_mask mask = read_given(&given, &env);

            assert_null(mask.reader);
            inline_done(&mask);
        }
    }
    free(text);
    free(file);
}

static void every_truncation_is_refused(void **state)
{
    struct env env = inline_env();

    (void)state;
    for (size_t n = 1; n < sizeof(coco) - 1; n++) {
        char *copy = malloc(n); /* of its own, so that sanitizers see a byte too many */

        assert_non_null(copy);
        memcpy(copy, coco, n);
        assert_given_refused((struct given){copy, n, FORMAT_AUTO, CODING_NONE, NULL}, &env,
                             PROBLEM_BAD_JSON, "Line 1");
        free(copy);
    }
    assert_given_refused((struct given){coco, 0, FORMAT_COCO, CODING_NONE, NULL}, &env,
                         PROBLEM_TRUNCATED, "empty");
}

static void every_flip_is_refused_or_a_mask(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8 * (sizeof(coco) - 1); i++) {
        struct env env = inline_env();
        char copy[sizeof(coco)];
        struct given given = {copy, sizeof(coco) - 1, FORMAT_AUTO, CODING_NONE, NULL};
        struct inline_mask mask;

        memcpy(copy, coco, sizeof(coco));
        copy[i / 8] ^= (char)(1 << i % 8);
        mask = read_given(&given, &env);
        inline_done(&mask);
    }
}

static void members_of_other_formats_are_refused(void **state)
{
    struct env env = inline_env();

    (void)state;
    assert_given(given_of(coco, FORMAT_AUTO, "{\"image_id\": 3}"), FORMAT_COCO);
    assert_given_refused(given_of(task, FORMAT_AUTO, "{\"image_id\": 3}"), &env,
                         PROBLEM_BAD_PARAMETER, "label_studio has no \"image_id\"");
    assert_given_refused(given_of(coco, FORMAT_COCO, "{\"frame\": 3}"), &env, PROBLEM_BAD_PARAMETER,
                         "coco has no \"frame\"");
    assert_given_refused(given_of(coco, FORMAT_AUTO, "{\"dtype\": \"uint8\"}"), &env,
                         PROBLEM_BAD_PARAMETER, "no dtype");
}

static void limits_and_the_budget_hold(void **state)
{
    struct env env = inline_env();
    struct file *file = file_new();

    (void)state;
    env.limits.json_values = 10;
    assert_given_refused(given_of(coco, FORMAT_AUTO, NULL), &env, PROBLEM_BAD_JSON, "10 values");
    env = inline_env();
    env.limits.json_depth = 2;
    assert_given_refused(given_of(coco, FORMAT_AUTO, NULL), &env, PROBLEM_BAD_JSON, "2 levels");
    env = inline_env();
    budget_bytes = 2000;
    assert_given_refused(given_of(coco, FORMAT_AUTO, NULL), &env, PROBLEM_OUT_OF_MEMORY, "JSON");
    put_coded(file, CODING_GZIP, coco, sizeof(coco) - 1);
    env = inline_env();
    env.limits.body_bytes = sizeof(coco) - 2;
    assert_given_refused(
        (struct given){(char *)file->bytes, file->n, FORMAT_AUTO, CODING_GZIP, NULL}, &env,
        PROBLEM_DECODED_TOO_LARGE, "larger than");
    budget_bytes = 60;
    assert_given_refused(
        (struct given){(char *)file->bytes, file->n, FORMAT_AUTO, CODING_GZIP, NULL}, &env,
        PROBLEM_OUT_OF_MEMORY, "bytes left");
    free(file);
}

/* Masks that name their labels wait for those that number them. */
static void of_json_what_has_categories_numbers_its_labels(void **state)
{
    struct source source = source_of((const uint8_t *)coco, sizeof(coco) - 1);

    (void)state;
    assert_false(format_only_names(&source));
    source = source_of((const uint8_t *)task, sizeof(task) - 1);
    assert_true(format_only_names(&source));
    source = source_of((const uint8_t *)"NRRD", 4);
    assert_false(format_only_names(&source));
    source.format = FORMAT_CVAT;
    assert_true(format_only_names(&source));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_annotations_are_recognised),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(starts_and_lengths_may_be_text),
        cmocka_unit_test(masks_alone_have_to_be_named),
        cmocka_unit_test(compressed_files_are_read),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flip_is_refused_or_a_mask),
        cmocka_unit_test(members_of_other_formats_are_refused),
        cmocka_unit_test(limits_and_the_budget_hold),
        cmocka_unit_test(of_json_what_has_categories_numbers_its_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
