/* test_multipart.c - bodies as curl and browsers write them, and bodies that nobody should. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/multipart.h"

static const struct limits limits = {.parts = 3, .part_header_bytes = 128};

#define PART(name, text) \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" text "\r\n"

/* The body lies in memory of its own size, so that reading beyond it is seen. */
static bool parse(const char *body, size_t n, struct part *parts, size_t *n_parts,
                  struct problem *problem)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    struct parts found = {parts, *n_parts};
    bool ok;

    assert_non_null(copy);
    memcpy(copy, body, n);
    ok = multipart_parse(copy, n, "B", &limits, &found, problem);
    *n_parts = found.n;
    for (size_t i = 0; ok && i < *n_parts; i++)
        parts[i].bytes = (const uint8_t *)body + (parts[i].bytes - copy);
    free(copy);
    return ok;
}

static void expect_refused(const char *body, enum problem_code code)
{
    struct part parts[4];
    size_t n = 77;
    struct problem problem = {0};

    assert_false(parse(body, strlen(body), parts, &n, &problem));
    assert_int_equal(problem.code, code);
    assert_string_not_equal(problem.detail, "");
    assert_int_equal(n, 77);
}

static void parts_come_in_their_order_with_names_and_bytes(void **state)
{
    static const char body[] =
        "--B\r\n"
        "content-disposition: form-data; filename=\"a \\\"b\\\".nii.gz\"; name=prediction\r\n"
        "Content-Type: application/octet-stream\r\n"
        "\r\n"
        "x\0\r\n--Bx\r\n-y\r\n" PART("reference", "") "--B--\r\n";
    struct part parts[4];
    size_t n = 0;
    struct problem problem = {0};

    (void)state;
    assert_true(parse(body, sizeof(body) - 1, parts, &n, &problem));
    assert_int_equal(n, 2);
    assert_string_equal(parts[0].name, "prediction");
    assert_string_equal(parts[0].filename, "a \"b\".nii.gz");
    assert_int_equal(parts[0].n_bytes, 12);
    assert_memory_equal(parts[0].bytes, "x\0\r\n--Bx\r\n-y", 12);
    assert_string_equal(parts[1].name, "reference");
    assert_string_equal(parts[1].filename, "");
    assert_int_equal(parts[1].n_bytes, 0);
}

/* As many bytes like the delimiter's last, and as many almost delimiters, as there can be. */
static void what_is_almost_a_delimiter_is_none(void **state)
{
    static const char begin[] = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n";
    static const char *const fillings[] = {"B", "\r\n--C", "-B", "\r\n--BB", "\r\n-", "\n--B"};
    char body[2048];

    (void)state;
    for (size_t i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
        for (size_t n_fillings = 0; n_fillings < 200; n_fillings++) {
            struct part parts[4];
            struct problem problem = {0};
            size_t n = 0;
            size_t n_bytes = (size_t)sprintf(body, "%s", begin);

            for (size_t j = 0; j < n_fillings; j++)
                n_bytes += (size_t)sprintf(body + n_bytes, "%s", fillings[i]);
            n_bytes += (size_t)sprintf(body + n_bytes, "\r\n--B--");
            assert_true(parse(body, n_bytes, parts, &n, &problem));
            assert_int_equal(n, 1);
            assert_int_equal(parts[0].n_bytes, n_fillings * strlen(fillings[i]));
        }
    }
}

static void an_empty_form_has_no_parts(void **state)
{
    struct part parts[4];
    size_t n = 77;
    struct problem problem = {0};

    (void)state;
    assert_true(parse("--B--\r\n", 7, parts, &n, &problem));
    assert_int_equal(n, 0);
    assert_true(parse("--B--", 5, parts, &n, &problem));
    assert_int_equal(n, 0);
}

static void every_truncation_is_refused(void **state)
{
    static const char body[] = PART("prediction", "12345") PART("reference", "678") "--B--";
    struct part parts[4];
    size_t n_parts = 0;

    (void)state;
    for (size_t n = 0; n < sizeof(body) - 1; n++) {
        struct problem problem = {0};

        assert_false(parse(body, n, parts, &n_parts, &problem));
        assert_int_equal(problem.code, PROBLEM_BAD_MULTIPART);
    }
}

static void malformed_bodies_are_refused(void **state)
{
    (void)state;
    expect_refused("preamble\r\n" PART("a", "1") "--B--", PROBLEM_BAD_MULTIPART);
    expect_refused(PART("a", "1") "--B--epilogue", PROBLEM_BAD_MULTIPART);
    expect_refused(PART("a", "1") "--B--\r\n\r\n", PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\n\r\n1\r\n--B--", PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\nno colon\r\n\r\n1\r\n--B--", PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\n: no name\r\n\r\n1\r\n--B--", PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--B--",
                   PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--",
                   PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--B--",
                   PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\nContent-Disposition: form-data; name=\"a\" junk\r\n\r\n1\r\n--B--",
                   PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n--B--",
                   PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"
                   "Content-Disposition: form-data; name=\"b\"\r\n\r\n1\r\n--B--",
                   PROBLEM_BAD_MULTIPART);
}

static void a_coding_of_a_part_is_refused_unless_it_is_none(void **state)
{
    struct part parts[4];
    size_t n = 0;
    struct problem problem = {0};
    static const char plain[] = "--B\r\nContent-Disposition: form-data; name=a\r\n"
                                "Content-Transfer-Encoding: binary\r\n\r\n1\r\n--B--";

    (void)state;
    assert_true(parse(plain, sizeof(plain) - 1, parts, &n, &problem));
    expect_refused("--B\r\nContent-Disposition: form-data; name=a\r\n"
                   "Content-Transfer-Encoding: base64\r\n\r\n1\r\n--B--",
                   PROBLEM_BAD_MULTIPART);
    expect_refused("--B\r\nContent-Disposition: form-data; name=a\r\n"
                   "Content-Encoding: gzip\r\n\r\n1\r\n--B--",
                   PROBLEM_BAD_MULTIPART);
}

static void one_part_more_than_the_limit_is_refused(void **state)
{
    struct part parts[4];
    size_t n = 0;
    struct problem problem = {0};
    static const char three[] = PART("a", "1") PART("b", "2") PART("c", "3") "--B--";

    (void)state;
    assert_true(parse(three, sizeof(three) - 1, parts, &n, &problem));
    assert_int_equal(n, 3);
    expect_refused(PART("a", "1") PART("b", "2") PART("c", "3") PART("d", "4") "--B--",
                   PROBLEM_TOO_MANY_PARTS);
}

/* "Content-Disposition: form-data; name=a" is 38 bytes; with the ends of two lines and a blank one.
 */
static void headers_of_a_part_may_be_as_long_as_the_limit(void **state)
{
    char body[400];
    struct part parts[4];
    size_t n_parts = 0;

    (void)state;
    for (size_t n = 81; n <= 82; n++) {
        struct problem problem = {0};
        char filler[128];

        memset(filler, 'x', sizeof(filler));
        filler[n] = '\0';
        snprintf(body, sizeof(body),
                 "--B\r\nContent-Disposition: form-data; name=a\r\nX: %s\r\n\r\n1\r\n--B--",
                 filler);
        assert_int_equal(parse(body, strlen(body), parts, &n_parts, &problem),
                         38 + 2 + 3 + n + 2 + 2 <= limits.part_header_bytes);
    }
}

static void expect_boundary(const char *type, const char *boundary)
{
    char found[MULTIPART_BOUNDARY_MAX + 1];
    struct problem problem = {0};
    bool ok = multipart_boundary(type, found, &problem);

    assert_int_equal(ok, boundary != NULL);
    if (boundary != NULL)
        assert_string_equal(found, boundary);
}

static void boundaries_are_taken_from_the_content_type(void **state)
{
    char longest[200] = "multipart/form-data; boundary=";

    (void)state;
    expect_boundary("multipart/form-data; boundary=abc", "abc");
    expect_boundary("multipart/form-data;charset=utf-8; BOUNDARY=\"a b\"", "a b");
    expect_boundary("multipart/form-data; boundary=", NULL);
    expect_boundary("multipart/form-data; boundary=\"\"", NULL);
    expect_boundary("multipart/form-data; boundary=\"a\x01\"", NULL);
    expect_boundary("multipart/form-data; boundary=\"a \"", NULL);
    expect_boundary("multipart/form-data; boundary=\"a", NULL);
    expect_boundary("multipart/form-data", NULL);
    memset(longest + 30, 'b', 70);
    expect_boundary(longest, longest + 30);
    longest[100] = 'b';
    expect_boundary(longest, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_in_their_order_with_names_and_bytes),
        cmocka_unit_test(what_is_almost_a_delimiter_is_none),
        cmocka_unit_test(an_empty_form_has_no_parts),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(malformed_bodies_are_refused),
        cmocka_unit_test(a_coding_of_a_part_is_refused_unless_it_is_none),
        cmocka_unit_test(one_part_more_than_the_limit_is_refused),
        cmocka_unit_test(headers_of_a_part_may_be_as_long_as_the_limit),
        cmocka_unit_test(boundaries_are_taken_from_the_content_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
