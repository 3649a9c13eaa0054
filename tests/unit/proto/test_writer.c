/* test_writer.c - JSON written as text is what jansson prints of the same values. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the above */
#include <cmocka.h>

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "proto/writer.h"

/* Random doubles per kind; WRITER_ROUNDS asks for more. */
#define ROUNDS 20000

static uint64_t state = 1;

/* Knuth's MMIX generator, its better half twice. */
static uint64_t draw(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t high = state >> 32;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return high << 32 | state >> 32;
}

static char *taken(struct writer *writer)
{
    size_t n = 0;
    char *text = writer_take(writer, &n);

    assert_non_null(text);
    assert_int_equal(n, strlen(text));
    return text;
}

/* Consumes both. */
static void is_as_jansson_has_it(struct writer *writer, json_t *json)
{
    char *ours = taken(writer);
    char *theirs = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    assert_non_null(theirs);
    assert_string_equal(ours, theirs);
    free(ours);
    free(theirs);
    json_decref(json);
}

static void same_real(double value)
{
    struct writer writer;

    writer_init(&writer);
    writer_real(&writer, value);
    is_as_jansson_has_it(&writer, json_real(value));
}

static void same_near(double value)
{
    same_real(value);
    same_real(nextafter(value, 0));
    same_real(nextafter(value, INFINITY));
}

static size_t rounds(void)
{
    const char *asked = getenv("WRITER_ROUNDS");

    return asked != NULL ? strtoul(asked, NULL, 10) : ROUNDS;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void any_bits_are_printed_as_by_jansson(void **user)
{
    (void)user;
    for (size_t i = 0; i < rounds(); i++) {
        uint64_t bits = draw();
        double value;

        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value))
            same_real(value);
    }
}

static void ratios_are_printed_as_by_jansson(void **user)
{
    (void)user;
    for (size_t i = 0; i < rounds(); i++) {
        uint64_t above = draw() >> (draw() % 64);
        uint64_t below = draw() >> (draw() % 64);

        same_real((double)above / (double)(below + 1));
        same_real((double)(above % 1000) / (double)(below % 1000 + 1));
    }
}

static void powers_and_their_neighbours_are_printed_as_by_jansson(void **user)
{
    (void)user;
    for (int i = -330; i <= 308; i++)
        same_near(pow(10, i));
    for (int i = -1074; i <= 1023; i++)
        same_near(ldexp(1, i));
    for (int i = 1; i < 100; i++)
        same_near((double)i / 100);
}

/* Only numbers of few bits lie halfway between two of 17 digits. */
static void numbers_halfway_are_rounded_to_even(void **user)
{
    (void)user;
    for (int i = 0; i < 2000; i++) {
        for (int bits = 40; bits <= 80; bits++)
            same_real(1 + ldexp(2 * i + 1, -bits / 2));
        same_real(1e15 + i + 0.0625 * (i % 16));
        same_real(1e16 + 2 * i);
    }
}

static void zeros_are_printed_as_by_jansson(void **user)
{
    (void)user;
    same_real(0.0);
    same_real(-0.0);
    same_real(-0.5);
}

static void what_json_does_not_have_is_null(void **user)
{
    struct writer writer;
    char *text;

    (void)user;
    writer_init(&writer);
    writer_open(&writer, '[');
    writer_real(&writer, NAN);
    writer_real(&writer, INFINITY);
    writer_real(&writer, -INFINITY);
    writer_string(&writer, NULL);
    writer_close(&writer, ']');
    text = taken(&writer);
    assert_string_equal(text, "[null,null,null,null]");
    free(text);
}

static void integers_are_printed_as_by_jansson(void **user)
{
    static const int64_t values[] = {0, 1, -1, 9, 10, -10, 1234567, INT64_MAX, INT64_MIN};
    struct writer writer;

    (void)user;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        writer_init(&writer);
        writer_integer(&writer, values[i]);
        is_as_jansson_has_it(&writer, json_integer(values[i]));
    }
}

static void the_largest_count_is_printed_whole(void **user)
{
    struct writer writer;
    char *text;

    (void)user;
    writer_init(&writer);
    writer_count(&writer, UINT64_MAX);
    text = taken(&writer);
    assert_string_equal(text, "18446744073709551615");
    free(text);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* At every place of texts of which the end is reached in steps of eight bytes and of one. */
static void every_byte_is_escaped_as_by_jansson(void **user)
{
    static const char plain[] = "0123456789abcdefghi";
    struct writer writer;

    (void)user;
    for (int byte = 1; byte < 0x80; byte++) {
        for (size_t at = 0; at < sizeof(plain) - 1; at++) {
            char text[sizeof(plain)];

            memcpy(text, plain, sizeof(plain));
            text[at] = (char)byte;
            writer_init(&writer);
            writer_string(&writer, text);
            is_as_jansson_has_it(&writer, json_string(text));
        }
    }
}

static void utf8_is_printed_as_by_jansson(void **user)
{
    static const char text[] = "l\xc3\xa9sion \"\xe8\x82\x9d\xe8\x87\x93\"\t\xf0\x9f\xab\x80";
    struct writer writer;

    (void)user;
    writer_init(&writer);
    writer_string(&writer, text);
    is_as_jansson_has_it(&writer, json_string(text));
}

static void members_and_elements_are_separated_as_by_jansson(void **user)
{
    struct writer writer;

    (void)user;
    writer_init(&writer);
    writer_open(&writer, '{');
    writer_put_null(&writer, "a[");
    writer_put_bool(&writer, "yes", true);
    writer_name(&writer, "no\n");
    writer_bool(&writer, false);
    writer_name(&writer, "list");
    writer_open(&writer, '[');
    writer_string(&writer, "{");
    writer_string(&writer, ":");
    writer_open(&writer, '{');
    writer_close(&writer, '}');
    writer_open(&writer, '[');
    writer_close(&writer, ']');
    writer_integer(&writer, 3);
    writer_close(&writer, ']');
    writer_put_integer(&writer, "n", -3);
    writer_put_count(&writer, "count", 4);
    writer_put_real(&writer, "real", 0.1);
    writer_put_string(&writer, "text", "");
    writer_close(&writer, '}');
    is_as_jansson_has_it(&writer,
                         json_pack("{s:n, s:b, s:b, s:[s, s, {}, [], i], s:i, s:i, s:f, s:s}", "a[",
                                   "yes", 1, "no\n", 0, "list", "{", ":", 3, "n", -3, "count", 4,
                                   "real", 0.1, "text", ""));
}

/* Beyond the first room, with pieces shorter and longer than what is left of it. */
static void long_texts_are_whole(void **user)
{
    struct writer writer;
    json_t *array = json_array();
    char text[5000];

    (void)user;
    writer_init(&writer);
    writer_open(&writer, '[');
    for (size_t n = 0; n < sizeof(text); n += 61) {
        memset(text, 'x', n);
        text[n] = '\0';
        writer_string(&writer, text);
        json_array_append_new(array, json_string(text));
    }
    writer_close(&writer, ']');
    is_as_jansson_has_it(&writer, array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bits_are_printed_as_by_jansson),
        cmocka_unit_test(ratios_are_printed_as_by_jansson),
        cmocka_unit_test(powers_and_their_neighbours_are_printed_as_by_jansson),
        cmocka_unit_test(numbers_halfway_are_rounded_to_even),
        cmocka_unit_test(zeros_are_printed_as_by_jansson),
        cmocka_unit_test(what_json_does_not_have_is_null),
        cmocka_unit_test(integers_are_printed_as_by_jansson),
        cmocka_unit_test(the_largest_count_is_printed_whole),
        cmocka_unit_test(every_byte_is_escaped_as_by_jansson),
        cmocka_unit_test(utf8_is_printed_as_by_jansson),
        cmocka_unit_test(members_and_elements_are_separated_as_by_jansson),
        cmocka_unit_test(long_texts_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
