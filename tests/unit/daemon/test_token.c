/* test_token.c - digests against published vectors, finding a token, and how long it takes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "daemon/clock.h"
#include "daemon/scope.h"
#include "daemon/token.h"

/* FIPS 180-4's examples, and the empty message. */
static void digests_are_sha_256(void **state)
{
    static const char *const vectors[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[TOKEN_DIGEST_BYTES];
    char text[2 * TOKEN_DIGEST_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        token_digest(vectors[i][0], strlen(vectors[i][0]), digest);
        token_print_digest(digest, text);
        assert_string_equal(text, vectors[i][1]);
    }
}

static void a_difference_in_any_bit_counts(void **state)
{
    uint8_t digest[TOKEN_DIGEST_BYTES];
    uint8_t other[TOKEN_DIGEST_BYTES];

    (void)state;
    token_digest("x", 1, digest);
    memcpy(other, digest, sizeof(other));
    assert_true(token_is_equal(digest, other));
    for (size_t bit = 0; bit < 8 * sizeof(other); bit++) {
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(token_is_equal(digest, other));
        other[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static struct tokens three(void)
{
    static struct token list[] = {
        {"one", SCOPE_SCORE, {0}}, {"two", SCOPE_READ, {0}}, {"three", SCOPE_SHM, {0}}};

    for (size_t i = 0; i < 3; i++)
        token_digest(list[i].name, strlen(list[i].name), list[i].digest);
    return (struct tokens){list, 3};
}

static void a_token_is_found_by_its_text_alone(void **state)
{
    struct tokens tokens = three();
    struct tokens none = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(token_find(&tokens, tokens.list[i].name, strlen(tokens.list[i].name)),
                         &tokens.list[i]);
    assert_null(token_find(&tokens, "on", 2));
    assert_null(token_find(&tokens, "one ", 4));
    assert_null(token_find(&tokens, "One", 3));
    assert_null(token_find(&tokens, "", 0));
    assert_null(token_find(&none, "one", 3));
    /* nor by what is kept of it */
    assert_null(token_find(&tokens, (const char *)tokens.list[0].digest, TOKEN_DIGEST_BYTES));
}

static void names_are_plain(void **state)
{
    char longest[TOKEN_NAME_BYTES + 1];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    longest[TOKEN_NAME_BYTES] = '\0';
    assert_false(token_is_name(longest));
    assert_true(token_is_name(longest + 1));
    assert_true(token_is_name("Lab-7_x.y"));
    assert_false(token_is_name(""));
    assert_false(token_is_name("a b"));
    assert_false(token_is_name("a\n"));
    assert_false(token_is_name("#a"));
}

/*
 * Whether a comparison takes longer the later two digests differ: Welch's t between digests that
 * differ in the first byte and in the last, measured in turns, without the slowest tenth (as
 * Reparaz, Balasch and Verbauwhede 2017 do). Beyond 4.5 it does.
 */
#define N_SAMPLES 4000
#define REPEATS   64

typedef bool (*comparison)(const uint8_t *a, const uint8_t *b);

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

/* A digest that differs from nothing but zeros at the first byte or the last, where chance puts it:
 * neither the place in memory nor the turn is to tell them apart. */
static double measure(comparison compare, bool is_late)
{
    static _Alignas(64) uint8_t places[2][64];
    static const _Alignas(64) uint8_t stored[TOKEN_DIGEST_BYTES];
    uint8_t *digest = places[random() % 2];
    volatile bool sink;
    uint64_t began;

    memset(places, 0, sizeof(places));
    digest[is_late ? TOKEN_DIGEST_BYTES - 1 : 0] = 1;
    sink = compare(stored, digest);
    began = clock_ns();
    for (int i = 0; i < REPEATS; i++)
        sink = compare(stored, digest) || sink;
    return (double)(clock_ns() - began);
}

static void moments(double *samples, size_t n, double *ret_mean, double *ret_variance)
{
    double sum = 0;
    double squares = 0;

    qsort(samples, n, sizeof(*samples), by_value);
    n -= n / 10;
    for (size_t i = 0; i < n; i++)
        sum += samples[i];
    for (size_t i = 0; i < n; i++)
        squares += (samples[i] - sum / (double)n) * (samples[i] - sum / (double)n);
    *ret_mean = sum / (double)n;
    *ret_variance = squares / (double)(n - 1) / (double)n;
}

static double welch_t(comparison compare)
{
    static double samples[2][N_SAMPLES];
    size_t n[2] = {0, 0};
    double mean[2];
    double variance[2];

    while (n[0] < N_SAMPLES || n[1] < N_SAMPLES) {
        size_t late = (size_t)random() % 2;
        double sample = measure(compare, late != 0);

        if (n[late] < N_SAMPLES)
            samples[late][n[late]++] = sample;
    }
    for (size_t i = 0; i < 2; i++)
        moments(samples[i], N_SAMPLES, &mean[i], &variance[i]);
    return (mean[1] - mean[0]) / sqrt(variance[0] + variance[1] + 1e-9);
}

static bool leaves_early(const uint8_t *a, const uint8_t *b)
{
    for (size_t i = 0; i < TOKEN_DIGEST_BYTES; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

/* A machine's other work may disturb one measurement; a leak is in every one. */
static void where_digests_differ_does_not_show_in_the_time(void **state)
{
    double least = INFINITY;

    (void)state;
    for (int i = 0; i < 10 && least >= 4.5; i++)
        least = fmin(least, fabs(welch_t(token_is_equal)));
    assert_true(least < 4.5);
}

static void the_same_measurement_catches_a_comparison_that_leaves_early(void **state)
{
    double least = INFINITY;

    (void)state;
    for (int i = 0; i < 3; i++)
        least = fmin(least, welch_t(leaves_early));
    assert_true(least > 4.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_sha_256),
        cmocka_unit_test(a_difference_in_any_bit_counts),
        cmocka_unit_test(a_token_is_found_by_its_text_alone),
        cmocka_unit_test(names_are_plain),
        cmocka_unit_test(where_digests_differ_does_not_show_in_the_time),
        cmocka_unit_test(the_same_measurement_catches_a_comparison_that_leaves_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
