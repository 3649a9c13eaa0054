/* test_json.c - JSON from strangers: what it may hold, and the memory that it is said to need. */
/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the above */
#include <cmocka.h>

#include "proto/json.h"

static const struct limits limits = {.json_depth = 8, .json_values = 1 << 20};

/* ---- what jansson takes ---------------------------------------------------------------------- */

static size_t now_bytes, most_bytes;

/* A block costs its header too. */
static size_t cost_of(void *block)
{
    return malloc_usable_size(block) + sizeof(size_t);
}

static void *count_malloc(size_t n)
{
    void *block = malloc(n);

    assert_non_null(block);
    now_bytes += cost_of(block);
    most_bytes = now_bytes > most_bytes ? now_bytes : most_bytes;
    return block;
}

static void count_free(void *block)
{
    if (block != NULL)
        now_bytes -= cost_of(block);
    free(block);
}

/* n times an item, which is printed with its number, between brackets. */
static char *document(const char *brackets, const char *item, size_t n)
{
    char *text = malloc(n * 100 + 10);
    size_t at = 1;

    assert_non_null(text);
    text[0] = brackets[0];
    for (size_t i = 0; i < n; i++) {
        at += (size_t)sprintf(text + at, "%s", i > 0 ? "," : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        at += (size_t)sprintf(text + at, item, (unsigned)i);
#pragma GCC diagnostic pop
    }
    text[at] = brackets[1];
    text[at + 1] = '\0';
    return text;
}

static void assert_bound(const char *brackets, const char *item, size_t n)
{
    char *text = document(brackets, item, n);
    struct problem problem = {0};
    uint64_t bound;
    json_t *json;

    assert_true(json_bound(text, strlen(text), &limits, &bound, &problem));
    now_bytes = most_bytes = 0;
    json = json_parse_any(text, strlen(text), &limits, &problem);
    assert_non_null(json);
    if (most_bytes > bound || most_bytes > strlen(text) * JSON_BYTES_PER_BYTE + 4096)
        fail_msg("%zu of %s take %zu bytes, said to be %zu", n, item, most_bytes, (size_t)bound);
    json_decref(json);
    assert_int_equal(now_bytes, 0);
    free(text);
}

/* Just beyond a power of two, where arrays have doubled, and just below. */
static void the_bound_holds_for_whatever_there_is_many_times(void **state)
{
    static const char *const items[] = {
        "0",  "0.5", "true",     "\"\"",    "\"abc\"",      "[]",
        "{}", "[0]", "{\"\":0}", "[[],{}]", "\"%08x%08x\"", "[0,0,0,0,0,0,0,0,0]"};
    static const size_t sizes[] = {1, 9, 1023, 1025, 32767, 32769};

    (void)state;
    json_set_alloc_funcs(count_malloc, count_free);
    for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
        for (size_t j = 0; j < 6; j++)
            assert_bound("[]", items[i], sizes[j]);
    }
    for (size_t j = 0; j < 6; j++)
        assert_bound("{}", "\"%x\":0", sizes[j]);
    json_set_alloc_funcs(malloc, free);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void assert_refused(const char *text, const char *words)
{
    struct problem problem = {0};

    assert_null(json_parse(text, strlen(text), &limits, &problem));
    assert_int_equal(problem.code, PROBLEM_BAD_JSON);
    assert_non_null(strstr(problem.detail, words));
}

static void a_request_is_an_object_and_a_mask_anything(void **state)
{
    struct problem problem = {0};
    json_t *json = json_parse_any("\"4 2\"", 5, &limits, &problem);

    (void)state;
    assert_true(json_is_string(json));
    json_decref(json);
    assert_refused("[1]", "must be a JSON object");
    assert_refused("\"a\"", "must be a JSON object");
    assert_refused("{\"a\": 1, \"a\": 2}", "duplicate");
    assert_refused("", "Line 1");
}

static void depth_is_bounded_and_brackets_in_strings_are_none(void **state)
{
    struct problem problem = {0};
    static const char text[] = "{\"[[[[[[[[[[\\\"[[[[[[[[[\": \"{{{{{{{{{{{{,,\\\\\"}";
    json_t *json = json_parse(text, sizeof(text) - 1, &limits, &problem);

    (void)state;
    assert_non_null(json);
    json_decref(json);
    assert_refused("{\"a\": [[[[[[[[]]]]]]]]}", "deeper than 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_holds_for_whatever_there_is_many_times),
        cmocka_unit_test(a_request_is_an_object_and_a_mask_anything),
        cmocka_unit_test(depth_is_bounded_and_brackets_in_strings_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
