/* test_base64.c - RFC 4648's own vectors, and what must be refused. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base64.h"

static void expect_text(const char *text, const char *bytes)
{
    uint8_t room[32];
    size_t n = 99;

    assert_true(base64_decode(text, strlen(text), room, &n));
    assert_int_equal(n, strlen(bytes));
    assert_memory_equal(room, bytes, n);
    assert_true(base64_room(strlen(text)) >= n);
}

/* RFC 4648, section 10. */
static void vectors_of_the_rfc_decode(void **state)
{
    (void)state;
    expect_text("", "");
    expect_text("Zg==", "f");
    expect_text("Zm8=", "fo");
    expect_text("Zm9v", "foo");
    expect_text("Zm9vYg==", "foob");
    expect_text("Zm9vYmE=", "fooba");
    expect_text("Zm9vYmFy", "foobar");
}

static void both_special_digits_decode(void **state)
{
    uint8_t room[3];
    size_t n;

    (void)state;
    assert_true(base64_decode("+/+/", 4, room, &n));
    assert_memory_equal(room, "\xfb\xff\xbf", 3);
}

static void expect_refused(const char *text, size_t at)
{
    uint8_t room[32];
    size_t n;

    assert_false(base64_decode(text, strlen(text), room, &n));
    assert_int_equal(n, at);
}

static void malformed_text_is_refused_at_its_first_bad_character(void **state)
{
    (void)state;
    expect_refused("Zg=", 3);
    expect_refused("Zg", 2);
    expect_refused("Z===", 1);
    expect_refused("====", 0);
    expect_refused("Zm9v Zm9", 4);
    expect_refused("Zm9vZm-v", 6);
    expect_refused("Zm\n9vYmE", 2);
    expect_refused("Zg==Zm9v", 2);
    expect_refused("Zm8=Zm8=", 3);
}

static void stray_bits_before_padding_are_refused(void **state)
{
    (void)state;
    expect_refused("Zh==", 1);
    expect_refused("Zm9=", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc_decode),
        cmocka_unit_test(both_special_digits_decode),
        cmocka_unit_test(malformed_text_is_refused_at_its_first_bad_character),
        cmocka_unit_test(stray_bits_before_padding_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
