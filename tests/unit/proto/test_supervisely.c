/* test_supervisely.c - PNGs pasted at an origin: where their mask is, and how they break. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "inline_masks.h"

#define RECTANGLE "111/100/111"

/* base64 of zlib of what Pillow wrote; the palette's is the sample of the tool's documentation */
static const char palette[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTw"
    "ebo4hlTMSa44sKXhISMDux5T8q1Xf0SBMgyern4u65wSmgDgbxyx";
static const char rgba[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMzBBiTDNLbuB1IGni6OIRVzkiMW73q0/1/2v/9LbfP/b+7Q0E8Q"
    "EExMz/mdffzAkTt3ji64lPZr/vsZb+sZ7DfyRxnqBHcD9TJ4uvq5rHNKaAIAlzMmGA==";
static const char grey_alpha[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMzBAiT/KNaaACk5TxfHkIo5yRGf4//Xv6xvY/4/V7LOeIOB8Yo/"
    "z5MZGAr0OZpnHDtWC1TJ4Onq57LOKaEJAJcVGbI=";
static const char grey[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwBJBiKnV8lAykRTxfHkIo5yX/OHzjwYX5j40d7ZmYGUXZmhj9n"
    "vrwDqfN09XNZ55TQBACdBxVp";
static const char grey_1[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwIJBjqgjuEgBSfp4tjSMWc5IoDWxoeMjKw6zEl33r1RxSkwtPV"
    "z2WdU0ITANfzEKY=";
static const char rgb[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMzBBCRveim9AFLqni6OIRVzkiMW73L6b1qfeT5aTfApq5LSm9z6"
    "tzNmzN4dcsvnZ99NJoalC7li1q1aqwTUwuDp6ueyzimhCQC2ax5p";
static const char grey_16[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMICwAJBiUL5spACkRTxfHkIo5ySlXEhOAoCGgR4CLga2DocvVZVoj"
    "SJ2nq5/LOqeEJgAmCBEm";
static const char interlaced[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwBJBhZXG59BdI8ni6OIRVzkhNSHJoZGJIZuP735WYAxRk8Xf1c"
    "1jklNAEAqykO8Q==";
static const char huge[] =
    "eNrrDPBz5+WS4mJgYOD19HAJYuB3cgBhDqAAQyVb+kIgxeHp4hhSMYcZJMTowdZ5CcTwdPVzWeeU0AQA"
    "auoMbA==";
static const char zlib_text[] =
    "eNorycgsVgCivHyFAD93hcQShcScHB2Fkoz80vQMhcwSkFxOfl66QmoeSAQAfdMQTw==";
static const char bad_crc[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTw"
    "ebo4hlTMSa44sKXhISMDmx5T8q1Xf0SBMgyern4u65wSmgDgWxyw";
static const char cut_png[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTw"
    "ebo4hlTMSa44sKXhISMDAOEiFlA=";
static const char short_rows[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwBJBiKnV8lAyk+TxfHkIo5yQkpKSkJLAwMwgysKvcaP4FUeLr6"
    "uaxzSmgCAL5cDwU=";
static const char trailing[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTw"
    "ebo4hlTMSa44sKXhISMDux5T8q1Xf0SBMgyern4u65wSmioA/ZgdKQ==";
static const char bad_adler[] =
    "eNrrDPBz5+WS4mJgYOD19HAJAtLMIMwIInOeqf8BUmwBPiGuQPr///9Lb86/C2QxlgT5BTM4PLuRBuTw"
    "ebo4hlTMSa44sKXhISMDux5T8q1Xf0SBMgyern4u65wSmgDgbxyw";

struct text {
    char at[1024];
};

static struct text bitmap(const char *data, const char *origin, const char *shape)
{
    struct text text;

    snprintf(text.at, sizeof(text.at),
             "{'supervisely': {'bitmap': {'data': '%s', 'origin': %s}}, 'shape': %s}", data, origin,
             shape);
    return text;
}

static void alpha_is_the_mask_and_grey_without_it(void **state)
{
    (void)state;
    assert_layer(bitmap(palette, "[0, 0]", "[3, 3]").at, 1, RECTANGLE);
    assert_layer(bitmap(rgba, "[0, 0]", "[3, 3]").at, 1, RECTANGLE);
    assert_layer(bitmap(grey_alpha, "[0, 0]", "[3, 3]").at, 1, RECTANGLE);
    assert_layer(bitmap(grey, "[0, 0]", "[3, 3]").at, 1, RECTANGLE);
    assert_layer(bitmap(grey_1, "[0, 0]", "[3, 3]").at, 1, RECTANGLE);
}

static void the_origin_is_x_and_y(void **state)
{
    char source[1024];

    (void)state;
    assert_layer(bitmap(palette, "[2, 1]", "[5, 6]").at, 1, "000000/001110/001000/001110/000000");
    snprintf(source, sizeof(source),
             "{'supervisely': {'data': '%s', 'origin': [0.0, 0.0]}, 'shape': [3, 3], 'label': 7}",
             palette);
    assert_layer(source, 7, RECTANGLE);
}

static void bitmaps_that_leave_the_image_are_refused(void **state)
{
    static const char *const origins[] = {"[3, 0]", "[0, 3]", "[6, 0]", "[0, 5]",
                                          "[9223372036854775807, 0]"};

    (void)state;
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
        assert_refused(bitmap(palette, origins[i], "[5, 5]").at, PROBLEM_BAD_MASK,
                       "not within the image");
    assert_refused(bitmap(palette, "[-1, 0]", "[5, 5]").at, PROBLEM_BAD_MASK, "natural numbers");
    assert_refused(bitmap(palette, "[0, 0]", "[2, 9]").at, PROBLEM_BAD_MASK, "not within");
    assert_refused(bitmap(huge, "[0, 0]", "[5, 5]").at, PROBLEM_BAD_MASK, "1000000 x 1000000");
    assert_int_equal(budget_used, 0);
}

static void what_has_no_mask_is_refused(void **state)
{
    (void)state;
    assert_refused(bitmap(rgb, "[0, 0]", "[3, 3]").at, PROBLEM_UNSUPPORTED_MASK, "without alpha");
    assert_refused(bitmap(grey_16, "[0, 0]", "[3, 3]").at, PROBLEM_UNSUPPORTED_MASK, "16 bits");
    assert_refused(bitmap(interlaced, "[0, 0]", "[3, 3]").at, PROBLEM_UNSUPPORTED_MASK,
                   "interlaced");
}

static void what_is_not_of_the_form_is_refused(void **state)
{
    (void)state;
    assert_refused("{'supervisely': 3, 'shape': [3, 3]}", PROBLEM_BAD_MASK, "data and origin");
    assert_refused("{'supervisely': {'data': 'AAAA'}, 'shape': [3, 3]}", PROBLEM_BAD_MASK,
                   "data and origin");
    assert_refused("{'supervisely': {'data': 'AAAA', 'origin': [1]}, 'shape': [3, 3]}",
                   PROBLEM_BAD_MASK, "data and origin");
    assert_refused("{'supervisely': {'data': 3, 'origin': [1, 1]}, 'shape': [3, 3]}",
                   PROBLEM_BAD_MASK, "data and origin");
    assert_refused("{'supervisely': {'data': '', 'origin': [0.5, 1]}, 'shape': [3, 3]}",
                   PROBLEM_BAD_MASK, "data and origin");
    assert_refused("{'supervisely': {'data': 'AAAA', 'origin': [0, 0]}}", PROBLEM_BAD_PARAMETER,
                   "give \"shape\"");
}

static void every_layer_of_damage_has_its_code(void **state)
{
    (void)state;
    assert_refused(bitmap("AA*A", "[0, 0]", "[3, 3]").at, PROBLEM_BAD_MASK, "character 2");
    assert_refused(bitmap("", "[0, 0]", "[3, 3]").at, PROBLEM_TRUNCATED, "");
    assert_refused(bitmap("AAAA", "[0, 0]", "[3, 3]").at, PROBLEM_CORRUPT, "");
    assert_refused(bitmap(zlib_text, "[0, 0]", "[3, 3]").at, PROBLEM_BAD_MASK, "PNG");
    assert_refused(bitmap(bad_adler, "[0, 0]", "[3, 3]").at, PROBLEM_CORRUPT, "");
    assert_refused(bitmap(bad_crc, "[0, 0]", "[3, 3]").at, PROBLEM_CORRUPT, "");
    assert_refused(bitmap(cut_png, "[0, 0]", "[3, 3]").at, PROBLEM_TRUNCATED, "");
    assert_refused(bitmap(short_rows, "[0, 0]", "[3, 3]").at, PROBLEM_CORRUPT, "");
    assert_refused(bitmap(trailing, "[0, 0]", "[3, 3]").at, PROBLEM_TRAILING_BYTES, "");
}

/* Of the base64: four characters at once, or it says so itself. */
static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(palette); n++) {
        char cut[512];
        struct inline_mask mask;

        snprintf(cut, sizeof(cut), "%.*s", (int)n, palette);
        mask = read_inline(bitmap(cut, "[0, 0]", "[3, 3]").at);
        if (mask.reader != NULL)
            fail_msg("cut to %zu characters, it is read", n);
        inline_done(&mask);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alpha_is_the_mask_and_grey_without_it),
        cmocka_unit_test(the_origin_is_x_and_y),
        cmocka_unit_test(bitmaps_that_leave_the_image_are_refused),
        cmocka_unit_test(what_has_no_mask_is_refused),
        cmocka_unit_test(what_is_not_of_the_form_is_refused),
        cmocka_unit_test(every_layer_of_damage_has_its_code),
        cmocka_unit_test(every_truncation_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
