/* test_refusals.c - bodies that are not well put: parts, types, codings. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/refusal.h"

static const char *const FORM[] = {"Content-Type: multipart/form-data; boundary=B", NULL};

static struct answer post_text(const char *path, const char *type, const char *text)
{
    const char *const headers[] = {type, NULL};
    struct bytes body = bytes_text(text);
    struct answer answer = answer_post(shared, path, headers, body);
    free(body.data);
    return answer;
}

static struct answer post_form(const char *text)
{
    return post_text("/v1/score", FORM[0], text);
}

static void a_part_that_is_missing_is_named(void **state)
{
    (void)state;
    struct bytes mask = good_npy();
    const struct part parts[] = {{"prediction", mask, NULL}, {"reference", mask, NULL}};
    for (size_t i = 0; i < 2; i++) {
        struct answer answer = answer_post_parts(shared, "/v1/score", parts + i, 1);
        assert_problem(&answer, 400, "missing-part");
        assert_non_null(
            strstr(json_string_value(json_at(answer.json, "detail")), parts[1 - i].name));
        answer_free(&answer);
    }
    assert_refused(post_form("--B--\r\n"), 400, "missing-part|bad-multipart");
    assert_refused(answer_post_json(shared, "/v1/score", "{}"), 400, "missing-part");
    free(mask.data);
}

static void a_part_that_does_not_belong_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"mask", "Prediction", "prediction ", "reference[]", ""};
    struct bytes mask = good_npy();
    for (size_t i = 0; i < 5; i++) {
        const struct part parts[] = {
            {"prediction", mask, NULL}, {"reference", mask, NULL}, {names[i], mask, NULL}};
        assert_refused(answer_post_parts(shared, "/v1/score", parts, 3), 400, "unknown-part");
    }
    free(mask.data);
}

static void a_part_that_comes_twice_is_refused(void **state)
{
    (void)state;
    struct bytes mask = good_npy();
    const struct part parts[] = {
        {"prediction", mask, NULL}, {"reference", mask, NULL}, {"reference", mask, NULL}};
    assert_refused(answer_post_parts(shared, "/v1/score", parts, 3), 400, "bad-multipart");
    free(mask.data);
}

static void a_form_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct bytes p = good_npy(), r = good_npy(), whole = form_of(p, r);
    for (size_t size = 0; size + 2 < whole.size; size++) {
        struct bytes part = {whole.data, size};
        assert_refused(answer_post(shared, "/v1/score", FORM, part), 400,
                       "bad-multipart|missing-part");
    }
    assert_accepted(answer_post(shared, "/v1/score", FORM, whole));
    free(p.data), free(r.data), free(whole.data);
}

static void malformed_forms_are_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "hello",
        "--B",
        "--X\r\n\r\n--X--\r\n",
        "--B\r\n\r\nno disposition\r\n--B--\r\n",
        "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--\r\n",
        "--B\r\nContent-Disposition: attachment; name=\"prediction\"\r\n\r\nx\r\n--B--\r\n",
        "--B\r\nContent-Disposition: form-data; name=\"prediction\r\n\r\nx\r\n--B--\r\n",
        "--B\r\nContent-Disposition: form-data; name=\"prediction\"\r\nx\r\n--B--\r\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_refused(post_form(bodies[i]), 400, "bad-multipart|missing-part");
}

static void a_bad_boundary_is_refused(void **state)
{
    (void)state;
    static const char *const types[] = {"Content-Type: multipart/form-data",
                                        "Content-Type: multipart/form-data; boundary=",
                                        "Content-Type: multipart/form-data; boundary=\"\""};
    for (size_t i = 0; i < 3; i++)
        assert_refused(post_text("/v1/score", types[i], "--B--\r\n"), 400, "bad-multipart");
}

static void other_content_types_are_refused_with_what_is_accepted(void **state)
{
    (void)state;
    static const char *const types[] = {"Content-Type: text/plain",
                                        "Content-Type: application/xml",
                                        "Content-Type: application/octet-stream",
                                        "Content-Type: multipart/mixed; boundary=B",
                                        "Content-Type: application/jsonx",
                                        "Content-Type:"};
    char accepted[256];
    for (size_t i = 0; i < 6; i++) {
        struct answer answer = post_text("/v1/score", types[i], "{}");
        assert_problem(&answer, 415, "unsupported-media-type");
        assert_non_null(
            strstr(answer_header(&answer, "Accept-Post", accepted), "multipart/form-data"));
        assert_non_null(strstr(accepted, "application/json"));
        answer_free(&answer);
    }
}

static void unknown_codings_are_refused_with_what_is_accepted(void **state)
{
    (void)state;
    static const char *const codings[] = {"br",         "compress",     "lz4",
                                          "gzip, gzip", "identity, br", "gzipp"};
    char accepted[256], coding[64];
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        snprintf(coding, sizeof coding, "Content-Encoding: %s", codings[i]);
        const char *const headers[] = {FORM[0], coding, NULL};
        struct bytes body = bytes_text("--B--\r\n");
        struct answer answer = answer_post(shared, "/v1/score", headers, body);
        assert_problem(&answer, 415, "unsupported-encoding");
        assert_string_equal(answer_header(&answer, "Accept-Encoding", accepted),
                            "gzip, deflate, zstd");
        answer_free(&answer);
        free(body.data);
    }
}

static void a_coded_body_that_is_corrupt_is_refused(void **state)
{
    (void)state;
    static const char *const codings[] = {"gzip", "deflate", "zstd"};
    struct bytes p = good_npy(), r = good_npy(), form = form_of(p, r), gzip = deflated(form, 31);
    char coding[64];
    for (size_t i = 0; i < 3; i++) {
        snprintf(coding, sizeof coding, "Content-Encoding: %s", codings[i]);
        const char *const headers[] = {FORM[0], coding, NULL};
        assert_refused(answer_post(shared, "/v1/score", headers, form), 422, "corrupt-encoding");
    }
    const char *const headers[] = {FORM[0], "Content-Encoding: gzip", NULL};
    for (size_t size = 0; size < gzip.size; size += 3) {
        struct bytes part = {gzip.data, size};
        assert_refused(answer_post(shared, "/v1/score", headers, part), 422,
                       "truncated|corrupt-encoding");
    }
    gzip.data[gzip.size - 6] ^= 1;
    assert_refused(answer_post(shared, "/v1/score", headers, gzip), 422, "corrupt-encoding");
    free(p.data), free(r.data), free(form.data), free(gzip.data);
}

int main(void)
{
#define REFUSAL(test) cmocka_unit_test_teardown(test, is_well)
    const struct CMUnitTest tests[] = {
        REFUSAL(a_part_that_is_missing_is_named),
        REFUSAL(a_part_that_does_not_belong_is_refused),
        REFUSAL(a_part_that_comes_twice_is_refused),
        REFUSAL(a_form_cut_anywhere_is_refused),
        REFUSAL(malformed_forms_are_refused),
        REFUSAL(a_bad_boundary_is_refused),
        REFUSAL(other_content_types_are_refused_with_what_is_accepted),
        REFUSAL(unknown_codings_are_refused_with_what_is_accepted),
        REFUSAL(a_coded_body_that_is_corrupt_is_refused),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, start, stop);
    curl_global_cleanup();
    return failed;
}
