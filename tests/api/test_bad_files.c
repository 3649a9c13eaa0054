/* test_bad_files.c - files that are cut, corrupt, too long, or no masks at all: a named problem. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/refusal.h"

#define CUT_CODES "truncated|unknown-format|bad-mask|corrupt-encoding"

/* The first size bytes of a file. */
static struct bytes cut(struct bytes file, size_t size)
{
    return bytes_new(file.data, size);
}

static struct bytes with_byte(struct bytes file, size_t at, uint8_t value)
{
    struct bytes made = bytes_new(file.data, file.size);
    made.data[at] = value;
    return made;
}

static struct bytes with_tail(struct bytes file, const void *tail, size_t size)
{
    struct bytes made = bytes_new(file.data, file.size);
    bytes_add(&made, tail, size);
    return made;
}

static struct answer post_reference(struct bytes reference, const char *request)
{
    return post_files(good_npy(), reference, request);
}

static void something_else_is_an_unknown_format(void **state)
{
    (void)state;
    static const char *const texts[] = {"hello, I am not a mask", "%PDF-1.7\n", "<html></html>",
                                        "{\"size\":[3,4]}"};
    for (size_t i = 0; i < 4; i++) {
        assert_refused(post_reference(bytes_text(texts[i]), NULL), 422, "unknown-format");
        assert_refused(post_files(bytes_text(texts[i]), good_npy(), NULL), 422, "unknown-format");
    }
    assert_refused(post_reference(bytes_new("", 0), NULL), 422, "unknown-format|truncated");
}

/* Every proper beginning of the file is refused. */
static void assert_every_cut_refused(struct bytes whole, const char *request)
{
    assert_accepted(post_files(good_npy(), bytes_new(whole.data, whole.size), request));
    for (size_t size = 0; size < whole.size; size++)
        assert_refused(post_reference(cut(whole, size), request), 422, CUT_CODES);
    free(whole.data);
}

static void an_npy_cut_anywhere_is_refused(void **state)
{
    (void)state;
    assert_every_cut_refused(good_npy(), NULL);
}

static void an_npy_whose_data_is_cut_is_truncated(void **state)
{
    (void)state;
    struct bytes whole = good_npy();
    for (size_t missing = 1; missing <= 6; missing++)
        assert_refused(post_reference(cut(whole, whole.size - missing), NULL), 422, "truncated");
    free(whole.data);
}

static void a_gzipped_nifti_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct bytes plain = nifti_u8(6, 1, 1, GOOD);
    assert_every_cut_refused(deflated(plain, 31), NULL);
    free(plain.data);
}

static void a_plain_nifti_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct bytes whole = nifti_u8(6, 1, 1, GOOD);
    for (size_t size = 0; size < whole.size; size += size < 340 ? 7 : 1)
        assert_refused(post_reference(cut(whole, size), NULL), 422, CUT_CODES);
    free(whole.data);
}

static void a_png_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct bytes whole = png_of(2, 3, 8, 0, "\0\1\1\0\2\0\0\0\0", 9);
    for (size_t size = 0; size < whole.size; size++)
        assert_refused(post_files(npy_u8("(3, 2)", GOOD, 6), cut(whole, size), NULL), 422,
                       CUT_CODES);
    assert_accepted(post_files(npy_u8("(3, 2)", GOOD, 6), whole, NULL));
}

static void zlib_and_zstd_cut_anywhere_are_refused(void **state)
{
    (void)state;
    struct bytes plain = bytes_new(GOOD, 6);
    assert_every_cut_refused(deflated(plain, 15),
                             "{\"reference\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[6],"
                             "\"encoding\":\"zlib\"}}");
    assert_every_cut_refused(zstd_of(plain),
                             "{\"reference\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[6],"
                             "\"encoding\":\"zstd\"}}");
    free(plain.data);
}

static void a_format_that_the_bytes_contradict_is_refused(void **state)
{
    (void)state;
    static const char *const formats[] = {"png", "nifti"};
    for (size_t i = 0; i < 2; i++) {
        char request[96];
        snprintf(request, sizeof request, "{\"reference\":{\"format\":\"%s\"}}", formats[i]);
        assert_refused(post_reference(good_npy(), request), 422, "format-mismatch");
    }
    assert_refused(post_reference(bytes_text("hello, I am not a mask"),
                                  "{\"reference\":{\"format\":\"npy\"}}"),
                   422, "format-mismatch");
    assert_refused(post_reference(nifti_u8(6, 1, 1, GOOD), "{\"reference\":{\"format\":\"npy\"}}"),
                   422, "format-mismatch");
}

static void the_first_bytes_outrank_the_file_name(void **state)
{
    (void)state;
    struct bytes p = good_npy(), r = good_npy();
    const struct part parts[] = {{"prediction", p, "p.png"}, {"reference", r, "r.nii.gz"}};
    assert_accepted(answer_post_parts(shared, "/v1/score", parts, 2));
    free(p.data), free(r.data);
}

static void a_corrupt_gzip_is_refused(void **state)
{
    (void)state;
    struct bytes plain = good_npy(), whole = deflated(plain, 31);
    for (size_t back = 1; back <= 8; back++) { /* its CRC and its length */
        uint8_t other = whole.data[whole.size - back] ^ 0x10;
        assert_refused(post_reference(with_byte(whole, whole.size - back, other), NULL), 422,
                       "corrupt-encoding");
    }
    free(plain.data), free(whole.data);
}

static void a_corrupt_zstd_is_refused(void **state)
{
    (void)state;
    struct bytes plain = good_npy(), whole = zstd_of(plain);
    for (size_t back = 1; back <= 4; back++) { /* its checksum */
        uint8_t other = whole.data[whole.size - back] ^ 0x10;
        assert_refused(post_reference(with_byte(whole, whole.size - back, other), NULL), 422,
                       "corrupt-encoding");
    }
    free(plain.data), free(whole.data);
}

static void a_flipped_bit_never_breaks_the_daemon(void **state)
{
    (void)state;
    struct bytes plain = nifti_u8(6, 1, 1, GOOD), whole = deflated(plain, 31);
    for (size_t at = 0; at < whole.size; at++)
        for (int bit = 0; bit < 8; bit += 3) {
            uint8_t other = (uint8_t)(whole.data[at] ^ (1 << bit));
            struct answer answer = post_reference(with_byte(whole, at, other), NULL);
            assert_true(answer.status == 200 || answer.status == 422 || answer.status == 413);
            answer_free(&answer);
        }
    free(plain.data), free(whole.data);
}

static void bytes_after_the_end_are_refused(void **state)
{
    (void)state;
    struct bytes npy = good_npy(), nifti = nifti_u8(6, 1, 1, GOOD);
    struct bytes png = png_of(6, 1, 8, 0, "\0\0\1\1\2\0\0", 7), gzip = deflated(npy, 31);
    struct bytes longer = with_tail(npy, "", 1), zstd = zstd_of(npy);
    assert_refused(post_reference(with_tail(npy, "\0", 1), NULL), 422, "trailing-bytes");
    assert_refused(post_reference(with_tail(nifti, "\0", 1), NULL), 422, "trailing-bytes");
    assert_refused(post_files(npy_u8("(1, 6)", GOOD, 6), with_tail(png, "\0", 1), NULL), 422,
                   "trailing-bytes");
    assert_refused(post_reference(with_tail(gzip, "x", 1), NULL), 422, "trailing-bytes");
    assert_refused(post_reference(with_tail(gzip, gzip.data, gzip.size), NULL), 422,
                   "trailing-bytes");
    assert_refused(post_reference(with_tail(zstd, "x", 1), NULL), 422, "trailing-bytes");
    assert_refused(post_reference(with_tail(zstd, zstd.data, zstd.size), NULL), 422,
                   "trailing-bytes");
    assert_refused(post_reference(deflated(longer, 31), NULL), 422, "trailing-bytes");
    free(npy.data), free(nifti.data), free(png.data);
    free(gzip.data), free(longer.data), free(zstd.data);
}

static void raw_bytes_must_be_exactly_as_many_as_declared(void **state)
{
    (void)state;
    const char *request = "{\"reference\":{\"format\":\"raw\",\"dtype\":\"uint8\",\"shape\":[6]}}";
    assert_refused(post_reference(bytes_new(GOOD "\0", 7), request), 422, "trailing-bytes");
    assert_refused(post_reference(bytes_new(GOOD, 5), request), 422, "truncated");
    assert_accepted(post_reference(bytes_new(GOOD, 6), request));
}

/* 64 MiB of zeros behind a header of 6 voxels. */
static struct bytes bomb(void)
{
    struct bytes plain = good_npy();
    plain.data = realloc(plain.data, 64u << 20);
    assert_non_null(plain.data);
    memset(plain.data + plain.size, 0, (64u << 20) - plain.size);
    plain.size = 64u << 20;
    struct bytes packed = deflated(plain, 31);
    free(plain.data);
    return packed;
}

static void a_bomb_is_refused_where_its_header_ends(void **state)
{
    (void)state;
    struct answer answer = post_reference(bomb(), NULL);
    double decode_s = json_number_value(json_at(answer.json, "timing/decode"));
    assert_true(decode_s < 1);
    assert_refused(answer, 422, "trailing-bytes");
}

static void a_zstd_frame_that_asks_for_2_gib_of_window_is_refused(void **state)
{
    (void)state;
    const char frame[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
    struct answer answer = post_reference(bytes_new(frame, 9), NULL);
    assert_problem(&answer, 422, "corrupt-encoding|unsupported-mask|truncated|unknown-format");
    answer_free(&answer);
}

int main(void)
{
#define REFUSAL(test) cmocka_unit_test_teardown(test, is_well)
    const struct CMUnitTest tests[] = {
        REFUSAL(something_else_is_an_unknown_format),
        REFUSAL(an_npy_cut_anywhere_is_refused),
        REFUSAL(an_npy_whose_data_is_cut_is_truncated),
        REFUSAL(a_gzipped_nifti_cut_anywhere_is_refused),
        REFUSAL(a_plain_nifti_cut_anywhere_is_refused),
        REFUSAL(a_png_cut_anywhere_is_refused),
        REFUSAL(zlib_and_zstd_cut_anywhere_are_refused),
        REFUSAL(a_format_that_the_bytes_contradict_is_refused),
        REFUSAL(the_first_bytes_outrank_the_file_name),
        REFUSAL(a_corrupt_gzip_is_refused),
        REFUSAL(a_corrupt_zstd_is_refused),
        REFUSAL(a_flipped_bit_never_breaks_the_daemon),
        REFUSAL(bytes_after_the_end_are_refused),
        REFUSAL(raw_bytes_must_be_exactly_as_many_as_declared),
        REFUSAL(a_bomb_is_refused_where_its_header_ends),
        REFUSAL(a_zstd_frame_that_asks_for_2_gib_of_window_is_refused),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
