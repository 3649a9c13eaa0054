/* color_images.h - images whose colours stand for labels, and reading them; for the tests of those.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_COLOR_IMAGES_H
#define TESTS_COLOR_IMAGES_H

#include "tiff_image.h"

/* The picture with 1 in red and 2 in green, written by Pillow 13: PNG, TIFF, and PNG with a palette
 * of these three. */
static const char rgb_png[] =
    "89 50 4e 47 0d 0a 1a 0a 00 00 00 0d 49 48 44 52 00 00 00 04 00 00 00 03 08 02 00 00 00 3b "
    "96 39 91 00 00 00 18 49 44 41 54 78 9c 63 60 60 60 f8 cf c0 f0 9f 01 06 fe 33 20 f3 60 1c "
    "00 6f b7 04 fc f7 99 a8 e8 00 00 00 00 49 45 4e 44 ae 42 60 82 ";
static const char rgb_tiff[] =
    "49 49 2a 00 08 00 00 00 0a 00 00 01 04 00 01 00 00 00 04 00 00 00 01 01 04 00 01 00 00 00 "
    "03 00 00 00 02 01 03 00 03 00 00 00 86 00 00 00 03 01 03 00 01 00 00 00 01 00 00 00 06 01 "
    "03 00 01 00 00 00 02 00 00 00 11 01 04 00 01 00 00 00 8c 00 00 00 15 01 03 00 01 00 00 00 "
    "03 00 00 00 16 01 04 00 01 00 00 00 03 00 00 00 17 01 04 00 01 00 00 00 24 00 00 00 1c 01 "
    "03 00 01 00 00 00 01 00 00 00 00 00 00 00 08 00 08 00 08 00 00 00 00 ff 00 00 ff 00 00 00 "
    "00 00 00 00 00 ff 00 00 00 ff 00 00 00 00 00 00 00 00 00 00 00 ff 00 00 00 00 ";
static const char palette_png[] =
    "89 50 4e 47 0d 0a 1a 0a 00 00 00 0d 49 48 44 52 00 00 00 04 00 00 00 03 02 03 00 00 00 c9 "
    "9a 46 55 00 00 00 09 50 4c 54 45 00 ff 00 ff 00 00 00 00 00 41 ec 44 ea 00 00 00 0e 49 44 "
    "41 54 78 9c 63 98 c6 f4 87 49 00 00 06 04 01 a7 a1 cc 9a 7e 00 00 00 00 49 45 4e 44 ae 42 "
    "60 82 ";

#define RED_GREEN "{\"#ff0000\":1,\"#00FF00\":2}"

/* {"colors": ...} of this JSON; to be released. */
static inline json_t *colors_of(const char *json)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    json_t *options = json_pack("{s:o}", "colors", value);

    assert_non_null(options);
    return options;
}

static inline void assert_labels(const struct file *file, const char *colors, enum ov_dtype dtype,
                                 const void *labels, size_t n_bytes)
{
    struct outcome *outcome = malloc(sizeof(*outcome));
    json_t *options = colors_of(colors);

    assert_non_null(outcome);
    source_options = options;
    assert_voxels(file, labels, n_bytes);
    read_file(file, outcome);
    assert_int_equal(outcome->header.encoding.dtype, dtype);
    source_options = NULL;
    json_decref(options);
    free(outcome);
}

static inline void assert_image_problem(const struct file *file, const char *colors,
                                        enum problem_code code, const char *words)
{
    json_t *options = colors_of(colors);

    source_options = options;
    assert_file_problem(file, code, words);
    source_options = NULL;
    json_decref(options);
}

#endif
