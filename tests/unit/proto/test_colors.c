/* test_colors.c - colours that stand for labels: lists of them, panoptic ids, those that are
 * missing.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "color_images.h"

/* What is wrong with the list itself, and where. */
static void assert_list_problem(const char *colors, enum problem_code code, const char *pointer,
                                const char *words)
{
    struct file *file = file_new();
    json_t *options = colors_of(colors);
    struct problem problem = {0};
    struct env env = test_env();
    struct source source;

    put_hex(file, rgb_png);
    source = source_of(file->bytes, file->n);
    source.options = options;
    assert_null(reader_new(&source, &env, &problem));
    if (problem.code != code || strstr(problem.detail, words) == NULL)
        fail_msg("problem %s: %s", problem_name(problem.code), problem.detail);
    assert_string_equal(problem.pointer, pointer);
    json_decref(options);
    free(file);
}

static void listed_colours_are_labels(void **state)
{
    static const char *const files[] = {rgb_png, rgb_tiff, palette_png};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct file *file = file_new();

        put_hex(file, files[i]);
        assert_labels(file, RED_GREEN, OV_U8, picture, 12);
        free(file);
    }
}

static void panoptic_ids_are_red_and_256_green_and_65536_blue(void **state)
{
    static const char *const files[] = {rgb_png, rgb_tiff, palette_png};
    uint32_t ids[12];

    (void)state;
    for (size_t i = 0; i < 12; i++)
        ids[i] = picture[i] == 1 ? 255 : picture[i] == 2 ? 65280 : 0;
    for (size_t i = 0; i < 3; i++) {
        struct file *file = file_new();

        put_hex(file, files[i]);
        assert_labels(file, "\"coco_panoptic\"", OV_U32, ids, sizeof(ids));
        free(file);
    }
}

/* A label for each of the three colours, by the widest of them. */
static void labels_of_any_size_fit(void **state)
{
    struct file *file = file_new();
    uint16_t wide[12];
    uint32_t wider[12];
    int64_t negative[12];

    (void)state;
    put_hex(file, rgb_png);
    for (size_t i = 0; i < 12; i++) {
        wide[i] = picture[i] == 1 ? 256 : picture[i];
        wider[i] = picture[i] == 1 ? 4294967295 : picture[i];
        negative[i] = picture[i] == 1 ? -2147483648LL : picture[i];
    }
    assert_labels(file, "{\"#ff0000\":256,\"#00ff00\":2}", OV_U16, wide, 24);
    assert_labels(file, "{\"#ff0000\":4294967295,\"#00ff00\":2}", OV_U32, wider, 48);
    assert_labels(file, "{\"#ff0000\":-2147483648,\"#00ff00\":2}", OV_I64, negative, 96);
    assert_labels(file, "{\"#00ff00\":2,\"*\":-2147483648,\"#000000\":0}", OV_I64, negative, 96);
    free(file);
}

static void black_is_nothing_unless_it_is_listed(void **state)
{
    struct file *file = file_new();
    uint8_t labels[12], others[12];

    (void)state;
    put_hex(file, rgb_png);
    for (size_t i = 0; i < 12; i++) {
        labels[i] = picture[i] == 0 ? 9 : picture[i];
        others[i] = picture[i] == 0 ? 0 : 7;
    }
    assert_labels(file, "{\"#ff0000\":1,\"#00ff00\":2,\"#000000\":9}", OV_U8, labels, 12);
    assert_labels(file, "{\"*\":7}", OV_U8, others, 12);
    free(file);
}

static void colours_that_are_not_listed_are_named_with_their_place(void **state)
{
    static const char *const files[] = {rgb_png, rgb_tiff, palette_png};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct file *file = file_new();

        put_hex(file, files[i]);
        assert_image_problem(file, "{\"#ff0000\":1}", PROBLEM_UNLISTED_COLOR,
                             "row 1, column 2 (from 0) has the colour #00ff00, which");
        free(file);
    }
}

static void without_colours_the_member_is_named(void **state)
{
    static const char *const files[] = {rgb_png, rgb_tiff};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct file *file = file_new();

        put_hex(file, files[i]);
        assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, "\"colors\" which label each");
        free(file);
    }
}

static void lists_are_checked(void **state)
{
    static const char at[] = "#/prediction/colors";

    (void)state;
    assert_list_problem("1", PROBLEM_BAD_PARAMETER, at, "colors must be");
    assert_list_problem("{}", PROBLEM_BAD_PARAMETER, at, "colors must be");
    assert_list_problem("[]", PROBLEM_BAD_PARAMETER, at, "colors must be");
    assert_list_problem("\"voc\"", PROBLEM_BAD_PARAMETER, at, "colors must be");
    assert_list_problem("{\"#ABCDEF\":1,\"#abcdef\":2}", PROBLEM_BAD_PARAMETER, at,
                        "The colour #abcdef is listed twice");
    assert_list_problem("{\"red\":1}", PROBLEM_BAD_PARAMETER, "#/prediction/colors/red",
                        "written as #rrggbb");
    assert_list_problem("{\"#ff00\":1}", PROBLEM_BAD_PARAMETER, "#/prediction/colors/#ff00",
                        "written as #rrggbb");
    assert_list_problem("{\"#ff00gg\":1}", PROBLEM_BAD_PARAMETER, "#/prediction/colors/#ff00gg",
                        "written as #rrggbb");
    assert_list_problem("{\"#ff0000\":\"1\"}", PROBLEM_BAD_PARAMETER, "#/prediction/colors/#ff0000",
                        "integer");
    assert_list_problem("{\"*\":4294967296}", PROBLEM_LABEL_OUT_OF_RANGE, "#/prediction/colors/*",
                        "outside");
}

static void damage_is_a_problem_or_harmless(void **state)
{
    static const char *const files[] = {rgb_png, palette_png};
    json_t *options = colors_of("{\"#ff0000\":1,\"*\":2}");

    (void)state;
    source_options = options;
    for (size_t i = 0; i < 2; i++) {
        struct file *file = file_new();

        put_hex(file, files[i]);
        every_truncation_is_a_problem(file);
        every_flip_is_a_problem_or_harmless(file);
        free(file);
    }
    source_options = NULL;
    json_decref(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_colours_are_labels),
        cmocka_unit_test(panoptic_ids_are_red_and_256_green_and_65536_blue),
        cmocka_unit_test(labels_of_any_size_fit),
        cmocka_unit_test(black_is_nothing_unless_it_is_listed),
        cmocka_unit_test(colours_that_are_not_listed_are_named_with_their_place),
        cmocka_unit_test(without_colours_the_member_is_named),
        cmocka_unit_test(lists_are_checked),
        cmocka_unit_test(damage_is_a_problem_or_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
