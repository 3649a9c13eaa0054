/* test_rle_brush.c - Label Studio's bit streams, on vectors of its converter, and damaged ones. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

/* 3 x 4, 0110/0100/0000; written by label-studio-converter */
static const uint8_t picture_rle[] = {0x00, 0x00, 0x00, 0x30, 0x39, 0x1b, 0xfc, 0x60,
                                      0x13, 0xff, 0xce, 0x01, 0x1f, 0xfe, 0x17, 0x00};
static const uint8_t square_rle[] = {0x00, 0x00, 0x00, 0x10, 0x39, 0x1b,
                                     0xfc, 0x60, 0x13, 0xff, 0xc6, 0x00};
static const uint8_t literal_rle[] = {0x00, 0x00, 0x00, 0x04, 0x39, 0x1b,
                                      0xf8, 0x60, 0x20, 0x40, 0x60, 0x80};

struct text {
    char at[4096];
};

static struct text source_of_bytes(const uint8_t *bytes, size_t n, const char *shape)
{
    struct text text = {"{'label_studio_rle': ["};
    size_t at = strlen(text.at);

    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text.at + at, sizeof(text.at) - at, "%s%d", i > 0 ? "," : "",
                               bytes[i]);
    snprintf(text.at + at, sizeof(text.at) - at, "], 'shape': %s}", shape);
    return text;
}

static void assert_bytes_refused(const uint8_t *bytes, size_t n, const char *shape,
                                 const char *words)
{
    assert_refused(source_of_bytes(bytes, n, shape).at, PROBLEM_BAD_MASK, words);
}

/* Bits, first to last, for streams that no encoder writes. */
struct bits {
    uint8_t bytes[256];
    size_t n;
};

static void put_bits(struct bits *bits, uint32_t value, int n)
{
    for (int i = n - 1; i >= 0; i--, bits->n++)
        bits->bytes[bits->n / 8] |= (uint8_t)((value >> i & 1) << (7 - bits->n % 8));
}

static void put_start(struct bits *bits, uint32_t n, uint32_t word)
{
    *bits = (struct bits){.n = 0};
    put_bits(bits, n, 32);
    put_bits(bits, word - 1, 5);
    put_bits(bits, 0x237f, 16);
}

static struct text source_of_bits(const struct bits *bits, const char *shape)
{
    return source_of_bytes(bits->bytes, (bits->n + 7) / 8, shape);
}

static void published_streams_are_read(void **state)
{
    (void)state;
    assert_layer(source_of_bytes(picture_rle, 16, "[3, 4]").at, 1, "0110/0100/0000");
    assert_layer(source_of_bytes(square_rle, 12, "[2, 2]").at, 1, "01/10");
    assert_layer(source_of_bytes(literal_rle, 12, "[1, 1]").at, 1, "1");
    assert_layer("{'label_studio_rle': {'format': 'rle', 'rle': [0, 0, 0, 4, 57, 27, 248, 96, 32,"
                 " 64, 96, 128]}, 'shape': [1, 1], 'label': 3}",
                 3, "1");
}

/* Only every fourth byte is the mask, however runs are cut. */
static void alpha_alone_is_the_mask(void **state)
{
    struct bits bits;

    (void)state;
    put_start(&bits, 16, 8);
    put_bits(&bits, 1, 1); /* 6 times 7: alpha of pixel 0, red and green of pixel 1 */
    put_bits(&bits, 0, 2);
    put_bits(&bits, 5, 3);
    put_bits(&bits, 7, 8);
    put_bits(&bits, 0, 1); /* 10 literals */
    put_bits(&bits, 1, 2);
    put_bits(&bits, 9, 4);
    for (uint32_t i = 6; i < 16; i++)
        put_bits(&bits, i == 7 || i == 15 ? 0 : i, 8);
    assert_layer(source_of_bits(&bits, "[2, 2]").at, 1, "10/10");
}

static void a_byte_of_padding_too_many_is_the_encoders(void **state)
{
    uint8_t bytes[20];

    (void)state;
    memcpy(bytes, picture_rle, 16);
    memset(bytes + 16, 0, 4);
    assert_layer(source_of_bytes(bytes, 17, "[3, 4]").at, 1, "0110/0100/0000");
    assert_bytes_refused(bytes, 18, "[3, 4]", "goes on after");
    bytes[16] = 1;
    assert_bytes_refused(bytes, 17, "[3, 4]", "goes on after");
    memcpy(bytes, square_rle, 12);
    bytes[11] = 1; /* the bit that fills it */
    assert_bytes_refused(bytes, 12, "[2, 2]", "goes on after");
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < 15; n++)
        assert_bytes_refused(picture_rle, n, "[3, 4]", "ends after");
    for (size_t n = 0; n < 12; n++)
        assert_bytes_refused(literal_rle, n, "[1, 1]", "ends after");
}

/* A stream is of so many pixels: a flip changes which, or is refused. */
static void every_flip_is_refused_or_of_the_same_shape(void **state)
{
    (void)state;
    for (size_t i = 0; i < 16 * 8; i++) {
        uint8_t bytes[16];
        struct text text;
        struct inline_mask mask;

        memcpy(bytes, picture_rle, 16);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        text = source_of_bytes(bytes, 16, "[3, 4]");
        mask = read_inline(text.at);
        if (mask.reader == NULL)
            assert_int_equal(mask.problem.code, PROBLEM_BAD_MASK);
        else
            assert_int_equal(reader_header(mask.reader)->n_voxels, 12);
        inline_done(&mask);
    }
}

static void another_number_of_pixels_is_refused(void **state)
{
    (void)state;
    assert_bytes_refused(picture_rle, 16, "[3, 5]", "48 values, but 3 x 5 pixels of RGBA are 60");
    assert_bytes_refused(picture_rle, 16, "[1, 48]", "48 values");
}

/* Three bytes may stand for 65536: what is asked for is bounded by the image. */
static void runs_that_leave_the_image_are_refused(void **state)
{
    struct bits bits;

    (void)state;
    for (uint32_t repeats = 0; repeats < 2; repeats++) {
        put_start(&bits, 16, 8);
        put_bits(&bits, repeats, 1);
        put_bits(&bits, 3, 2);
        put_bits(&bits, 65535, 16);
        put_bits(&bits, 255, 8);
        assert_refused(source_of_bits(&bits, "[2, 2]").at, PROBLEM_BAD_MASK, "leaves the image");
    }
}

static void words_that_are_no_bytes_are_refused(void **state)
{
    struct bits bits;

    (void)state;
    put_start(&bits, 16, 16);
    assert_refused(source_of_bits(&bits, "[2, 2]").at, PROBLEM_BAD_MASK, "values of 16 bits");
    assert_refused("{'label_studio_rle': [0, 0, 0, 256], 'shape': [1, 1]}", PROBLEM_BAD_MASK,
                   "byte 3");
    assert_refused("{'label_studio_rle': [0, 0, -1, 0], 'shape': [1, 1]}", PROBLEM_BAD_MASK,
                   "byte 2");
    assert_refused("{'label_studio_rle': [0, 'a'], 'shape': [1, 1]}", PROBLEM_BAD_MASK, "byte 1");
    assert_refused("{'label_studio_rle': 'AAAA', 'shape': [1, 1]}", PROBLEM_BAD_MASK, "not a list");
    assert_refused("{'label_studio_rle': []}", PROBLEM_BAD_PARAMETER, "give \"shape\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_streams_are_read),
        cmocka_unit_test(alpha_alone_is_the_mask),
        cmocka_unit_test(a_byte_of_padding_too_many_is_the_encoders),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_flip_is_refused_or_of_the_same_shape),
        cmocka_unit_test(another_number_of_pixels_is_refused),
        cmocka_unit_test(runs_that_leave_the_image_are_refused),
        cmocka_unit_test(words_that_are_no_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
