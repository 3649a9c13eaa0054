/* test_png.c - grey and indexed PNG of every depth, interlaced or not; and what is refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "mask_files.h"

/* written by PIL */
static const char grey_hex[] =
    "89 50 4e 47 0d 0a 1a 0a  00 00 00 0d 49 48 44 52 00 00 00 04 00 00 00 03 08 00 00 00 00 91 9f "
    "f1 1a 00 00 00 15 49 44 41 54 78 da 63 60 60 64 64 60 60 60 64 02 12 0c 4c 0c 00 00 42 00 08 "
    "ba 8b 7c 34  00 00 00 00 49 45 4e 44 ae 42 60 82";
static const char indexed_hex[] =
    "89 50 4e 47 0d 0a 1a 0a 00 00 00 0d 49 48 44 52 00 00 00 04 00 00 00 03 02 03 00 00 00 c9 9a "
    "46 55 00 00 00 0c 50 4c 54 45 00 00 00 ff 00 00 00 ff 00 00 00 00 b6 c2 fc 51  00 00 00 0e 49 "
    "44 41 54 78 9c 63 10 61 90 60 e0 00 00 00 ba 00 35 90 72 7a 8e  00 00 00 00 49 45 4e 44 ae 42 "
    "60 82";

struct image {
    uint32_t width, height;
    uint8_t depth, colours, interlaced;
};

static void put_start(struct file *file, struct image image)
{
    struct file *header = file_new();
    uint8_t rest[5] = {image.depth, image.colours, 0, 0, image.interlaced};

    put(file, "\x89PNG\r\n\x1a\n", 8);
    put_u32_big(header, image.width);
    put_u32_big(header, image.height);
    put(header, rest, 5);
    put_chunk(file, "IHDR", header->bytes, header->n);
    if (image.colours == 3)
        put_chunk(file, "PLTE", "\0\0\0\xff\0\0", 6); /* fewer than the indices used */
    free(header);
}

/* Scanlines: each a filter byte and packed samples. */
static void put_png(struct file *file, struct image image, const void *lines, size_t n)
{
    struct file *data = file_new();

    put_start(file, image);
    put_deflated(data, lines, n, 15);
    put_chunk(file, "IDAT", data->bytes, data->n);
    put_chunk(file, "IEND", "", 0);
    free(data);
}

/* The samples of some rows and columns, as scanlines without filter. */
static void put_lines(struct file *lines, struct image image, const uint8_t *samples,
                      const uint32_t start[2], const uint32_t step[2])
{
    uint32_t size = image.depth == 16 ? 2 : 1;

    for (uint32_t y = start[0]; y < image.height && start[1] < image.width; y += step[0]) {
        uint32_t bits = 0, n_bits = 0;

        put(lines, "", 1);
        for (uint32_t x = start[1]; x < image.width; x += step[1]) {
            const uint8_t *sample = samples + ((size_t)y * image.width + x) * size;

            if (image.depth >= 8) {
                put(lines, sample, size);
                continue;
            }
            bits = bits << image.depth | *sample;
            n_bits += image.depth;
            if (n_bits == 8 || x + step[1] >= image.width) {
                uint8_t byte = (uint8_t)(bits << (8 - n_bits));

                put(lines, &byte, 1);
                bits = n_bits = 0;
            }
        }
    }
}

static void put_samples(struct file *file, struct image image, const uint8_t *samples)
{
    static const uint32_t adam7[7][2][2] = {{{0, 0}, {8, 8}}, {{0, 4}, {8, 8}}, {{4, 0}, {8, 4}},
                                            {{0, 2}, {4, 4}}, {{2, 0}, {4, 2}}, {{0, 1}, {2, 2}},
                                            {{1, 0}, {2, 1}}};
    static const uint32_t whole[2][2] = {{0, 0}, {1, 1}};
    struct file *lines = file_new();

    if (!image.interlaced)
        put_lines(lines, image, samples, whole[0], whole[1]);
    for (size_t pass = 0; image.interlaced && pass < 7; pass++)
        put_lines(lines, image, samples, adam7[pass][0], adam7[pass][1]);
    put_png(file, image, lines->bytes, lines->n);
    free(lines);
}

static void published_files_are_read(void **state)
{
    struct file *file = file_new();
    struct outcome *outcome = malloc(sizeof(*outcome));

    (void)state;
    assert_non_null(outcome);
    put_hex(file, grey_hex);
    assert_int_equal(file->n, 78);
    assert_voxels(file, picture, 12);
    read_file(file, outcome);
    assert_int_equal(outcome->header.format, FORMAT_PNG);
    assert_int_equal(outcome->header.order, OV_ORDER_C);
    assert_int_equal(outcome->header.ndim, 2);
    assert_int_equal(outcome->header.shape[0], 3);
    assert_int_equal(outcome->header.shape[1], 4);
    assert_false(outcome->header.has_affine);
    free(outcome);
    file->n = 0;
    put_hex(file, indexed_hex);
    assert_int_equal(file->n, 95);
    assert_voxels(file, picture, 12);
    free(file);
}

/* Samples are labels: not scaled to 8 bits, not looked up, not bounded by the palette. */
static void every_depth_width_and_interlacing_gives_the_samples(void **state)
{
    static const uint8_t types[][2] = {{1, 0}, {2, 0}, {4, 0}, {8, 0}, {16, 0},
                                       {1, 3}, {2, 3}, {4, 3}, {8, 3}};

    (void)state;
    for (size_t i = 0; i < 9 * 2; i++) {
        for (uint32_t width = 1; width <= 19; width += width < 10 ? 1 : 3) {
            struct image image = {width, 11, types[i / 2][0], types[i / 2][1], i % 2};
            struct file *file = file_new();
            uint8_t samples[19 * 11 * 2];
            size_t n = (size_t)width * 11;

            for (size_t k = 0; k < sizeof(samples); k++)
                samples[k] =
                    (uint8_t)((k * 37 + k / 5) & (image.depth < 8 ? (1u << image.depth) - 1 : 255));
            put_samples(file, image, samples);
            for (size_t k = 0; image.depth == 16 && k < n; k++) { /* as this machine has it */
                uint16_t value = (uint16_t)(samples[2 * k] << 8 | samples[2 * k + 1]);

                memcpy(samples + 2 * k, &value, 2);
            }
            assert_voxels(file, samples, image.depth == 16 ? 2 * n : n);
            free(file);
        }
    }
}

static void every_filter_is_undone(void **state)
{
    /* none, sub, up, average, Paeth over rows that are all 1 2 3 4 */
    static const uint8_t lines[] = {0, 1, 2, 3, 4, 1, 1, 1, 1, 1, 2, 0, 0,
                                    0, 0, 3, 1, 1, 1, 1, 4, 0, 0, 0, 0};
    static const uint8_t samples[] = {1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4};
    struct image image = {4, 5, 8, 0, 0};
    struct file *file = file_new();

    (void)state;
    put_png(file, image, lines, sizeof(lines));
    assert_voxels(file, samples, sizeof(samples));
    free(file);
}

static void colours_are_no_labels(void **state)
{
    static const struct {
        uint8_t colours;
        const char *words;
    } cases[] = {{2, "is RGB (colour type 2)"}, {4, "grey with alpha"}, {6, "RGBA"}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct image image = {4, 3, 8, cases[i].colours, 0};
        struct file *file = file_new();
        uint8_t lines[3 * 17] = {0};

        put_png(file, image, lines, sizeof(lines));
        assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, cases[i].words);
        assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, "save the labels as grey or indexed");
        free(file);
    }
}

static void data_may_be_split_and_followed_by_metadata(void **state)
{
    struct image image = {4, 3, 8, 0, 0};
    struct file *file = file_new(), *data = file_new();
    uint8_t lines[15] = {0};

    (void)state;
    for (size_t i = 0; i < 12; i++)
        lines[i + i / 4 + 1] = picture[i];
    put_start(file, image);
    put_chunk(file, "tEXt", "Comment\0drawn by hand", 21);
    put_deflated(data, lines, sizeof(lines), 15);
    for (size_t i = 0; i < data->n; i++)
        put_chunk(file, "IDAT", data->bytes + i, 1);
    put_chunk(file, "tEXt", "Comment\0the end", 15);
    put_chunk(file, "IEND", "", 0);
    assert_voxels(file, picture, 12);
    free(data);
    free(file);
}

static void bytes_after_iend_are_trailing_bytes(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_hex(file, grey_hex);
    put(file, "", 1);
    assert_file_problem(file, PROBLEM_TRAILING_BYTES, "complete after 78 bytes");
    free(file);
}

static void a_wrong_crc_or_adler_is_corrupt(void **state)
{
    struct file *file = file_new();

    (void)state;
    put_hex(file, grey_hex);
    file->bytes[65] ^= 1; /* CRC of IDAT */
    assert_file_problem(file, PROBLEM_CORRUPT, "chunk checksum");
    file->n = 0;
    put_hex(file, grey_hex);
    file->bytes[61] ^= 1; /* Adler-32, with a CRC that agrees */
    file->n = 62;
    put_u32_big(file, (uint32_t)crc32(0, file->bytes + 37, 25));
    put_chunk(file, "IEND", "", 0);
    assert_file_problem(file, PROBLEM_CORRUPT, "IDAT");
    free(file);
}

static void too_little_image_data_is_truncated(void **state)
{
    struct image image = {4, 3, 8, 0, 0};
    struct file *file = file_new();
    uint8_t lines[14] = {0};

    (void)state;
    put_png(file, image, lines, sizeof(lines));
    assert_file_problem(file, PROBLEM_TRUNCATED, "IDAT");
    free(file);
}

static void an_empty_or_impossible_header_is_malformed(void **state)
{
    static const struct image images[] = {
        {0, 3, 8, 0, 0}, {4, 0, 8, 0, 0}, {4, 3, 3, 0, 0}, {4, 3, 16, 3, 0}, {4, 3, 8, 5, 0}};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct file *file = file_new();

        put_png(file, images[i], "", 1);
        assert_file_problem(file, PROBLEM_BAD_MASK, "The PNG cannot be read");
        free(file);
    }
}

static void metadata_is_bounded(void **state)
{
    static const char zeros[3 << 20];
    struct image image = {4, 3, 8, 0, 0};
    struct file *file = file_new(), *data = file_new();

    (void)state;
    put_start(file, image);
    put(data, "note\0\0", 6);
    put_deflated(data, zeros, sizeof(zeros), 15);
    put_chunk(file, "zTXt", data->bytes, data->n);
    put_chunk(file, "IDAT", "", 0);
    assert_file_problem(file, PROBLEM_UNSUPPORTED_MASK, "limit");
    free(data);
    free(file);
}

static void limits_come_before_memory(void **state)
{
    struct image image = {1u << 30, 1u << 30, 16, 0, 1};
    struct file *file = file_new();

    (void)state;
    put_png(file, image, "", 1);
    assert_file_problem(file, PROBLEM_TOO_MANY_VOXELS, "1073741824 x 1073741824");
    assert_int_equal(budget_most, 0);
    free(file);
}

static void interlaced_images_and_long_rows_need_leave_from_the_budget(void **state)
{
    static const struct {
        struct image image;
        uint64_t n_bytes;
    } cases[] = {
        {{19, 11, 8, 0, 1}, 14 * 19}, {{65537, 1, 8, 0, 0}, 4 * 65537}, {{65536, 1, 8, 0, 0}, 0}};
    struct outcome *outcome = malloc(sizeof(*outcome));
    static uint8_t samples[65537];

    (void)state;
    assert_non_null(outcome);
    for (size_t i = 0; i < 3; i++) {
        struct file *file = file_new();
        struct env env = test_env();
        struct image image = cases[i].image;
        uint8_t *lines = calloc(1, 65538);
        struct source source;

        assert_non_null(lines);
        if (image.interlaced)
            put_samples(file, image, samples);
        else
            put_png(file, image, lines, image.width + 1);
        source = source_of(file->bytes, file->n);
        read_mask(&source, &env, 1000, outcome);
        assert_problem(outcome, PROBLEM_NONE, "");
        assert_int_equal(budget_most, cases[i].n_bytes);
        budget_bytes = cases[i].n_bytes > 0 ? cases[i].n_bytes - 1 : 0;
        read_mask(&source, &env, 1000, outcome);
        if (cases[i].n_bytes > 0)
            assert_problem(outcome, PROBLEM_OUT_OF_MEMORY, "no memory for a PNG of");
        free(lines);
        free(file);
    }
    free(outcome);
}

static void compressed_files_are_read(void **state)
{
    struct file *plain = file_new();

    (void)state;
    put_hex(plain, grey_hex);
    for (enum coding_kind kind = CODING_GZIP; kind < CODING_N; kind += 2) {
        struct file *file = file_new();

        put_coded(file, kind, plain->bytes, plain->n);
        assert_voxels(file, picture, 12);
        every_truncation_is_a_problem(file);
        free(file);
    }
    free(plain);
}

static void damage_is_a_problem_or_harmless(void **state)
{
    struct image image = {9, 5, 4, 0, 1};
    struct file *file = file_new();
    uint8_t samples[45];

    (void)state;
    put_hex(file, grey_hex);
    every_truncation_is_a_problem(file);
    every_flip_is_a_problem_or_harmless(file);
    file->n = 0;
    put_hex(file, indexed_hex);
    every_truncation_is_a_problem(file);
    every_flip_is_a_problem_or_harmless(file);
    file->n = 0;
    for (size_t i = 0; i < 45; i++)
        samples[i] = i & 15;
    put_samples(file, image, samples);
    every_truncation_is_a_problem(file);
    every_flip_is_a_problem_or_harmless(file);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_files_are_read),
        cmocka_unit_test(every_depth_width_and_interlacing_gives_the_samples),
        cmocka_unit_test(every_filter_is_undone),
        cmocka_unit_test(colours_are_no_labels),
        cmocka_unit_test(data_may_be_split_and_followed_by_metadata),
        cmocka_unit_test(bytes_after_iend_are_trailing_bytes),
        cmocka_unit_test(a_wrong_crc_or_adler_is_corrupt),
        cmocka_unit_test(too_little_image_data_is_truncated),
        cmocka_unit_test(an_empty_or_impossible_header_is_malformed),
        cmocka_unit_test(metadata_is_bounded),
        cmocka_unit_test(limits_come_before_memory),
        cmocka_unit_test(interlaced_images_and_long_rows_need_leave_from_the_budget),
        cmocka_unit_test(compressed_files_are_read),
        cmocka_unit_test(damage_is_a_problem_or_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
